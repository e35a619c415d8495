"""Orders wait until the account's type is read once; entries stop when it contradicts the configuration (ACC-001)."""

from domain.account_type import AccountType
from domain.venue import EndpointKind
from risk.facts import AccountFacts, Facts
from risk.verdict import Decision, Verdict

NAME = "account_type"


def check(facts: Facts) -> Verdict:
    """Deny entries that are blocked, and those of a live account at a paper endpoint; wait without a reading.

    The block is `account_number_changed` until an admin confirms the number, else `account_type_mismatch`. An exit
    goes on with a warning (R23).
    """
    account = facts.account
    inputs = {"account_type": account.account_type.value, "source": account.account_type_source.value}
    code, reason = _block(account)
    if reason is not None and not facts.is_exit:
        return Verdict(NAME, Decision.DENY, code, reason, inputs)
    if not account.type_was_read:
        waits = "the account's type has not been read from the broker yet"
        return Verdict(NAME, Decision.WAIT, "account_not_read", waits, inputs)
    if reason is not None:
        return Verdict(NAME, Decision.ALLOW, code, f"{reason}: only exits go on", inputs, warning=True)
    return Verdict(NAME, Decision.ALLOW, inputs=inputs)


def _block(account: AccountFacts) -> tuple[str | None, str | None]:
    """Return why entries are refused, as a code and a sentence, or two None."""
    if account.entries_blocked is not None:
        return "account_number_changed" if account.number_changed else "account_type_mismatch", account.entries_blocked
    if account.account_type is AccountType.LIVE and account.endpoint is EndpointKind.PAPER:
        return "account_type_mismatch", "the broker says live at a paper endpoint"
    return None, None
