"""The order path without its processes: real servers, a real exchange, tasks called by hand one at a time."""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from pydantic import SecretStr

from config.settings import AccountSettings, load_settings
from domain.order_state import OrderStatus
from domain.orders import OrderTerms, OrderType, Side, TimeInForce
from models.migrate import allow_logins, upgrade
from services.accounts import find_account, upsert_accounts
from services.orders import OrderRequest, request_order
from services.origin import Stamp
from tasks.balances import check_balance
from tasks.context import Context
from tasks.polling import poll_account
from tests.support.exchange import ExchangeProcess
from tests.support.stack import harness

_KEYS = itertools.count(1)
_NUMBERS = itertools.count(1)


@dataclass
class Desk:
    """One context of a worker, its exchange and an account that is ready to trade."""

    ctx: Context
    exchange: ExchangeProcess
    account: str
    account_id: uuid.UUID
    sql: "psycopg.Connection[dict[str, Any]]" = field(repr=False)

    def request(
        self,
        *,
        side: str = "buy",
        symbol: str = "AAPL",
        qty: str = "1",
        limit: str | None = None,
        patience_s: float = 60,
    ) -> uuid.UUID:
        """Store an order as the API does; no hint leaves."""
        order_type = OrderType.MARKET if limit is None else OrderType.LIMIT
        price = None if limit is None else Decimal(limit)
        terms = OrderTerms(symbol, Side(side), order_type, TimeInForce.DAY, Decimal(qty), price)
        now = self.ctx.clock.now()
        request = OrderRequest(
            order_id=self.ctx.ids.new(),
            account_id=self.account_id,
            account_name=self.account,
            account_type="paper",
            account_type_source="detected",
            client_order_id=f"key-{next(_KEYS)}",
            terms=terms,
            multiplier=1,
            place_before=now + dt.timedelta(seconds=patience_s),
            source="api",
            trace_id="0" * 32,
            requested_at=now,
            total_ms=1,
        )
        with self.ctx.database.statement() as unit:
            return request_order(unit, request, self.ctx.origin).order_id

    def stamp(self) -> Stamp:
        """Return what a change is recorded with, now."""
        return Stamp(self.ctx.clock.now(), self.ctx.ids, self.ctx.origin)

    def poll(self) -> None:
        """Poll the account's working orders as if all were due."""
        self.change("due_at = clock_timestamp()", "account_id = %s AND due_at IS NOT NULL", self.account_id)
        poll_account(self.ctx, self.account_id)

    def row(self, order_id: uuid.UUID) -> dict[str, Any]:
        """Return the order's row."""
        found = self.sql.execute("SELECT * FROM trading.orders WHERE order_id = %s", (order_id,)).fetchone()
        assert found is not None
        return found

    def status(self, order_id: uuid.UUID) -> OrderStatus:
        """Return where the order stands."""
        return OrderStatus(self.row(order_id)["status"])

    def events(self, order_id: uuid.UUID) -> list[str]:
        """Return the names of the order's events, oldest first."""
        rows = self.sql.execute(
            "SELECT event_type FROM audit.order_events WHERE order_id = %s ORDER BY seq", (order_id,)
        ).fetchall()
        return [row["event_type"] for row in rows]

    def expire_waits(self, order_id: uuid.UUID) -> None:
        """Let the order's lease and timer run out, as time would."""
        self.change("due_at = clock_timestamp(), lease_until = NULL", "order_id = %s", order_id)

    def change(self, assignments: str, where: str, *values: object) -> None:
        """Update orders by hand; both texts are the test's own."""
        self.sql.execute(f"UPDATE trading.orders SET {assignments} WHERE {where}", values)  # noqa: S608  a test's text

    def sent(self, order_id: uuid.UUID) -> int:
        """Return how many orders the exchange accepted under our id."""
        ours = self.row(order_id)["broker_client_id"]
        return sum(order["client_order_id"] == ours for order in self.exchange.ledger(self.account)["orders"])


class DeskMaker:
    """Servers and exchange of a module of tests, and a fresh account on them for each test."""

    def __init__(self, ctx: Context, exchange: ExchangeProcess, sql: "psycopg.Connection[dict[str, Any]]") -> None:
        self._ctx, self._exchange, self._sql = ctx, exchange, sql

    @contextmanager
    def desk(self, **account_fields: Any) -> Iterator[Desk]:
        """Give a desk on an account of its own, read once; faults and fill rules are taken back at the end."""
        name = f"desk-{next(_NUMBERS)}"
        at_exchange = self._exchange.add_account(name, cash="1000000")
        account = AccountSettings(
            name=name,
            api_key=SecretStr(at_exchange["key_id"]),
            secret_key=SecretStr(at_exchange["secret_key"]),
            base_url=self._exchange.url,
            data_url=self._exchange.url,
            rate_limit_per_minute=100_000,
            **account_fields,
        )
        settings = self._ctx.settings.model_copy(update={"accounts": (account,), "exchange_url": self._exchange.url})
        ctx = Context(settings)
        with ctx.database.unit() as unit:
            upsert_accounts(unit, [account], ctx.ids)
            found = find_account(unit, name)
        assert found is not None
        try:
            assert check_balance(ctx, found.account_id)
            yield Desk(ctx, self._exchange, name, found.account_id, self._sql)
        finally:
            self._exchange.remove_faults()
            self._exchange.set_fills(delay_ms=None, never=None, partial=None)
            ctx.close()


@contextmanager
def desks(directory: Path) -> Iterator[DeskMaker]:
    """Start Postgres, Redis and an exchange, bring the database to the newest revision, and stop all at the end."""
    with harness() as servers, ExchangeProcess(directory) as exchange:
        stack = servers.stack()
        stack.prepare()
        stack.start_infrastructure()
        settings = load_settings(servers.environ | {"OPITIOS_PROCESS": "worker-test"})  # with a worker's pool
        migrations_url = settings.migrations_database_url.get_secret_value()
        upgrade(migrations_url)
        app_url = settings.app_database_url.get_secret_value()
        allow_logins(migrations_url, app_url, settings.compliance_database_url.get_secret_value())
        with psycopg.connect(migrations_url.replace("+psycopg", "", 1), autocommit=True, row_factory=dict_row) as sql:
            yield DeskMaker(Context(settings), exchange, sql)
