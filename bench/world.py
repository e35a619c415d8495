"""The stack that is measured: the real processes in a temporary home, with many accounts whose limits are raised."""

import json
import os
import platform
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import redis
import requests

from cli.bring_up import await_health, bring_up
from config.home import Home
from config.settings import Settings
from stack.files import make_private_directory, write_private
from stack.ports import LOOPBACK
from stack.stack import Stack
from tests.support.stack import own_environment, temporary_home

ACCOUNTS = tuple(f"bench-{number}" for number in range(1, 11))
REFERENCE_ACCOUNT = "reference"
RATE_LIMIT = 600_000
"""Requests a minute of each account, at the exchange and in our settings alike: never what is measured."""
SELLER = {
    "check_interval": 1,
    "auto_sell_default": True,
    "strategy_one": {"profit_rate": "1000", "stop_loss_rate": "0.0001"},
    "zero_day_handling": False,
    "closing_window_minutes": 0,
    "max_spread": "1",
}
"""The seller watches every option and never finds a reason to sell one; it is off until it is measured."""
_CASH_USD = "100000000"
_WORKERS = ("worker-entries", "worker-exits", "worker-background")
_RESTART_S = 20

Say = Callable[[str], None]


@dataclass
class World:
    """A running stack, signed in; `token` is a bearer token of its admin."""

    home: Home
    environ: Mapping[str, str]
    stack: Stack
    settings: Settings
    token: str

    def pids(self) -> dict[str, int]:
        """Return every process of ours with its pid: supervisord as `supervisor`, the exchange left out."""
        rows = {row.name: row.pid for row in self.stack.status() if row.pid is not None}
        return {name: pid for name, pid in rows.items() if name != "exchange"}

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return a query's rows, read as the application's login."""
        url = self.settings.app_database_url.get_secret_value().replace("+psycopg", "", 1)
        with psycopg.connect(url, autocommit=True) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def ledger(self, since: float) -> dict[str, dict[str, Any]]:
        """Return what the exchange received since then (epoch seconds), by the id it knows the order by."""
        accounts = self.script("GET", f"/ledger?since={since!r}")["accounts"]
        return {order["client_order_id"]: order for account in accounts for order in account["orders"]}

    def script(self, method: str, path: str, body: object = None) -> Any:
        """Call the exchange's control port; return its answer's JSON."""
        answer = _session().request(method, f"{self.stack.runtime.exchange_control_url}{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call the API as the admin; return its answer's JSON."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = _session().request(method, f"{self.settings.api_url}{path}", json=body, headers=headers, timeout=10)
        answer.raise_for_status()
        return answer.json()

    @contextmanager
    def reconciling_often(self) -> Iterator[None]:
        """Let positions that nobody ordered be found as fast as may be: every process reads it within seconds."""
        _write_settings(self.home, self.settings.exchange_url or "", reconcile={"interval": 5})
        try:
            yield
        finally:
            _write_settings(self.home, self.settings.exchange_url or "")

    def set_worker_events(self, *, on: bool) -> None:
        """Restart the workers with Celery's task events on or off. TimeoutError when they do not come back."""
        _write_settings(self.home, self.settings.exchange_url or "", worker={"events": on})
        before = {name: self.pids()[name] for name in _WORKERS}
        for pid in before.values():
            os.kill(pid, signal.SIGTERM)  # warm; supervisord starts them again
        self.stack.wait_healthy(lambda: self._not_replaced(before), _RESTART_S)
        await_health(self.stack, self.settings)

    def machine(self) -> dict[str, str]:
        """Return what the figures hold for."""
        version = self.rows("SHOW server_version")[0][0]
        client = redis.Redis.from_url(self.settings.redis_url.get_secret_value(), decode_responses=True)
        try:
            server: dict[str, Any] = dict(client.info("server"))
        finally:
            client.close()
        valkey = server.get("valkey_version")
        return machine() | {
            "postgres": str(version).split(maxsplit=1)[0],
            "redis": f"Valkey {valkey}" if valkey else f"Redis {server['redis_version']}",
        }

    def _not_replaced(self, before: Mapping[str, int]) -> str | None:
        now = self.pids()
        waiting = [name for name, pid in before.items() if now.get(name) in {None, pid}]
        return f"a restart of {', '.join(waiting)}" if waiting else None


def machine() -> dict[str, str]:
    """Return what figures hold for, whatever servers they are of."""
    return {"cores": str(len(os.sched_getaffinity(0))), "python": platform.python_version()}


@contextmanager
def running_world(say: Say) -> Iterator[World]:
    """Start everything in a temporary home on free ports; stop and remove it at the end, after Ctrl-C too."""
    with temporary_home() as home:
        environ = own_environment(home, OPITIOS_CONFIG=str(home.secrets))
        exchange_url = f"http://{LOOPBACK}:{environ['OPITIOS_EXCHANGE_PORT']}"
        _write_accounts(home)
        _write_settings(home, exchange_url)
        stack = Stack(home, environ, say)
        try:
            settings, password = bring_up(stack, environ, say)
            if password is None:
                raise RuntimeError("a new home made no admin")
            yield World(home, environ, stack, settings, _sign_in(settings, password))
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave half of it running
            stack.close()
            stack.stop()


def _write_accounts(home: Home) -> None:
    make_private_directory(home.exchange)
    accounts = [
        {
            "name": name,
            "key_id": f"PK{secrets.token_hex(9).upper()}",
            "secret_key": secrets.token_hex(20),
            "cash": _CASH_USD,
            "rate_limit": RATE_LIMIT,
        }
        for name in (*ACCOUNTS, REFERENCE_ACCOUNT)
    ]
    write_private(home.exchange / "accounts.json", json.dumps(accounts))


def exchange_accounts(home: Home) -> dict[str, dict[str, Any]]:
    """Return the accounts the exchange opened, by name, with their keys."""
    accounts = json.loads((home.exchange / "accounts.json").read_text())
    return {account["name"]: account for account in accounts}


def _write_settings(home: Home, exchange_url: str, **sections: Mapping[str, Any]) -> None:
    keys = exchange_accounts(home)
    accounts = {
        name: {
            "api_key": keys[name]["key_id"],
            "secret_key": keys[name]["secret_key"],
            "base_url": exchange_url,
            "data_url": exchange_url,
            "paper_trading": True,
            "minimum_balance": "1000",
            "rate_limit_per_minute": RATE_LIMIT,
        }
        for name in ACCOUNTS
    }
    settings = {"accounts": accounts, "worker": {"events": False}, "sell_module": SELLER, **sections}
    write_private(home.secrets, json.dumps(settings, indent=1))  # JSON is valid YAML


def _sign_in(settings: Settings, password: str) -> str:
    url = f"{settings.api_url}/api/v1/auth/login"
    answer = _session().post(url, json={"username": "admin", "password": password}, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session
