"""What a comparison concludes, case by case (R12, R14, R17, R19)."""

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.broker import BrokerOrder
from domain.order_state import OrderStatus
from domain.reconcile import Comparison, HoldingDifference, OurOrder, Word, compare, judge

S = OrderStatus
OURS = OurOrder(uuid.UUID(int=1), S.ACCEPTED, "opt-1", "b-1", Decimal(0))
SAID = BrokerOrder("b-1", "opt-1", "AAPL", "buy", Decimal(3), Decimal(0), None, S.ACCEPTED, "new", None)
DIFFERENCE = HoldingDifference("AAPL", Decimal(1), Decimal(3), None, is_in_flight=False, has_filled=False, seen=None)


def found(ours: dict[str, Any], said: dict[str, Any], fresh: frozenset[str] = frozenset()) -> Comparison:
    return compare([replace(OURS, **ours)], [replace(SAID, **said)], fresh=fresh)


def test_what_agrees_leads_to_nothing() -> None:
    assert found({}, {}) == Comparison()


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        ({}, {"status": S.CANCELED}),
        ({}, {"filled_qty": Decimal(1)}),
        ({"status": S.FILLED, "filled_qty": Decimal(2)}, {"status": S.FILLED, "filled_qty": Decimal(3)}),
    ],
    ids=["ended", "filled further", "filled after its end"],
)
def test_the_broker_says_more_than_we_have(ours: dict[str, Any], said: dict[str, Any]) -> None:
    assert len(found(ours, said).told) == 1


def test_a_fill_that_we_lack_is_news_whatever_the_status_says() -> None:
    assert len(found({}, {}, frozenset({"b-1"})).told) == 1


@pytest.mark.parametrize("status", [S.REQUESTED, S.SUBMITTING, S.UNKNOWN, S.QUARANTINED])
def test_what_others_settle_is_left_to_them(status: S) -> None:
    assert found({"status": status}, {"status": S.FILLED, "filled_qty": Decimal(3)}, frozenset({"b-1"})) == Comparison()


def test_an_order_in_no_list_is_missing_and_has_not_ended() -> None:
    assert compare([OURS], [], fresh=()) == Comparison(missing=(OURS,))
    assert compare([replace(OURS, status=S.FILLED)], [], fresh=()) == Comparison()


def test_an_order_of_nobody_here_is_external() -> None:
    assert compare([], [SAID], fresh=()) == Comparison(external=(SAID,))


@pytest.mark.parametrize(("status", "count"), [(S.ACCEPTED, 1), (S.PARTIALLY_FILLED, 1), (S.CANCELED, 0)])
def test_an_order_given_up_reappears_only_while_it_works(status: S, count: int) -> None:
    compared = found({"status": S.REJECTED, "given_up": True}, {"status": status})
    assert len(compared.reappeared) == count


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, Word.REMEMBER),
        ({"seen": (Decimal(1), Decimal(3))}, Word.CORRECT),
        ({"seen": (Decimal(1), Decimal(2))}, Word.REMEMBER),
        ({"seen": (Decimal(1), Decimal(3)), "is_in_flight": True}, Word.LEAVE),
        ({"seen": (Decimal(1), Decimal(3)), "has_filled": True}, Word.LEAVE),
    ],
)
def test_a_position_is_corrected_when_nothing_else_explains_it_twice(changes: dict[str, Any], word: Word) -> None:
    assert judge(replace(DIFFERENCE, **changes)) is word
