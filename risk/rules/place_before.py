"""An order past its `place_before` is refused, never placed an hour later (R2)."""

from risk.facts import Facts
from risk.verdict import Decision, Verdict

NAME = "place_before"


def check(facts: Facts) -> Verdict:
    """Deny with `too_late` once the order's own deadline has passed."""
    inputs = {"place_before": facts.place_before.isoformat(), "now": facts.now.isoformat()}
    if facts.now <= facts.place_before:
        return Verdict(NAME, Decision.ALLOW, inputs=inputs)
    reason = f"the order was to be placed before {facts.place_before.isoformat()}"
    return Verdict(NAME, Decision.DENY, "too_late", reason, inputs)
