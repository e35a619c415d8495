"""Lots follow what is filled and corrected; what is being closed already is not free (R19, R20)."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.exits import Mark
from domain.orders import Side
from models.unit import Params, Row, Unit
from services.lots import WatchedLot, refresh_lots, store_marks, watched_lots
from services.orders import request_order
from services.origin import Stamp
from services.sell_positions import set_auto_sell
from stack.waiting import poll
from tasks.context import Context
from tasks.placing import place_order
from tasks.polling import poll_account
from tests.support.house import TEST_ORIGIN, Bed, account_of, make_due, order, order_request


@pytest.fixture
def ctx(quiet: Bed) -> Iterator[Context]:
    yield quiet.context()
    quiet.exchange.remove_faults()


def traded(ctx: Context, side: Side = Side.BUY, qty: int = 10, **more: Any) -> uuid.UUID:
    """Place an order and have its fill told; return its id."""
    auto_sell = more.pop("auto_sell", None)
    wanted = order_request(ctx, side=side, qty=Decimal(qty), **more)
    with ctx.database.statement() as unit:
        order_id = request_order(unit, replace(wanted, auto_sell_enabled=auto_sell), TEST_ORIGIN).order_id
    place_order(ctx, order_id)

    def filled() -> bool:
        make_due(ctx, order_id)
        poll_account(ctx, account_of(ctx).account_id)
        return bool(order(ctx, order_id).status == "filled")

    assert poll(filled, seconds=5)
    return order_id


def refreshed(ctx: Context, *, default: bool = False, since: dt.datetime | None = None) -> list[WatchedLot]:
    """Return this account's open lots as they are now."""
    with ctx.database.unit() as unit:
        refresh_lots(unit, since=since, auto_sell_default=default, ids=ctx.ids)
        return [one for one in watched_lots(unit) if one.account == ctx.settings.accounts[0].name]


def test_a_lot_opens_with_its_first_fill_and_closes_with_its_last(ctx: Context) -> None:
    traded(ctx, qty=10)
    (lot,) = refreshed(ctx)
    assert (lot.lot.symbol, lot.lot.qty, lot.lot.auto_sell_enabled) == ("AAPL", Decimal(10), False)
    traded(ctx, qty=2)
    (more,) = refreshed(ctx)
    assert (more.lot.qty, more.lot.lot_id) == (Decimal(12), lot.lot.lot_id)
    traded(ctx, Side.SELL, qty=12)
    assert refreshed(ctx) == []
    traded(ctx, qty=1)
    (again,) = refreshed(ctx)
    assert again.lot.lot_id != lot.lot.lot_id


def test_only_what_moved_lately_is_looked_at_where_that_is_asked(ctx: Context) -> None:
    traded(ctx, qty=3)
    with ctx.database.statement() as unit:
        (now,) = unit.rows("SELECT clock_timestamp() + interval '1 hour' AS at")
    assert refreshed(ctx, since=now.at) == []
    assert len(refreshed(ctx)) == 1


def test_a_position_that_was_closed_and_opened_between_two_looks_is_another_lot(ctx: Context) -> None:
    traded(ctx, qty=3)
    (before,) = refreshed(ctx)
    traded(ctx, Side.SELL, qty=3)
    traded(ctx, qty=3)
    (after,) = refreshed(ctx)
    assert after.lot.lot_id != before.lot.lot_id
    assert after.lot.opened_at > before.lot.opened_at


def test_the_orders_word_holds_before_the_default_and_its_owners_before_both(ctx: Context) -> None:
    traded(ctx, qty=1, auto_sell=True)
    (lot,) = refreshed(ctx)
    assert lot.lot.auto_sell_enabled
    traded(ctx, qty=1, auto_sell=False)
    (told,) = refreshed(ctx, default=True)
    assert not told.lot.auto_sell_enabled
    with ctx.database.statement() as unit:
        unit.run(
            "UPDATE trading.lots SET auto_sell_enabled = false, auto_sell_by = 'trader' WHERE lot_id = %(id)s",
            {"id": lot.lot.lot_id},
        )
    traded(ctx, qty=1, auto_sell=True)
    (kept,) = refreshed(ctx, default=True)
    assert (kept.lot.qty, kept.lot.auto_sell_enabled) == (Decimal(3), False)


def test_what_a_working_order_closes_is_not_free(ctx: Context) -> None:
    traded(ctx, qty=10)
    wanted = order_request(ctx, side=Side.SELL, qty=Decimal(4), limit_price=Decimal(9999))
    with ctx.database.statement() as unit:
        request_order(unit, wanted, TEST_ORIGIN)
    (lot,) = refreshed(ctx)
    assert (lot.lot.busy_qty, lot.lot.free_qty) == (Decimal(4), Decimal(6))


def test_a_mark_shows_what_a_lot_would_bring(ctx: Context) -> None:
    traded(ctx, qty=10)
    (lot,) = refreshed(ctx)
    assert lot.lot.entry_price is not None
    mark = Mark(price=lot.lot.entry_price + 2, at=ctx.clock.now(), source="quote")
    with ctx.database.statement() as unit:
        store_marks(unit, [(lot.lot, mark)])
        (row,) = unit.rows("SELECT * FROM trading.lots WHERE lot_id = %(id)s", {"id": lot.lot.lot_id})
    assert (row.mark_price, row.unrealized_pnl, row.marked_at) == (mark.price, 20, mark.at)


def test_a_word_that_is_said_while_the_lot_is_being_folded_is_kept(ctx: Context) -> None:
    traded(ctx, qty=1, auto_sell=True)
    assert refreshed(ctx)[0].lot.auto_sell_enabled
    traded(ctx, qty=1, auto_sell=True)
    name = ctx.settings.accounts[0].name

    class Interrupted(Unit):
        """Somebody forbids the sale between what the fold reads and what it writes."""

        def rows_replanned(self, statement: str, params: Params | None = None) -> Sequence[Row]:
            found = super().rows_replanned(statement, params)
            if "wanted" in (params or {}):
                stamp = Stamp(ctx.clock.now(), ctx.ids, TEST_ORIGIN)
                with ctx.database.unit() as other:
                    set_auto_sell(other, name, "AAPL", enabled=False, stamp=stamp)
            return found

    with ctx.database.unit() as unit:
        refresh_lots(Interrupted(unit._connection), since=None, auto_sell_default=False, ids=ctx.ids)
    (lot,) = refreshed(ctx)
    assert (lot.lot.qty, lot.lot.auto_sell_enabled) == (Decimal(2), False)
