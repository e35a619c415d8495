"""No entries into a month that could not be recorded: the audit trail must reach a month ahead (R29)."""

from risk.facts import Facts
from risk.verdict import Decision, Verdict

NAME = "trail"


def check(facts: Facts) -> Verdict:
    """Deny entries with `audit_partition_missing` while next month has no partition; exits go on with a warning.

    An order of today may work for weeks, and what becomes of it has to be written down.
    """
    inputs = {"next_month": facts.trail_goes_on}
    if facts.trail_goes_on:
        return Verdict(NAME, Decision.ALLOW, inputs=inputs)
    reason = "the audit trail has no partition for next month: no entries are taken"
    if facts.is_exit:
        warned = f"{reason}, and this is an exit"
        return Verdict(NAME, Decision.ALLOW, "audit_partition_missing", warned, inputs, warning=True)
    return Verdict(NAME, Decision.DENY, "audit_partition_missing", reason, inputs)
