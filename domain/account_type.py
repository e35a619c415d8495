"""Paper or live, and how we know (ACC-001, FR-001).

Alpaca's paper accounts have numbers that begin with PA. A failed detection falls back to *paper rights* and is marked
`fallback`, so that no report ever counts it as a proven paper account.
"""

from dataclasses import dataclass
from enum import StrEnum


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
    """A type with its source; `reason` says why a fallback was taken or what disagrees."""

    account_type: AccountType
    source: AccountTypeSource
    reason: str = ""


def detect(account_number: str | None, override: AccountType | None = None) -> AccountTypeReading:
    """Return the type of an account from its broker number; an override wins, no number falls back to paper rights."""
    if override is not None:
        return AccountTypeReading(override, AccountTypeSource.OVERRIDE)
    if not account_number:
        return AccountTypeReading(AccountType.PAPER, AccountTypeSource.FALLBACK, "the broker gave no account number")
    kind = AccountType.PAPER if account_number.startswith("PA") else AccountType.LIVE
    return AccountTypeReading(kind, AccountTypeSource.DETECTED)


def disagreement(configured_paper: bool | None, reading: AccountTypeReading) -> str | None:  # noqa: FBT001  a fact, not a switch
    """Return why configuration and detection contradict each other, or None; both are named (ACC-001)."""
    if configured_paper is None or reading.source is AccountTypeSource.FALLBACK:
        return None
    configured = AccountType.PAPER if configured_paper else AccountType.LIVE
    if configured is reading.account_type:
        return None
    return f"configured as {configured}, the broker's account number says {reading.account_type}"
