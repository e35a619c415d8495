"""What the seller sends only closes: never more than is held and not being closed already (R19, R23)."""

from domain.orders import plain
from risk.facts import Facts
from risk.verdict import Decision, Verdict

NAME = "reduce_only"


def check(facts: Facts) -> Verdict:
    """Deny with `nothing_to_close` an order of the seller that would open, or close more than there is.

    `closable_qty` is None where nobody looked: a buy of anybody else's, in an account that takes entries.
    """
    closable = None if facts.closable_qty is None else plain(facts.closable_qty)
    inputs = {"closable_qty": closable, "qty": None if facts.terms.qty is None else plain(facts.terms.qty)}
    if not facts.is_reduce_only or facts.is_exit:
        return Verdict(NAME, Decision.ALLOW, inputs=inputs)
    reason = f"only {closable} of {facts.terms.symbol} is held and not being closed already"
    return Verdict(NAME, Decision.DENY, "nothing_to_close", reason, inputs)
