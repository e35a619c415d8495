"""A round trip is on record the moment its last fill is, with its prices, P&L and why it was closed (US-SYSTEM-007)."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

import pytest

from config.ids import SYSTEM_IDS
from domain.lots import LotMove, fold
from domain.orders import Side
from models.unit import Unit
from tasks.context import Context
from tests.services.test_lots import traded
from tests.support.house import Bed, account_of

pytestmark = pytest.mark.requirement("US-SYSTEM-007")

DAY = dt.datetime(2026, 3, 2, 15, tzinfo=dt.UTC)


@contextmanager
def undone(ctx: Context) -> Iterator[Unit]:
    """Give a transaction of which nothing stays."""
    with suppress(_Enough), ctx.database.unit() as unit:
        yield unit
        raise _Enough


class _Enough(Exception):
    """Ends a transaction."""


def trades(unit: Unit, ctx: Context) -> list[Any]:
    name = ctx.settings.accounts[0].name
    return list(unit.rows("SELECT * FROM reports.trades WHERE account = %(a)s ORDER BY entry_at", {"a": name}))


def moved(unit: Unit, ctx: Context, *moves: tuple[str, str | None], symbol: str = "AAPL") -> None:
    """Write moves of a position, one a minute: quantity and price."""
    for minute, (qty, price) in enumerate(moves):
        unit.run(
            "INSERT INTO trading.position_corrections (correction_id, account_id, symbol, qty, old_qty, new_qty, "
            "price, occurred_at) VALUES (%(id)s, %(account_id)s, %(symbol)s, %(qty)s, 0, 0, %(price)s, %(at)s)",
            {
                "id": SYSTEM_IDS.new(),
                "account_id": account_of(ctx).account_id,
                "symbol": symbol,
                "qty": qty,
                "price": price,
                "at": DAY + dt.timedelta(minutes=minute),
            },
        )


def told(ctx: Context, *moves: tuple[str, str | None], symbol: str = "AAPL") -> list[Any]:
    """Return the trades that such moves make; nothing of them stays."""
    with undone(ctx) as unit:
        moved(unit, ctx, *moves, symbol=symbol)
        return trades(unit, ctx)


def test_a_trade_opens_with_its_first_fill_and_closes_with_its_last(quiet: Bed) -> None:
    ctx = quiet.context()
    opened = traded(ctx, qty=3)
    with ctx.database.statement() as unit:
        (trade,) = trades(unit, ctx)
    assert (trade.status, trade.open_qty, trade.exit_at, trade.pnl, trade.opened_by) == ("open", 3, None, None, opened)
    closed = traded(ctx, side=Side.SELL, qty=3)
    with ctx.database.statement() as unit:
        (trade,) = trades(unit, ctx)
        fills = unit.rows("SELECT * FROM trading.fills WHERE account_id = %(a)s", {"a": account_of(ctx).account_id})
    cash = sum((fill.qty * fill.price * (1 if fill.side == "sell" else -1) for fill in fills), Decimal(0))
    assert (trade.status, trade.side, trade.qty, trade.pnl) == ("closed", "long", 3, cash)
    assert (trade.opened_by, trade.closed_by, trade.close_reason) == (opened, closed, "manual")
    assert (trade.account_type, trade.exit_at) == ("paper", max(fill.occurred_at for fill in fills))


def test_an_exit_of_the_seller_says_why(quiet: Bed) -> None:
    ctx = quiet.context()
    traded(ctx, qty=1)
    closed = traded(ctx, side=Side.SELL, qty=1)
    with undone(ctx) as unit:
        lot_id = SYSTEM_IDS.new()
        unit.run(
            "INSERT INTO trading.lots (lot_id, account_id, symbol, qty, entry_price, moves, opened_at, "
            "auto_sell_enabled, auto_sell_by) VALUES (%(l)s, %(a)s, 'AAPL', 1, 1, 1, now(), true, 'order')",
            {"l": lot_id, "a": account_of(ctx).account_id},
        )
        unit.run(
            "INSERT INTO trading.exits (lot_id, attempt, order_id, reason, message, price, price_at, price_source, "
            "decided_at) VALUES (%(l)s, 1, %(o)s, 'stop_loss', 'm', 1, now(), 'quote', now())",
            {"l": lot_id, "o": closed},
        )
        assert [trade.close_reason for trade in trades(unit, ctx)] == ["stop_loss"]


def test_what_adds_and_what_takes_away_make_mean_prices_and_one_result(quiet: Bed) -> None:
    (trade,) = told(quiet.context(), ("10", "100"), ("10", "110"), ("-5", "120"), ("-15", "90"))
    assert (trade.entry_price, trade.exit_price, trade.qty, trade.moves) == (105, Decimal("97.5"), 20, 4)
    assert (trade.pnl, trade.close_reason) == (-150, "correction")


def test_what_goes_through_zero_ends_one_trade_and_begins_another(quiet: Bed) -> None:
    first, second = told(quiet.context(), ("10", "100"), ("-15", "110"), ("5", "90"))
    assert (first.side, first.status, first.qty, first.pnl) == ("long", "closed", 10, 100)
    assert (second.side, second.status, second.qty, second.pnl) == ("short", "closed", 5, 100)
    assert first.exit_at == second.entry_at
    assert first.trade_id != second.trade_id


def test_an_option_counts_by_its_units_and_a_move_without_a_price_leaves_no_result(quiet: Bed) -> None:
    ctx = quiet.context()
    (option,) = told(ctx, ("1", "2"), ("-1", "3.5"), symbol="AAPL280121C00200000")
    assert (option.multiplier, option.pnl) == (100, 150)
    (unpriced,) = told(ctx, ("1", None), ("-1", "3.5"))
    assert (unpriced.status, unpriced.entry_price, unpriced.exit_price, unpriced.pnl) == (
        "closed",
        None,
        Decimal("3.5"),
        None,
    )


@pytest.mark.parametrize("seed", [(3, -1, 4, -6, 2), (1, -2, 2, -2, 1), (-5, 5, 5, -10, 7), (2, 2, -3, -3, 1)])
def test_what_is_open_is_what_the_lots_say(quiet: Bed, seed: tuple[int, ...]) -> None:
    moves = [LotMove(Decimal(qty), Decimal(10), DAY + dt.timedelta(minutes=at)) for at, qty in enumerate(seed)]
    lot = fold(moves)
    found = [trade for trade in told(quiet.context(), *((str(qty), "10") for qty in seed)) if trade.status == "open"]
    assert [trade.open_qty for trade in found] == ([] if lot is None else [lot.qty])
    assert [trade.entry_at for trade in found] == ([] if lot is None else [lot.opened_at])


def test_every_commit_waits_for_the_disk(quiet: Bed) -> None:
    with quiet.database.statement() as unit:
        assert unit.rows("SHOW synchronous_commit")[0].synchronous_commit == "on"
