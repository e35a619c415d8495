"""An order takes another's place only while that one works at the broker as it was when it was asked for (R27)."""

from domain.order_state import OrderStatus
from domain.orders import plain
from risk.facts import Facts, Replaced
from risk.verdict import Decision, Verdict

NAME = "replaced"
REPLACEABLE = {OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED}


def check(facts: Facts) -> Verdict:
    """Deny with `not_replaceable` when the old order has ended, filled further, or is being ended by somebody else."""
    old = facts.replaced
    if old is None:
        return Verdict(NAME, Decision.ALLOW)
    inputs = {"replaces": str(old.order_id), "status": old.status.value, "reserved": plain(old.reserved)}
    obstacle = _obstacle(old)
    if obstacle is None:
        return Verdict(NAME, Decision.ALLOW, inputs=inputs)
    return Verdict(NAME, Decision.DENY, "not_replaceable", f"the order to be replaced {obstacle}", inputs)


def _obstacle(old: Replaced) -> str | None:
    if old.status not in REPLACEABLE:
        return f"is {old.status}, not working at the broker"
    if old.is_being_canceled:
        return "is being cancelled"
    if old.is_being_replaced:
        return "is being replaced already"
    if old.filled_since:
        return f"filled {plain(old.filled_since)} more since: ask again for what is left"
    return None
