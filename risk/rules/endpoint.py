"""Entries go only to a known paper host or the simulated exchange until arming exists (R24, DESIGN section 9)."""

from domain.venue import EndpointKind
from risk.facts import Facts
from risk.verdict import Decision, Verdict

NAME = "endpoint"


def check(facts: Facts) -> Verdict:
    """Deny with `live_not_armed` whatever the account is called when its endpoint is neither paper nor simulated."""
    inputs = {"endpoint": facts.account.endpoint.value}
    if facts.account.endpoint is not EndpointKind.LIVE:
        return Verdict(NAME, Decision.ALLOW, inputs=inputs)
    reason = "the account's endpoint is neither a known paper host nor the simulated exchange: it counts as live"
    return Verdict(NAME, Decision.DENY, "live_not_armed", reason, inputs)
