"""An order takes another's place only while that one works as it was when it was asked for (R27)."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from domain.balance import BalanceRule
from domain.order_state import OrderStatus
from risk.facts import Replaced
from risk.rules import minimum_balance, replaced
from risk.verdict import Decision
from tests.risk.helpers import balance, facts

OLD: dict[str, Any] = {
    "order_id": uuid.UUID(int=1),
    "status": OrderStatus.ACCEPTED,
    "reserved": Decimal(1000),
    "is_being_canceled": False,
    "is_being_replaced": False,
    "filled_since": Decimal(0),
}


def old(**changes: Any) -> Replaced:
    return Replaced(**(OLD | changes))


@pytest.mark.parametrize("status", [OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED])
def test_a_working_order_may_be_replaced(status: OrderStatus) -> None:
    assert replaced.check(facts(replaced=old(status=status))).decision is Decision.ALLOW


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        *(({"status": status}, status.value) for status in OrderStatus if status not in replaced.REPLACEABLE),
        ({"is_being_canceled": True}, "being cancelled"),
        ({"is_being_replaced": True}, "being replaced"),
        ({"filled_since": Decimal(3)}, "filled 3 more"),
    ],
)
def test_any_other_may_not(changes: dict[str, Any], words: str) -> None:
    verdict = replaced.check(facts(replaced=old(**changes)))

    assert (verdict.decision, verdict.reason_code) == (Decision.DENY, "not_replaceable")
    assert words in str(verdict.reason)


@pytest.mark.requirement("ACC-002")
@pytest.mark.parametrize(
    ("rule", "cash", "reserved", "cost", "decision"),
    [
        # minimum 5000; the old order reserves 1000 of what is reserved
        (BalanceRule.AFTER, 7000, 1000, 2000, Decision.ALLOW),  # 7000 free without the old one
        (BalanceRule.AFTER, 7000, 1000, 2001, Decision.DENY),
        (BalanceRule.AFTER, 5500, 1000, 1000, Decision.ALLOW),  # no new risk, though less than the minimum is free
        (BalanceRule.AFTER, 5500, 1000, 1001, Decision.DENY),
        (BalanceRule.BEFORE, 6000, 2000, 9999, Decision.ALLOW),
        (BalanceRule.BEFORE, 6000, 2001, 9999, Decision.DENY),
    ],
)
def test_the_larger_of_both_is_what_must_be_paid(
    rule: BalanceRule, cash: int, reserved: int, cost: int, decision: Decision
) -> None:
    given = facts(
        account={"balance_rule": rule},
        balance=balance(str(cash)),
        reserved=Decimal(reserved),
        order_cost=Decimal(cost),
        replaced=old(),
    )
    assert minimum_balance.check(given).decision is decision
