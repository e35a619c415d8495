"""The balance rule (ACC-002): free cash against the account's minimum, before or after the order's cost."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

DEFAULT_MINIMUM = Decimal(5000)


class BalanceRule(StrEnum):
    """`before`: free cash must reach the minimum. `after`: it must still do so once the order is paid."""

    BEFORE = "before"
    AFTER = "after"


class OnBalanceError(StrEnum):
    """What happens without any balance to judge by."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class BalanceCheck:
    """The numbers a refusal must say, in USD; `passed` is the rule's answer."""

    passed: bool
    rule: BalanceRule
    available: Decimal
    cash: Decimal
    reserved: Decimal
    minimum: Decimal
    order_cost: Decimal | None


def check_balance(
    rule: BalanceRule, *, cash: Decimal, reserved: Decimal, minimum: Decimal, order_cost: Decimal | None
) -> BalanceCheck:
    """Return the rule's answer; equality passes. An unknown cost fails `after` and does not matter to `before`."""
    available = cash - reserved
    if rule is BalanceRule.BEFORE:
        passed = available >= minimum
    else:
        passed = order_cost is not None and available - order_cost >= minimum
    return BalanceCheck(passed, rule, available, cash, reserved, minimum, order_cost)
