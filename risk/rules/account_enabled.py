"""An account that was switched off takes no new entries, also those accepted before; exits go on (ACC-001, R23)."""

from risk.facts import Facts
from risk.verdict import Decision, Verdict

NAME = "account_enabled"


def check(facts: Facts) -> Verdict:
    """Deny entries with `account_disabled` when an admin or secrets.yml has switched the account off."""
    account = facts.account
    is_on = account.enabled and account.disabled_by is None
    inputs = {"enabled": is_on}
    if is_on:
        return Verdict(NAME, Decision.ALLOW, inputs=inputs)
    by = "in secrets.yml" if account.disabled_by is None else f"by {account.disabled_by}"
    reason = f"account {account.name} is switched off {by}: it takes no entries"
    if facts.is_exit:
        return Verdict(NAME, Decision.ALLOW, "account_disabled", f"{reason}, and this is an exit", inputs, warning=True)
    return Verdict(NAME, Decision.DENY, "account_disabled", reason, inputs)
