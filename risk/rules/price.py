"""A market order waits for a price: without one nobody can say what to reserve (ACC-002)."""

from risk.facts import Facts
from risk.verdict import Decision, Verdict

NAME = "price"


def check(facts: Facts) -> Verdict:
    """Wait with `price_unavailable` while the order's cost is unknown."""
    if facts.order_cost is not None:
        return Verdict(NAME, Decision.ALLOW)
    return Verdict(NAME, Decision.WAIT, "price_unavailable", f"no ask for {facts.terms.symbol} right now")
