"""An order needs a cost that can be reserved: a market order waits for its price (ACC-002)."""

from domain.money import MOST
from risk.facts import Facts
from risk.verdict import Decision, Verdict

NAME = "price"


def check(facts: Facts) -> Verdict:
    """Wait with `price_unavailable` while the cost is unknown; deny with `cost_too_large` what no table holds."""
    if facts.order_cost is not None and facts.order_cost <= MOST:
        return Verdict(NAME, Decision.ALLOW)
    if facts.order_cost is not None:
        reason = f"the order would cost ${facts.order_cost:,.0f}; at most ${MOST:,} can be reserved"
        return Verdict(NAME, Decision.DENY, "cost_too_large", reason)
    return Verdict(NAME, Decision.WAIT, "price_unavailable", f"no ask for {facts.terms.symbol} right now")
