"""Secrets that are looked for wherever they must not be: a table of places, each a list of texts with its name."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import quote

import psycopg
import redis
import requests
from psycopg import sql

from tests.support.house import House
from tests.support.log_files import log_paths, read_log

KEYS = {
    "key of account 0": "PKCANARY0AAAAAAAAAAA",
    "secret of account 0": "canary-secret-of-account-0",
    "key of account 1": "PKCANARY1BBBBBBBBBBB",
    "secret of account 1": "canary-secret-of-account-1",
}
CONTROL_TOKEN = "canary-control-token"

Texts = Iterator[tuple[str, str]]
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")


@dataclass
class Scene:
    """A house whose secrets are known, and what it said to whoever asked."""

    house: House
    secrets: dict[str, str]
    answers: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    in_redis: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """Return a connection as the owner of everything, with the first password."""
        url = self.house.settings.migrations_database_url.get_secret_value().replace("+psycopg", "", 1)
        return psycopg.connect(url, autocommit=True)

    def redis(self) -> "redis.Redis":
        """Return a client; the caller closes it."""
        return redis.Redis.from_url(self.house.settings.redis_url.get_secret_value())

    def look_into_redis(self) -> None:
        """Keep what Redis holds now: messages in queues, those in hand, everything else."""
        client = self.redis()
        for key in client.scan_iter():
            with suppress(redis.ResponseError):  # it was taken meanwhile
                self.in_redis.append(f"{key!r} {_value(client, key)!r}")
        client.close()


def _value(client: "redis.Redis", key: bytes) -> object:
    readers: dict[bytes, Callable[[], object]] = {
        b"string": lambda: client.get(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"hash": lambda: client.hgetall(key),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
        b"stream": lambda: client.xrange(key),
    }
    read = readers.get(bytes(client.type(key)))  # type: ignore[arg-type]  # without decoding it is bytes
    return None if read is None else read()


def _log_files(scene: Scene) -> Texts:
    """Application, errors, and what processes and servers print."""
    for path in log_paths(scene.house.servers.home):
        yield str(path), read_log(path)


def _exchange(scene: Scene) -> Texts:
    """What the simulated exchanges print."""
    for path in scene.house.servers.home.root.rglob("exchange.log"):
        yield str(path), path.read_text()


def _tables(scene: Scene) -> Texts:
    """Every column of every row of every table in the schemas trading and audit."""
    with scene.connect() as connection:
        names = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema IN ('trading', 'audit') AND table_type = 'BASE TABLE'"
        ).fetchall()
        for schema, name in names:
            table = sql.Identifier(str(schema), str(name))
            for (row,) in connection.execute(sql.SQL("SELECT t::text FROM {} t").format(table)):
                yield f"{schema}.{name}", str(row)


def _redis(scene: Scene) -> Texts:
    """Every value that was in Redis when somebody looked."""
    scene.look_into_redis()
    for text in scene.in_redis:
        yield "redis", text


def _answers(scene: Scene) -> Texts:
    """Every answer of the API, with its headers."""
    for text in scene.answers:
        yield "answer", text


def _printed(scene: Scene) -> Texts:
    """What commands and processes printed, and how every process was called."""
    for text in scene.printed:
        yield "printed", text


def _flower(scene: Scene) -> Texts:
    """Every page of Flower that shows something, with its password."""
    flower = scene.house.settings.flower
    with requests.Session() as session:
        session.trust_env = False
        session.auth = (flower.user, flower.password.get_secret_value())

        def page(path: str) -> requests.Response:
            return session.get(scene.house.settings.flower_url + path, timeout=20)

        workers = page("/api/workers?refresh=1").json()
        tasks = page("/api/tasks?limit=10000").json()
        assert len(tasks) > len(PLACES), "Flower has seen next to nothing"
        paths = [f"/worker/{name}" for name in workers] + [f"/task/{name}" for name in tasks]
        for path in ("/", "/workers?json=1", "/tasks", "/broker", "/api/workers", "/api/tasks?limit=10000", *paths):
            yield path, page(path).text
    for text in scene.shown:
        yield "shown", text


# a page that is not of the API (of a console) is one more line here
PLACES: dict[str, Callable[[Scene], Texts]] = {
    "log files": _log_files,
    "exchange": _exchange,
    "tables": _tables,
    "redis": _redis,
    "answers": _answers,
    "printed": _printed,
    "flower": _flower,
}


def found_in(scene: Scene, place: str) -> list[str]:
    """Return which secrets stand in a place, and where, never the secrets themselves."""
    found = set()
    for where, text in PLACES[place](scene):
        whole = text + "".join(_decoded(text))
        for name, secret in scene.secrets.items():
            if secret in whole or quote(secret, safe="") in whole:
                found.add(f"{name} in {where}")
    return sorted(found)


def _decoded(text: str) -> Iterator[str]:
    for match in _BASE64.findall(text):
        with suppress(binascii.Error, ValueError):
            yield base64.b64decode(match + "=" * (-len(match) % 4), altchars=b"-_").decode()
