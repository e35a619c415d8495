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
class StoredRead:
    """A balance read that was stored: its cash in USD, and the number it drew before its request was sent."""

    cash: Decimal
    read_seq: int


def freed_below(previous: StoredRead | None, latest: StoredRead) -> int | None:
    """Return the number below which spent money is shown by the balance, None when the two reads do not agree (R18).

    A broker may answer an old balance for a while: money spent before *both* reads began is freed, and only when the
    later one is not above the earlier one. A stale answer then is either the first (the second corrects it) or the
    second (it is higher, and nothing is freed).
    """
    if previous is None or latest.cash > previous.cash:
        return None
    return previous.read_seq


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
