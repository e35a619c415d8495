"""Free cash against the account's minimum (ACC-002, FR-002)."""

from decimal import Decimal

from domain.balance import BalanceCheck, OnBalanceError, check_balance
from domain.money import ZERO
from domain.orders import plain
from risk.facts import Facts
from risk.verdict import Decision, Verdict

NAME = "minimum_balance"


def check(facts: Facts) -> Verdict:
    """Deny with `insufficient_balance` and the four numbers; without a usable balance do as `on_balance_error` says.

    Exits of the seller are exempt, and say so. A stored balance of at most `balance_max_age` decides; an older one is
    no balance at all. What a replaced order reserves is given back, and a replacement that costs no more than that is
    no new risk (R27). Whatever the word, its inputs hold the numbers there were.
    """
    account = facts.account
    if facts.is_reduce_only and facts.is_exit:  # an exit of the seller costs nothing that is not there (ACC-002)
        return Verdict(NAME, Decision.ALLOW, inputs={"exempt": "an exit of the sell module"} | _seen(facts))
    if not account.balance_check_enabled:
        return Verdict(NAME, Decision.ALLOW, inputs={"balance_check_enabled": False} | _seen(facts))
    balance = facts.balance
    if balance is None or balance.age_s > Decimal(str(account.balance_max_age.total_seconds())):
        return _without_balance(facts)
    given_back = ZERO if facts.replaced is None else facts.replaced.reserved
    if facts.replaced is not None and facts.order_cost is not None and facts.order_cost <= given_back:
        return Verdict(NAME, Decision.ALLOW, inputs={"replaced_reserved": plain(given_back)} | _seen(facts))
    checked = check_balance(
        account.balance_rule,
        cash=balance.cash,
        reserved=facts.reserved - given_back,
        minimum=account.minimum_balance,
        order_cost=facts.order_cost,
    )
    inputs = numbers(checked) | {"balance_age_s": str(balance.age_s)}
    if checked.passed:
        return Verdict(NAME, Decision.ALLOW, inputs=inputs)
    return Verdict(NAME, Decision.DENY, "insufficient_balance", explain(checked), inputs)


def numbers(checked: BalanceCheck) -> dict[str, str | None]:
    """Return the numbers of a check as decimal strings (USD), for the audit trail and the refusal."""
    return {
        "balance_rule": checked.rule.value,
        "cash": plain(checked.cash),
        "available": plain(checked.available),
        "reserved": plain(checked.reserved),
        "minimum": plain(checked.minimum),
        "order_cost": None if checked.order_cost is None else plain(checked.order_cost),
    }


def explain(checked: BalanceCheck) -> str:
    """Return one sentence with the four numbers."""
    cost = "unknown" if checked.order_cost is None else f"${checked.order_cost:,.2f}"
    return (
        f"available ${checked.available:,.2f} (reserved ${checked.reserved:,.2f}) against minimum "
        f"${checked.minimum:,.2f}, order cost {cost}, rule '{checked.rule.value}'"
    )


def _seen(facts: Facts) -> dict[str, str | None]:
    """Return the numbers that were there where no comparison of them decides."""
    balance, cost = facts.balance, facts.order_cost
    return {
        "cash": None if balance is None else plain(balance.cash),
        "balance_age_s": None if balance is None else str(balance.age_s),
        "reserved": plain(facts.reserved),
        "minimum": plain(facts.account.minimum_balance),
        "order_cost": None if cost is None else plain(cost),
    }


def _without_balance(facts: Facts) -> Verdict:
    inputs = {"on_balance_error": facts.account.on_balance_error.value} | _seen(facts)
    reason = "no balance read within the allowed age decides this order"
    if facts.account.on_balance_error is OnBalanceError.ALLOW:
        return Verdict(NAME, Decision.ALLOW, "balance_unavailable", f"{reason}: allowed with a warning", inputs, True)  # noqa: FBT003
    return Verdict(NAME, Decision.DENY, "balance_unavailable", reason, inputs)
