"""Orders wait until the account's type has been read once, and stop when it contradicts the configuration (ACC-001)."""

from domain.account_type import AccountType
from domain.venue import EndpointKind
from risk.facts import Facts
from risk.verdict import Decision, Verdict

NAME = "account_type"


def check(facts: Facts) -> Verdict:
    """Wait without a reading; deny when entries are blocked, or when a live account stands at a paper endpoint."""
    account = facts.account
    inputs = {"account_type": account.account_type.value, "source": account.account_type_source.value}
    if account.entries_blocked is not None:
        return Verdict(NAME, Decision.DENY, "account_type_mismatch", account.entries_blocked, inputs)
    if not account.type_was_read:
        reason = "the account's type has not been read from the broker yet"
        return Verdict(NAME, Decision.WAIT, "account_not_read", reason, inputs)
    if account.account_type is AccountType.LIVE and account.endpoint is EndpointKind.PAPER:
        reason = "the broker says live at a paper endpoint"
        return Verdict(NAME, Decision.DENY, "account_type_mismatch", reason, inputs)
    return Verdict(NAME, Decision.ALLOW, inputs=inputs)
