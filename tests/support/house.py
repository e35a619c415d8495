"""The house under test: real Postgres, Redis and exchange, with or without its own processes running."""

import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import requests
import yaml
from pydantic import SecretStr

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS, trace_id
from config.settings import AccountSettings, Settings, TradingSettings, load_settings
from domain.orders import OrderTerms, OrderType, Side, TimeInForce
from models.migrate import allow_logins, upgrade
from models.session import Database
from services.accounts import AccountRef, find_account, upsert_accounts
from services.orders import OrderRequest, read_order, read_timeline, request_order
from services.origin import Origin
from services.users import create_first_admin
from stack.processes import applications
from stack.runtime import Runtime
from tasks.balances import check_balance
from tasks.context import Context
from tests.support.exchange import ExchangeProcess
from tests.support.stack import Harness, harness

PASSWORD = secrets.token_urlsafe(18)
TEST_ORIGIN = Origin(actor="test", host="test", process="test")
ENDED = {"filled", "canceled", "expired", "rejected", "quarantined"}
_POOL = 96


def until(check: Callable[[], Any], seconds: float = 10) -> Any:
    """Return the first true answer of `check`; AssertionError when it does not come in time."""
    deadline = time.monotonic() + seconds  # noqa: TID251  real processes are waited for
    while True:
        answer = check()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s"  # noqa: TID251  likewise
        time.sleep(0.03)


def exchange_accounts() -> list[dict[str, Any]]:
    """Return a pool of accounts at the exchange; a test takes one of its own."""
    return [
        {
            "name": f"acc-{number}",
            "key_id": f"PK{number}",
            "secret_key": f"secret-{number}",
            "account_number": f"PA3TEST{number:05}",
            "cash": "100000",
            "rate_limit": 100_000,
        }
        for number in range(_POOL)
    ]


def account_settings(exchange: ExchangeProcess, name: str, **more: Any) -> AccountSettings:
    """Return the configuration of a pooled account."""
    number = name.removeprefix("acc-")
    values: dict[str, Any] = {
        "name": name,
        "api_key": SecretStr(f"PK{number}"),
        "secret_key": SecretStr(f"secret-{number}"),
        "base_url": exchange.url,
        "data_url": exchange.url,
        "paper_trading": True,
        "rate_limit_per_minute": 100_000,
    }
    return AccountSettings(**(values | more))


@dataclass
class Bed:
    """Postgres and Redis with our schema, and an exchange; none of our own processes runs."""

    servers: Harness
    exchange: ExchangeProcess
    database: Database
    _names: Iterator[int] = field(default_factory=count)
    _contexts: list[Context] = field(default_factory=list)

    def close(self) -> None:
        """Let go of every context's connections."""
        for ctx in self._contexts:
            ctx.close()
        self.database.dispose()

    @property
    def runtime(self) -> Any:
        """The URLs of the servers."""
        return self.servers.stack().runtime

    def context(self, *, trading: TradingSettings | None = None, **more: Any) -> Context:
        """Return a worker's context with one fresh account of its own, read once unless `read=False`."""
        read = more.pop("read", True)
        name = f"own-{next(self._names)}"
        keys = self.exchange.add_account(name, **more.pop("at_exchange", {}))
        secret = {"api_key": SecretStr(keys["key_id"]), "secret_key": SecretStr(keys["secret_key"])}
        account = account_settings(self.exchange, name, **(secret | more))
        settings = Settings(
            home=self.servers.home,
            process="worker-test",
            app_database_url=SecretStr(self.runtime.app_database_url),
            redis_url=SecretStr(self.runtime.redis_url),
            exchange_url=self.exchange.url,
            trading=trading or TradingSettings(),
            accounts=(account,),
        )
        ctx = Context(settings)
        ctx.__dict__["database"] = self.database  # one pool for all: each test's own would use the server up
        self._contexts.append(ctx)
        with self.database.unit() as unit:
            upsert_accounts(unit, [account], SYSTEM_IDS)
        if read:
            check_balance(ctx, account_of(ctx).account_id)
        return ctx


def account_of(ctx: Context) -> AccountRef:
    """Return the context's only account."""
    with ctx.database.statement() as unit:
        found = find_account(unit, ctx.settings.accounts[0].name)
    assert found is not None
    return found


def order_request(ctx: Context, **terms: Any) -> OrderRequest:
    """Return a checked order of the context's account: a market buy of one AAPL unless said otherwise."""
    account = account_of(ctx)
    key = terms.pop("key", None) or uuid.uuid4().hex  # noqa: TID251  a key nobody else has
    patience = terms.pop("place_before", TradingSettings().market_place_before)
    multiplier = terms.pop("multiplier", 1)
    values: dict[str, Any] = {
        "symbol": "AAPL",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT if "limit_price" in terms else OrderType.MARKET,
        "time_in_force": TimeInForce.DAY,
        "qty": Decimal(1),
    }
    now = SYSTEM_CLOCK.now()
    return OrderRequest(
        order_id=SYSTEM_IDS.new(),
        account_id=account.account_id,
        account_name=account.name,
        account_type=account.account_type,
        account_type_source=account.account_type_source,
        client_order_id=key,
        terms=OrderTerms(**(values | terms)),
        multiplier=multiplier,
        place_before=now + patience,
        source="api",
        trace_id=trace_id(),
        requested_at=now,
        total_ms=1.0,
    )


def request(ctx: Context, **terms: Any) -> uuid.UUID:
    """Store an order as the API would; return its id."""
    wanted = order_request(ctx, **terms)
    with ctx.database.statement() as unit:
        return request_order(unit, wanted, TEST_ORIGIN).order_id


def order(ctx: Context, order_id: uuid.UUID) -> Any:
    """Return the order's row."""
    with ctx.database.statement() as unit:
        return read_order(unit, order_id)


def events(ctx: Context, order_id: uuid.UUID) -> list[Any]:
    """Return the order's audit events."""
    with ctx.database.statement() as unit:
        return list(read_timeline(unit, read_order(unit, order_id)))


def kinds(ctx: Context, order_id: uuid.UUID) -> list[str]:
    """Return the order's audit events by name."""
    return [event.event_type for event in events(ctx, order_id)]


def make_due(ctx: Context, order_id: uuid.UUID) -> None:
    """Let the order's timers run out now, so that a test need not wait for them."""
    with ctx.database.statement() as unit:
        unit.run(
            "UPDATE trading.orders SET due_at = clock_timestamp() - interval '1 ms', "
            "lease_until = CASE WHEN lease_until IS NOT NULL THEN clock_timestamp() - interval '1 ms' END "
            "WHERE order_id = %(id)s",
            {"id": order_id},
        )


def logins_of(runtime: Runtime) -> tuple[str, ...]:
    """Return the URLs of the roles that the system and its readers log in as."""
    return runtime.app_database_url, runtime.compliance_database_url, runtime.sealer_database_url


@contextmanager
def bed() -> Iterator[Bed]:
    """Start servers and exchange and make the schema; stop everything at the end."""
    with harness() as servers:
        stack = servers.start()
        runtime = stack.runtime
        upgrade(runtime.migrations_database_url)
        allow_logins(runtime.migrations_database_url, *logins_of(runtime))
        database = Database(runtime.app_database_url, application_name="test", pool_size=20)
        with ExchangeProcess(servers.home.root / "world") as exchange:
            made = Bed(servers, exchange, database)
            try:
                yield made
            finally:
                made.close()


@dataclass
class House:
    """Everything running: the API, workers, relay and beat, at an exchange the test can script."""

    servers: Harness
    exchange: ExchangeProcess
    settings: Settings
    token: str = ""
    _names: Iterator[int] = field(default_factory=count)

    @property
    def url(self) -> str:
        """Where the API answers."""
        return self.settings.api_url

    def account(self) -> str:
        """Return the name of an account that no other test uses."""
        number = next(self._names)
        assert number < _POOL, f"all {_POOL} accounts of the pool are used: raise _POOL"
        return f"acc-{number}"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call the API, signed in as admin unless `headers` says otherwise."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return requests.request(method, self.url + path, headers=headers, timeout=30, **options)

    def place(self, account: str, *, key: str | None = None, **body: Any) -> requests.Response:
        """Post an order: a market buy of one AAPL unless said otherwise."""
        values = {"account": account, "symbol": "AAPL", "side": "buy", "qty": "1"} | body
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}  # noqa: TID251  a key nobody else has
        return self.call("POST", "/api/v1/orders", json=values, headers=headers)

    def placed(self, account: str, **body: Any) -> str:
        """Post an order that must be accepted; return its href."""
        answer = self.place(account, **body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["href"])

    def order(self, href: str) -> dict[str, Any]:
        """Return an order with its timeline."""
        body: dict[str, Any] = self.call("GET", href).json()
        return body

    def ended(self, href: str, seconds: float = 20) -> dict[str, Any]:
        """Return the order once it has ended."""
        return until(lambda: (found := self.order(href))["status"] in ENDED and found, seconds)  # type: ignore[no-any-return]

    def cash(self, account: str) -> str | None:
        """Return the account's stored balance."""
        accounts = self.call("GET", "/api/v1/accounts").json()
        cash: str | None = next(entry["cash"] for entry in accounts if entry["name"] == account)
        return cash

    def sql(self, statement: str, *values: str) -> None:
        """Change the database as its owner could."""
        url = self.settings.migrations_database_url.get_secret_value().replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode(), values)

    def in_ledger(self, account: str, found: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what the exchange has under the order's own id there."""
        ours = "opt-" + found["order_id"].replace("-", "")
        return [entry for entry in self.exchange.ledger(account)["orders"] if entry["client_order_id"] == ours]


@contextmanager
def house(
    extra_accounts: dict[str, dict[str, Any]] | None = None,
    overrides: dict[str, dict[str, Any]] | None = None,
    prepare: Callable[[Harness], None] | None = None,
) -> Iterator[House]:
    """Start everything with a pool of accounts; `extra_accounts` go into secrets.yml, `overrides` into pooled ones.

    An override's `cash` is what the account holds at the exchange, and its keys are known there too. `prepare` is
    called before anything starts.
    """
    with harness(lambda _home, _runtime: applications()) as servers:
        cash = {name: more.pop("cash") for name, more in (overrides or {}).items() if "cash" in more}
        at_exchange = [entry | {"cash": cash.get(entry["name"], entry["cash"])} for entry in exchange_accounts()]
        for entry in at_exchange:
            given = (overrides or {}).get(entry["name"], {})
            if "api_key" in given:
                entry.update(key_id=given["api_key"], secret_key=given["secret_key"])
        exchange = ExchangeProcess(servers.home.root / "world", at_exchange)
        secrets_file = Path(servers.home.root) / "secrets.yml"
        pooled = {entry["name"]: plain(account_settings(exchange, entry["name"])) for entry in exchange_accounts()}
        for name, more in (overrides or {}).items():
            pooled[name] |= more
        # a pool of accounts that nobody uses would be compared with their broker all the time
        settings = {"accounts": pooled | (extra_accounts or {}), "reconcile": {"interval": 300}}
        secrets_file.write_text(yaml.safe_dump(settings))
        secrets_file.chmod(0o600)
        servers.environ["OPITIOS_EXCHANGE_URL"] = exchange.url
        if prepare is not None:
            prepare(servers)
        with exchange:
            yield _start(servers, exchange)


def _start(servers: Harness, exchange: ExchangeProcess) -> House:
    stack = servers.stack()
    stack.prepare()
    stack.start_infrastructure()
    settings = load_settings(servers.environ)
    runtime = stack.runtime
    upgrade(runtime.migrations_database_url)
    allow_logins(runtime.migrations_database_url, *logins_of(runtime))
    database = Database(runtime.app_database_url, application_name="test", pool_size=1)
    with database.unit() as unit:
        upsert_accounts(unit, settings.accounts, SYSTEM_IDS)
        create_first_admin(unit, PASSWORD, now=SYSTEM_CLOCK.now(), ids=SYSTEM_IDS, origin=TEST_ORIGIN)
    database.dispose()
    stack.start_applications()
    made = House(servers, exchange, settings)
    until(lambda: _answers(made), 120)  # every process starts at once, on as few cores as there are
    answer = requests.post(
        made.url + "/api/v1/auth/login", json={"username": "admin", "password": PASSWORD}, timeout=10
    )
    made.token = answer.json()["access_token"]
    return made


def _answers(made: House) -> bool:
    try:
        health = requests.get(made.url + "/health", timeout=5).json()
    except requests.RequestException:
        return False
    parts = health["parts"]
    if parts["database"]["state"] != "healthy":
        return False
    return bool(parts["instruments"]["known"]) and parts["accounts"]["not_read"] <= 1


def plain(account: AccountSettings) -> dict[str, Any]:
    """Return an account as secrets.yml spells it."""
    return {
        "name": account.name,
        "api_key": account.api_key.get_secret_value(),
        "secret_key": account.secret_key.get_secret_value(),
        "base_url": account.base_url,
        "data_url": account.data_url,
        "paper_trading": True,
        "rate_limit_per_minute": account.rate_limit_per_minute,
    }
