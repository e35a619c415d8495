"""Lots are folded from what was filled: the average cost, since when, and whose word holds (R20)."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lots import FoldedLot, LotMove, fold, is_same, unrealized

START = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)


def move(minute: int, qty: str, price: str | None = "1", *, auto_sell: bool | None = None) -> LotMove:
    at = START + dt.timedelta(minutes=minute)
    return LotMove(Decimal(qty), None if price is None else Decimal(price), at, auto_sell)


def folded(*moves: LotMove) -> FoldedLot:
    lot = fold(moves)
    assert lot is not None
    return lot


def test_what_is_added_moves_the_average_and_what_is_taken_does_not() -> None:
    lot = folded(move(0, "10", "1"), move(1, "10", "2"), move(2, "-5", "9"), move(3, "15", "3"))
    assert (lot.qty, lot.entry_price, lot.opened_at) == (Decimal(30), Decimal("2.25"), START)


@pytest.mark.parametrize(("first", "second"), [("10", "-10"), ("-3", "3")])
def test_a_lot_ends_where_nothing_is_held(first: str, second: str) -> None:
    assert fold([move(0, first), move(1, second)]) is None
    again = folded(move(0, first), move(1, second), move(5, first, "7"))
    assert (again.entry_price, again.opened_at) == (Decimal(7), START + dt.timedelta(minutes=5))


def test_a_move_through_zero_opens_another_lot() -> None:
    lot = folded(move(0, "10", "1"), move(2, "-25", "4"))
    assert (lot.qty, lot.entry_price, lot.opened_at) == (Decimal(-15), Decimal(4), START + dt.timedelta(minutes=2))


def test_moves_count_in_the_order_of_their_times() -> None:
    moves = [move(0, "10"), move(1, "-10"), move(2, "4", "5")]
    assert fold(reversed(moves)) == fold(moves)


def test_a_correction_without_a_price_leaves_the_average() -> None:
    assert folded(move(0, "10", "2"), move(1, "5", None)).entry_price == 2
    assert folded(move(0, "10", None)).entry_price is None
    assert folded(move(0, "10", None), move(1, "5", "3")).entry_price == 3


def test_the_last_order_that_says_something_of_the_sale_is_heard() -> None:
    assert folded(move(0, "1", auto_sell=True), move(1, "1"), move(2, "-1", auto_sell=False)).auto_sell is True
    assert folded(move(0, "1", auto_sell=True), move(1, "1", auto_sell=False)).auto_sell is False


def test_a_late_fill_of_its_beginning_leaves_a_lot_the_same_and_a_close_in_between_does_not() -> None:
    opened = START + dt.timedelta(minutes=1)
    assert is_same(opened, False, folded(move(0, "1"), move(1, "1")))  # noqa: FBT003  not short
    assert not is_same(START, False, folded(move(0, "1"), move(1, "-1"), move(2, "1")))  # noqa: FBT003  not short
    assert not is_same(START, True, folded(move(0, "1")))  # noqa: FBT003  short before


def test_what_closing_would_bring_is_counted_in_units() -> None:
    assert unrealized(Decimal(2), Decimal(3), Decimal("3.5"), Decimal(100)) == 100
    assert unrealized(Decimal(-2), Decimal(3), Decimal("3.5"), Decimal(100)) == -100
    assert unrealized(Decimal(2), None, Decimal(1), Decimal(1)) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(-5, 5)), max_size=20))
def test_a_lot_always_holds_the_sum_of_its_moves(moves: list[tuple[int, int]]) -> None:
    lot = fold([move(minute, str(qty)) for minute, qty in moves])
    assert (Decimal(0) if lot is None else lot.qty) == sum(qty for _, qty in moves)
