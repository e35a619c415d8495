"""A circuit breaker's words: what a contact with a broker tells of it, and how a breaker stands (R26)."""

from dataclasses import dataclass
from enum import StrEnum


class BreakerState(StrEnum):
    """Closed: everything goes. Open: entries are held. Half-open: the pause is over, one probe goes ahead of them."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Contact(StrEnum):
    """What one call says of whether the broker works."""

    ANSWERED = "answered"
    FAILED = "failed"
    SILENT = "silent"  # nothing either way: another's limit, or nothing was sent


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a breaker opens, and for how long; times in ms."""

    failures: int = 5
    window_ms: int = 30_000
    pause_ms: int = 5_000


MAX_PAUSE_MS = 60_000

_FAILURES = {"timeout", "connection_lost", "connection_refused", "unreachable", "unreadable_answer", "http_408"}


def contact_of(reason_code: str | None) -> Contact:
    """Return what a call's reason code tells; None: the broker took it.

    A refusal is an answer: a broker that says no works. A 429 comes from the limit before it, which may answer for a
    broker that does not.
    """
    if reason_code is None:
        return Contact.ANSWERED
    if reason_code in _FAILURES or reason_code.startswith("http_5"):
        return Contact.FAILED
    if reason_code in {"rate_limited", "http_429", "sdk_changed"}:
        return Contact.SILENT
    return Contact.ANSWERED
