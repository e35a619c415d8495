"""A seller at work on one account: positions granted at the exchange, ticks on demand, its orders sent at once."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from config.clock import SYSTEM_CLOCK
from config.sell_settings import SellSettings
from services.lots import WatchedLot, watched_lots
from tasks.context import Context
from tasks.placing import place_order
from tasks.polling import poll_account
from tasks.reconcile_account import reconcile_account
from tasks.sell_snapshot import file_beside
from tasks.seller import Seller
from tests.support.house import Bed, account_of, until

CALL = "AAPL280121C00200000"
PUT = "AAPL280121P00200000"


class AheadClock:
    """The real clock, put ahead by `offset`; durations are real."""

    def __init__(self, offset: dt.timedelta) -> None:
        self._offset = offset

    def now(self) -> dt.datetime:
        return SYSTEM_CLOCK.now() + self._offset

    def monotonic_ms(self) -> float:
        return SYSTEM_CLOCK.monotonic_ms()


@dataclass
class Desk:
    """One account, its seller, and the exchange."""

    bed: Bed
    ctx: Context
    seller: Seller
    restarts: list[str]

    @property
    def account(self) -> str:
        return self.ctx.settings.accounts[0].name

    def configure(self, **selling: Any) -> None:
        """Have other settings in force from now on; everything may be sold unless said otherwise."""
        values = {"enabled": True, "auto_sell_default": True} | selling
        self.ctx.settings = self.ctx.settings.model_copy(update={"sell_module": SellSettings(**values)})

    def at(self, when: dt.datetime) -> None:
        """Let it be so late, here and at the exchange."""
        offset = when - SYSTEM_CLOCK.now()
        self.ctx.clock = AheadClock(offset)
        self.bed.exchange.set_clock_offset(int(offset / dt.timedelta(milliseconds=1)))

    def hold(self, symbol: str, qty: str, price: str) -> None:
        """Have a position, and the record of it."""
        self.bed.exchange.grant(self.account, symbol, qty, price)
        for _ in range(2):  # what two reads agree on is corrected (R19)
            self.rest()
            assert reconcile_account(self.ctx, account_of(self.ctx).account_id)

    def close(self) -> None:
        """Leave nothing that others would meet: the switch is everybody's."""
        self.seller.close()
        with self.ctx.database.statement() as unit:
            unit.run("UPDATE trading.sell_module SET configured = false, running = false")

    def rest(self) -> None:
        """Let the pauses of reconciles and ticks be over."""
        self.seller._asked_ms = None
        with self.ctx.database.statement() as unit:
            unit.run("DELETE FROM trading.leases WHERE name LIKE 'reconcile %%'")
            unit.run("UPDATE trading.sell_module SET tick_begun_at = NULL")

    def tick(self) -> bool:
        """Tick now, and send what it wants sent."""
        self.rest()
        done = self.seller.tick()
        for row in self.exits():
            if row.status == "requested":
                place_order(self.ctx, row.order_id)
        return done

    def exits(self) -> list[Any]:
        """Return the exits with their orders, oldest first."""
        with self.ctx.database.statement() as unit:
            return list(
                unit.rows(
                    "SELECT e.*, o.symbol, o.side, o.qty, o.status, o.order_type, o.limit_price, o.reason_code, "
                    "o.position_intent, o.cancel_after, o.source, o.filled_qty FROM trading.exits e "
                    "JOIN trading.orders o USING (order_id) "
                    "JOIN trading.accounts a USING (account_id) WHERE a.name = %(name)s "
                    "ORDER BY e.decided_at, e.attempt",
                    {"name": self.account},
                )
            )

    def told(self) -> list[Any]:
        """Return the exits once the broker has told what became of them."""

        due = "UPDATE trading.orders SET due_at = clock_timestamp() WHERE status IN ('accepted', 'partially_filled')"
        on_their_way = {"requested", "submitting", "accepted", "partially_filled"}

        def is_told() -> bool:
            with self.ctx.database.statement() as unit:
                unit.run(due)
            poll_account(self.ctx, account_of(self.ctx).account_id)
            return not on_their_way & {row.status for row in self.exits()}

        until(is_told)
        return self.exits()

    def lots(self) -> list[WatchedLot]:
        """Return the account's open lots."""
        with self.ctx.database.statement() as unit:
            return [one for one in watched_lots(unit) if one.account == self.account]

    def at_exchange(self) -> list[tuple[str, str, str]]:
        """Return symbol, side and quantity of every order the exchange ever had of the account."""
        orders = self.bed.exchange.ledger(self.account)["orders"]
        return [(order["symbol"], order["side"], order["qty"]) for order in orders]

    @contextmanager
    def without_store(self) -> Iterator[None]:
        """Let the seller believe that Postgres is away; what it spooled is written when the block ends."""
        self.seller.store._is_away.set()
        self.seller._was_away = True
        try:
            yield
        finally:
            self.seller.store._is_away.clear()

    def degraded_tick(self) -> bool:
        """Tick without Postgres."""
        self.seller._asked_ms = None
        return self.seller.tick()

    def another(self) -> Seller:
        """Return a second seller of the same account, as another worker would have it."""
        return Seller(self.ctx, restart=lambda: self.restarts.append("restart"))

    def quote(self, symbol: str, price: str | None = None, **sides: Any) -> None:
        """Script a price."""
        self.bed.exchange.set_price(symbol, price, **sides)

    def last_tick(self) -> Any:
        """Return the newest tick on record."""
        with self.ctx.database.statement() as unit:
            return unit.row("SELECT * FROM trading.sell_ticks ORDER BY begun_at DESC LIMIT 1")


def desk_of(bed: Bed, **selling: Any) -> Desk:
    """Return a seller with an account of its own, switched on."""
    ctx = bed.context()
    restarts: list[str] = []
    file_beside(ctx.spool.path).unlink(missing_ok=True)
    ctx.spool.path.unlink(missing_ok=True)
    desk = Desk(bed, ctx, Seller(ctx, restart=lambda: restarts.append("restart")), restarts)
    desk.configure(**selling)
    with ctx.database.statement() as unit:
        unit.run("UPDATE trading.sell_module SET configured = false, running = false, generation = 0")
        unit.run("DELETE FROM trading.sell_ticks")
    return desk


def usd(value: Any) -> Decimal:
    """Return a number of a row for a comparison."""
    return Decimal(value)
