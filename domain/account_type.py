"""Paper or live, and how we know (ACC-001, FR-001).

Alpaca's paper accounts have numbers that begin with PA. A failed detection falls back to *paper rights* and is marked
`fallback`, so that no report ever counts it as a proven paper account.
"""

from dataclasses import dataclass
from enum import StrEnum

_SHOWN, _ENDS = 8, (2, 4)


class AccountType(StrEnum):
    """The kind of account an order runs in."""

    PAPER = "paper"
    LIVE = "live"


class AccountTypeSource(StrEnum):
    """How the type is known."""

    DETECTED = "detected"
    ENDPOINT = "endpoint"
    OVERRIDE = "override"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class AccountTypeReading:
    """A type with its source; `reason` says why a fallback was taken, or what an override stands against."""

    account_type: AccountType
    source: AccountTypeSource
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an account: `confirmed` is the number that entries are meant for.

    `number_changed` stays until an admin confirms the number, also when the old one is read again: two numbers under
    one name are two accounts, and nobody can tell which of them the next order would reach.
    """

    reading: AccountTypeReading
    number: str | None
    confirmed: str | None
    number_changed: bool
    mismatch: str | None
    was_read: bool

    @property
    def blocked(self) -> str | None:
        """Return every reason why entries are refused, None when there is none."""
        reasons = []
        if self.number_changed:
            reasons.append(f"the account number was {masked(self.confirmed)} and now is {masked(self.number)}")
        if self.mismatch is not None:
            reasons.append(self.mismatch)
        return "; ".join(reasons) or None


@dataclass(frozen=True, slots=True)
class Configured:
    """What the configuration says of an account's type; None where it says nothing."""

    paper_trading: bool | None = None
    override: AccountType | None = None


def detect(account_number: str | None, override: AccountType | None = None) -> AccountTypeReading:
    """Return the type of an account from its broker number; an override wins, no number falls back to paper rights."""
    found = _kind_of(account_number)
    if override is not None:
        return AccountTypeReading(override, AccountTypeSource.OVERRIDE, f"overridden, detected: {found or 'nothing'}")
    if found is None:
        return AccountTypeReading(AccountType.PAPER, AccountTypeSource.FALLBACK, "the broker gave no account number")
    return AccountTypeReading(found, AccountTypeSource.DETECTED)


def disagreement(configured_paper: bool | None, reading: AccountTypeReading) -> str | None:  # noqa: FBT001  a fact, not a switch
    """Return why configuration and detection contradict each other, or None; both are named (ACC-001)."""
    if configured_paper is None or reading.source is AccountTypeSource.FALLBACK:
        return None
    configured = AccountType.PAPER if configured_paper else AccountType.LIVE
    if configured is reading.account_type:
        return None
    who = "its override" if reading.source is AccountTypeSource.OVERRIDE else "the broker's account number"
    return f"configured as {configured}, {who} says {reading.account_type}"


def judge(known: Standing, number: str | None, failed: str | None, configured: Configured) -> Standing:
    """Return how an account stands after a read that gave `number`, or failed as `failed` says.

    What was read once is not forgotten because a later read failed. The first number is taken as it comes; any other
    has to be confirmed.
    """
    if failed is not None or not number:
        if known.was_read:
            return known
        reading = detect(None, configured.override)
        return Standing(reading, None, known.confirmed, known.number_changed, known.mismatch, was_read=False)
    reading = detect(number, configured.override)
    confirmed = known.confirmed or number
    return Standing(
        reading=reading,
        number=number,
        confirmed=confirmed,
        number_changed=known.number_changed or number != confirmed,
        mismatch=disagreement(configured.paper_trading, reading),
        was_read=True,
    )


def masked(account_number: str | None) -> str:
    """Return an account number for logs and callers: its first two and last four characters, or fewer."""
    if account_number is None:
        return "unknown"
    head, tail = _ENDS
    return f"{account_number[:head]}...{account_number[-tail:]}" if len(account_number) >= _SHOWN else "..."


def _kind_of(account_number: str | None) -> AccountType | None:
    if not account_number:
        return None
    return AccountType.PAPER if account_number.startswith("PA") else AccountType.LIVE
