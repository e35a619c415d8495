"""Twelve secrets, every error path that the doors lead to, and then a look everywhere: none of them is found."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.support.canaries import CONTROL_TOKEN, KEYS, PLACES, Scene, found_in
from tests.support.echoing_proxy import EchoingProxy
from tests.support.error_paths import PATHS
from tests.support.house import PASSWORD, House, house
from tests.support.stack import Harness, command_lines


@pytest.fixture(scope="module")
def proxy() -> Iterator[EchoingProxy]:
    with EchoingProxy() as made:
        yield made


@pytest.fixture(scope="module")
def scene(proxy: EchoingProxy) -> Iterator[Scene]:
    """A house with known secrets, after every path has been gone."""
    values = list(KEYS.values())
    ours = {
        f"acc-{number}": {
            "api_key": values[2 * number],
            "secret_key": values[2 * number + 1],
            "base_url": proxy.url,
            "data_url": proxy.url,
        }
        for number in range(2)
    }

    def through_the_proxy(servers: Harness) -> None:
        proxy.target = servers.environ["OPITIOS_EXCHANGE_URL"]
        servers.environ["OPITIOS_EXCHANGE_URL"] = proxy.url

    with house(overrides=ours, prepare=through_the_proxy) as made:
        staged = Scene(made, KEYS | _secrets_of(made))
        for path in PATHS:
            path(staged, proxy)
            staged.look_into_redis()
        staged.printed += command_lines()
        yield staged


def _secrets_of(made: House) -> dict[str, str]:
    runtime = made.servers.stack().runtime
    urls = {
        "password of the migrations": runtime.migrations_database_url,
        "password of the application": runtime.app_database_url,
        "password of compliance": runtime.compliance_database_url,
        "password of Redis": runtime.redis_url,
    }
    return {name: str(urlsplit(url).password) for name, url in urls.items()} | {
        "JWT secret": runtime.jwt_secret,
        "password of admin": PASSWORD,
        "token of a user": made.token,
        "token of the exchange": CONTROL_TOKEN,
    }


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_is_found(scene: Scene, place: str) -> None:
    assert len(scene.secrets) >= 10
    assert found_in(scene, place) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_would_be_found(scene: Scene, place: str) -> None:
    secret = KEYS["secret of account 0"]
    with _planted(scene, place, secret):
        assert [words.partition(" in ")[0] for words in found_in(scene, place)] == ["secret of account 0"]


@contextmanager
def _planted(scene: Scene, place: str, secret: str) -> Iterator[None]:
    """Put a secret where it must not be; in Redis as kombu packs the arguments of a task."""
    home, hidden = scene.house.servers.home, base64.b64encode(f'[["{secret}"], {{}}]'.encode()).decode()
    client = scene.redis()
    with scene.connect() as connection:
        match place:
            case "log files":
                (home.logs / "app" / "planted.log").write_text(f"line\n{secret}\n")
            case "exchange":
                (home.root / "exchange.log").write_text(secret)
            case "tables":
                connection.execute("CREATE TABLE audit.planted (x text)")
                connection.execute("INSERT INTO audit.planted VALUES (%s)", [secret])
            case "redis":
                client.set("planted", json.dumps({"body": hidden}))
            case "answers":
                scene.answers.append(secret)
            case "flower":
                scene.shown.append(secret)
            case _:
                scene.printed.append(secret)
        yield
        (home.logs / "app" / "planted.log").unlink(missing_ok=True)
        (home.root / "exchange.log").unlink(missing_ok=True)
        connection.execute("DROP TABLE IF EXISTS audit.planted")
    client.delete("planted")
    client.close()
