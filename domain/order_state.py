"""The life of an order as one table: which status may follow which (DESIGN section 9).

The realities are in the table, not in code around it: a fill may arrive before the acknowledgement
(`submitting -> filled`), after a cancel was asked for (`accepted -> filled`), or when nobody knows whether the broker
has the order at all (`unknown -> filled`). Fills that arrive after an end change quantities, never the status.
"""

from enum import StrEnum


class OrderStatus(StrEnum):
    """Where an order stands. Text in the database, checked by a constraint."""

    REQUESTED = "requested"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"


class OrderEvent(StrEnum):
    """What the audit trail of an order records. The first eleven are the arrivals in a status."""

    REQUESTED = "requested"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    DEFERRED = "deferred"  # put off: no rate budget, broker said later, account not read yet
    LEASE_EXPIRED = "lease_expired"  # the worker that had the order is gone; its outcome is unknown
    LOOKED_UP = "looked_up"  # asked the broker for our id and learned nothing new
    CANCEL_REQUESTED = "cancel_requested"  # somebody wants it gone; it is not before the broker says so (R13)
    CANCEL_SENT = "cancel_sent"  # the broker took the request
    CANCEL_FAILED = "cancel_failed"  # the broker did not; it is asked again
    LATE_RESULT = "late_result"  # an answer that came after the fence had moved on (R10)
    IMPORTED = "imported"  # found at the broker, placed there by somebody else (R17)
    RESOLVED = "resolved"  # an operator has decided what becomes of a quarantined order
    CORRECTED = "corrected"  # an officer says what an earlier event should have said; that one stays as it is


_S = OrderStatus

_ENDS_AT_BROKER = {_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REPLACED}
_KNOWN_AT_BROKER = {_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.REJECTED} | _ENDS_AT_BROKER

TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.REQUESTED: frozenset({_S.SUBMITTING, _S.REJECTED, _S.CANCELED, _S.EXPIRED}),
    # back to requested: the broker definitely did not take it (429, refused connection)
    _S.SUBMITTING: frozenset({_S.UNKNOWN, _S.REQUESTED} | _KNOWN_AT_BROKER),
    # back to submitting: our id is not known there, the same id is sent again (R11)
    _S.UNKNOWN: frozenset({_S.SUBMITTING, _S.QUARANTINED} | _KNOWN_AT_BROKER),
    _S.ACCEPTED: frozenset({_S.PARTIALLY_FILLED, _S.REJECTED, _S.QUARANTINED} | _ENDS_AT_BROKER),
    _S.PARTIALLY_FILLED: frozenset({_S.QUARANTINED} | _ENDS_AT_BROKER),
    # an operator's word: looked up once more, or ended
    _S.QUARANTINED: frozenset({_S.UNKNOWN} | _KNOWN_AT_BROKER),
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.REPLACED: frozenset(),
    _S.REJECTED: frozenset(),
}

TERMINAL: frozenset[OrderStatus] = frozenset(status for status, after in TRANSITIONS.items() if not after)

WORKING: frozenset[OrderStatus] = frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED})
"""The broker has said that it has the order, and not that it has ended."""

IN_FLIGHT: frozenset[OrderStatus] = frozenset(
    {_S.SUBMITTING, _S.UNKNOWN, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.QUARANTINED}
)
"""The broker has the order or may have it: its cost stays reserved."""


def may_follow(before: OrderStatus, after: OrderStatus) -> bool:
    """Return whether `after` may follow `before`; staying where one is (an event without a move) always may."""
    return before is after or after in TRANSITIONS[before]


def sources_of(after: OrderStatus) -> frozenset[OrderStatus]:
    """Return every status from which `after` may be reached, without `after` itself."""
    return frozenset(before for before, nexts in TRANSITIONS.items() if after in nexts)
