"""Profit and loss in SQL is what domain/lots.py makes of the same moves, to the last digit."""

import datetime as dt
import random  # noqa: TID251  seeded: the same series every time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.ids import SYSTEM_IDS
from domain.lots import LotMove, fold
from tasks.context import Context
from tests.support.house import Bed, account_of, order, request

CALL = "AAPL280121C00200000"
NEW_YORK = ZoneInfo("America/New_York")
BEGIN = dt.datetime(2026, 11, 16, 15, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Traded:
    """A move of the test: signed quantity, USD each, hours since the beginning; not filled means corrected."""

    qty: str
    price: str | None
    hours: float
    filled: bool = True

    @property
    def at(self) -> dt.datetime:
        return BEGIN + dt.timedelta(hours=self.hours)

    @property
    def move(self) -> LotMove:
        return LotMove(Decimal(self.qty), None if self.price is None else Decimal(self.price), self.at)


def write(ctx: Context, symbol: str, moves: Sequence[Traded], multiplier: int = 1) -> None:
    order_id = request(ctx, symbol=symbol, multiplier=multiplier)
    account = account_of(ctx).account_id
    with ctx.database.unit() as unit:
        for number, traded in enumerate(moves, start=1):
            given = {
                "id": SYSTEM_IDS.new(),
                "account": account,
                "order": order_id,
                "symbol": symbol,
                "side": "buy" if traded.move.qty > 0 else "sell",
                "qty": abs(traded.move.qty) if traded.filled else traded.move.qty,
                "price": traded.move.price,
                "cum": number,
                "at": traded.at,
            }
            unit.run(_FILL if traded.filled else _CORRECTION, given)
    assert order(ctx, order_id).multiplier == multiplier


_FILL = """
INSERT INTO trading.fills (fill_id, account_id, order_id, broker_order_id, broker_fill_id, symbol, side, qty, price,
                           cum_qty, occurred_at)
VALUES (%(id)s, %(account)s, %(order)s, %(order)s, %(cum)s, %(symbol)s, %(side)s, %(qty)s, %(price)s, %(cum)s, %(at)s)
"""
_CORRECTION = """
INSERT INTO trading.position_corrections (correction_id, account_id, symbol, qty, old_qty, new_qty, price, occurred_at)
VALUES (%(id)s, %(account)s, %(symbol)s, %(qty)s, 0, %(qty)s, %(price)s, %(at)s)
"""


def told(officer: Any, ctx: Context, symbol: str) -> list[dict[str, Any]]:
    return list(
        officer.execute(
            "SELECT * FROM reports.realized_pnl WHERE account = %s AND symbol = %s ORDER BY trading_day",
            (ctx.settings.accounts[0].name, symbol),
        ).fetchall()
    )


def expected(moves: Sequence[Traded], multiplier: int) -> dict[dt.date, Decimal]:
    """Return what each trading day realized, move by move from what the lot was before."""
    days: dict[dt.date, Decimal] = defaultdict(Decimal)
    for number, traded in enumerate(moves):
        lot, move = fold(one.move for one in moves[:number]), traded.move
        days[traded.at.astimezone(NEW_YORK).date()] += Decimal(0)
        if not traded.filled or lot is None or (lot.qty > 0) == (move.qty > 0):
            continue
        assert lot.entry_price is not None
        assert move.price is not None
        closed = min(abs(lot.qty), abs(move.qty)) * (1 if lot.qty > 0 else -1)
        days[traded.at.astimezone(NEW_YORK).date()] += closed * (move.price - lot.entry_price) * multiplier
    return dict(days)


@pytest.fixture
def ctx(quiet: Bed) -> Context:
    return quiet.context(read=False)


def test_a_position_that_is_added_to_and_sold_brings_price_less_average_cost(officer: Any, ctx: Context) -> None:
    write(ctx, "AAPL", [Traded("10", "100", 0), Traded("10", "110", 1), Traded("-15", "120", 2)])
    (row,) = told(officer, ctx, "AAPL")
    assert row["realized_pnl"] == 15 * (120 - 105)
    assert (row["bought_qty"], row["sold_qty"], row["closed_qty"], row["held_qty"]) == (20, 15, 15, 5)
    assert (row["average_cost"], row["trading_day"]) == (105, dt.date(2026, 11, 16))


def test_a_short_earns_when_it_is_bought_back_lower_and_a_sale_through_zero_opens_one(
    officer: Any, ctx: Context
) -> None:
    write(ctx, "MSFT", [Traded("5", "50", 0), Traded("-8", "60", 1), Traded("3", "40", 2)])
    (row,) = told(officer, ctx, "MSFT")
    assert row["realized_pnl"] == 5 * (60 - 50) + 3 * (60 - 40)
    assert (row["held_qty"], row["average_cost"]) == (0, None)


def test_an_option_counts_a_hundred_units_and_each_trading_day_is_new_yorks(officer: Any, ctx: Context) -> None:
    # the second is at 01:00 UTC of the next day, and still the evening of the first in New York
    write(ctx, CALL, [Traded("2", "1.50", 0), Traded("-1", "2.25", 10), Traded("-1", "1.00", 24)], multiplier=100)
    first, second = told(officer, ctx, CALL)
    assert (first["trading_day"], first["realized_pnl"]) == (dt.date(2026, 11, 16), 75)
    assert (second["trading_day"], second["realized_pnl"]) == (dt.date(2026, 11, 17), -50)


@pytest.mark.parametrize(("price", "average"), [("0.00000003", "0.00000002"), ("0.00000005", "0.00000004")])
def test_half_a_digit_goes_to_the_even_one_as_in_python(officer: Any, ctx: Context, price: str, average: str) -> None:
    moves = [Traded("1", "0.00000002", 0), Traded("1", price, 1)]
    write(ctx, "AAPL", moves)
    (row,) = told(officer, ctx, "AAPL")
    lot = fold(one.move for one in moves)
    assert lot is not None
    assert row["average_cost"] == lot.entry_price == Decimal(average)


def test_corrections_are_counted_apart_and_an_unknown_cost_says_so(officer: Any, ctx: Context) -> None:
    write(ctx, "TSLA", [Traded("4", None, 0, filled=False), Traded("-3", "20", 1), Traded("-1", "20", 2)])
    rows = told(officer, ctx, "TSLA")
    assert sum(row["realized_pnl"] for row in rows) == 0
    assert sum(row["unpriced_qty"] for row in rows) == 4
    assert [(row["corrections"], row["corrected_qty"]) for row in rows if row["corrections"]] == [(1, 4)]


@pytest.mark.parametrize("seed", range(4))
def test_any_series_of_moves_agrees_with_the_fold(officer: Any, ctx: Context, seed: int) -> None:
    chance = random.Random(seed)
    moves = [
        Traded(
            str(Decimal(chance.choice([-1, 1])) * chance.randint(1, 900) / chance.choice([1, 100, 1000])),
            str(Decimal(chance.randint(1, 10**9)) / 10**7 + Decimal(chance.randint(0, 9)) / 10**8),
            number * 3 + 0.5,
            filled=chance.random() > 0.1,
        )
        for number in range(60)
    ]
    multiplier = chance.choice([1, 100])
    write(ctx, "AAPL", moves, multiplier)

    rows = told(officer, ctx, "AAPL")

    realized: dict[dt.date, Decimal] = defaultdict(Decimal)
    for row in rows:
        realized[row["trading_day"]] += row["realized_pnl"]
    assert realized == expected(moves, multiplier)
    left = fold(traded.move for traded in moves)
    last = [row for row in rows if row["trading_day"] == rows[-1]["trading_day"]]
    assert left is not None
    assert (left.qty, left.entry_price) in [(row["held_qty"], row["average_cost"]) for row in last]
