"""The system under fire: real processes in a temporary home, whose links to their servers can be broken."""

import dataclasses
import json
import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from cli.bring_up import bring_up
from config.home import Home
from config.settings import Settings
from crucible.plan import CASH_USD, MINIMUM_USD, PARTLY
from crucible.tcp_link import Links
from stack.files import make_private_directory, write_private
from stack.ports import LOOPBACK
from stack.processes import APPLICATION, Process, house_processes
from stack.runtime import Runtime
from stack.stack import Stack

_SERVERS = ("exchange", "postgres", "redis")
_PORTS = (*_SERVERS, "api", "control", "flower")
_TWICE = ("api", "worker-entries", "streams")
"""What runs a second time where the table has it: the one that lives meets what the one that died left."""
_NO_LIMIT = 600_000
_CALL_S = 60

Say = Callable[[str], None]


@dataclass
class World:
    """A running system, signed in; `api_urls` are those of every API process."""

    home: Home
    stack: Stack
    settings: Settings
    links: Links
    token: str
    api_urls: tuple[str, ...]

    def pids(self) -> dict[str, int]:
        """Return every supervised process that lives, with its pid."""
        return {row.name: row.pid for row in self.stack.status() if row.pid is not None}

    def applications(self) -> list[str]:
        """Return the names of our own processes."""
        return [row.name for row in self.stack.status() if row.stage == APPLICATION]

    def control(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Call the exchange's control port. RuntimeError when it refuses."""
        url = f"{self.stack.runtime.exchange_control_url}{path}"
        answer = _session().request(method, url, json=body, timeout=_CALL_S)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return dict(answer.json())

    def ledger(self) -> list[dict[str, Any]]:
        """Return what the exchange knows of every account."""
        accounts: list[dict[str, Any]] = self.control("GET", "/ledger")["accounts"]
        return accounts


@contextmanager
def running_world(say: Say) -> Iterator[World]:
    """Start everything in a temporary home on free ports; stop and remove it at the end, after Ctrl-C too."""
    with _temporary_home() as home:
        ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
        with Links({name: ports[name] for name in _SERVERS}) as links:
            environ = _environment(home, ports, links)
            _write_accounts(home, environ["OPITIOS_EXCHANGE_URL"])
            second_api = _free_ports(1)[0]
            stack = Stack(home, environ, say, processes=lambda at, known: _table(at, known, links, second_api))
            try:
                settings, password = bring_up(stack, environ, say)
                if password is None:
                    raise RuntimeError("a new home made no admin")
                urls = (settings.api_url, f"http://{LOOPBACK}:{second_api}")
                world = World(home, stack, settings, links, _sign_in(settings, password), urls)
                world.control("POST", "/fills", {"symbol": PARTLY, "partial": "1"})
                yield world
            finally:
                before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would leave half of it running
                stack.close()
                stack.stop()
                signal.signal(signal.SIGINT, before)


def _table(home: Home, runtime: Runtime, links: Links, second_api: int) -> Sequence[Process]:
    """Return the house's processes, some of them twice, with every way to a server through its link."""
    through = {
        "OPITIOS_APP_DATABASE_URL": _at_port(runtime.app_database_url, links["postgres"].port),
        "OPITIOS_COMPLIANCE_DATABASE_URL": _at_port(runtime.compliance_database_url, links["postgres"].port),
        "OPITIOS_SEALER_DATABASE_URL": _at_port(runtime.sealer_database_url, links["postgres"].port),
        "DATABASE_URL": _at_port(runtime.migrations_database_url, links["postgres"].port),
        "REDIS_URL": _at_port(runtime.redis_url, links["redis"].port),
    }
    found: list[Process] = []
    for process in house_processes(home, runtime):
        if process.stage != APPLICATION:
            found.append(process)
            continue
        ours = dataclasses.replace(process, environment={**process.environment, **through})
        found.append(ours)
        if process.name in _TWICE:
            found.append(_second(ours, second_api))
    return found


def _second(process: Process, api_port: int) -> Process:
    """Return a process once more, under a name and, for an API, a port of its own."""
    own_port = {"OPITIOS_API_PORT": str(api_port)} if process.name == "api" else {}
    *words, last = process.argv
    argv = (*words, f"{last}-2") if process.name.startswith("worker-") else process.argv
    environment = {**process.environment, **own_port}
    return dataclasses.replace(process, name=f"{process.name}-2", argv=argv, environment=environment)


def _at_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{LOOPBACK}:{port}").geturl()


def _environment(home: Home, ports: Mapping[str, int], links: Links) -> dict[str, str]:
    """Return this process' environment without the caller's stack, with ports of its own."""
    kept = {"OPITIOS_PG_BIN", "OPITIOS_REDIS_BIN"}
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in kept or (not name.startswith(("OPITIOS_", "PG")) and name not in {"DATABASE_URL", "REDIS_URL"})
    }
    own = {f"OPITIOS_{name.upper()}_PORT": str(port) for name, port in ports.items()}
    return {
        **inherited,
        **own,
        "OPITIOS_HOME": str(home.root),
        "OPITIOS_CONFIG": str(home.secrets),
        "OPITIOS_EXCHANGE_URL": f"http://{LOOPBACK}:{links['exchange'].port}",
    }


def _write_accounts(home: Home, url: str) -> None:
    make_private_directory(home.exchange)
    keys = {name: (f"PK{secrets.token_hex(9).upper()}", secrets.token_hex(20)) for name in CASH_USD}
    at_exchange = [
        {"name": name, "key_id": key, "secret_key": secret, "cash": CASH_USD[name], "rate_limit": _NO_LIMIT}
        for name, (key, secret) in keys.items()
    ]
    write_private(home.exchange / "accounts.json", json.dumps(at_exchange))
    accounts = {
        name: {
            "api_key": key,
            "secret_key": secret,
            "base_url": url,
            "data_url": url,
            "paper_trading": True,
            "rate_limit_per_minute": _NO_LIMIT,
        }
        for name, (key, secret) in keys.items()
    }
    trading = {"minimum_balance": MINIMUM_USD, "on_balance_error": "deny", "market_place_before": 3600}
    content = {"accounts": accounts, "trading": trading, "worker": {"events": False}}
    write_private(home.secrets, json.dumps(content, indent=1))  # JSON is valid YAML


def _sign_in(settings: Settings, password: str) -> str:
    url = f"{settings.api_url}/api/v1/auth/login"
    answer = _session().post(url, json={"username": "admin", "password": password}, timeout=_CALL_S)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


@contextmanager
def _temporary_home() -> Iterator[Home]:
    root = Path(tempfile.mkdtemp(prefix="opt-"))  # a short name: sockets lie below it
    root.chmod(0o711)  # the database's account walks through
    try:
        yield Home(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
