"""An account that was switched off takes no new orders, also those that were accepted before (ACC-001)."""

from risk.facts import Facts
from risk.verdict import Decision, Verdict

NAME = "account_enabled"


def check(facts: Facts) -> Verdict:
    """Deny with `account_disabled` when the account is switched off."""
    inputs = {"enabled": facts.account.enabled}
    if facts.account.enabled:
        return Verdict(NAME, Decision.ALLOW, inputs=inputs)
    return Verdict(NAME, Decision.DENY, "account_disabled", f"account {facts.account.name} is switched off", inputs)
