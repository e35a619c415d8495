"""Step B: what the broker said, written once and only by whoever still holds the fence (R10).

Accepted and filled at once is one update with several events. An outcome nobody knows keeps its reservation and is
looked up. An answer that comes after the fence moved on is recorded as `late_result`, never lost and never applied.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.broker import Accepted, BrokerOrder, NotAccepted, Outcome, Rejected, Unknown
from domain.order_state import TERMINAL, OrderEvent, OrderStatus
from models.unit import Unit
from services.order_transition import After, Event, Move, NextPoll, move, note
from services.origin import Origin

FIRST_POLL_S = 0.3  # float: seconds of a timer
FIRST_LOOKUP_S = 1
MAX_BACKOFF_S = 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """One broker call around its outcome: whose order, which fence, how long (ms), what for (`stage`)."""

    order_id: uuid.UUID
    fence: int
    attempts: int
    stage: str
    started_at: dt.datetime
    finished_at: dt.datetime
    total_ms: float  # float: milliseconds
    network_ms: float | None  # float: milliseconds
    request_id: str | None = None


def record_outcome(unit: Unit, attempt: Attempt, outcome: Outcome, origin: Origin) -> bool:
    """Write the outcome; False when the fence had moved on (the answer is then kept as `late_result`)."""
    match outcome:
        case Accepted(order):
            step, events = _accepted(attempt, order)
        case Rejected():
            step, events = _rejected(attempt, outcome)
        case NotAccepted():
            step, events = _put_off(attempt, outcome)
        case Unknown():
            step, events = _unknown(attempt, outcome)
    if move(unit, step, events, origin) is not None:
        return True
    late = _event(
        attempt, OrderEvent.LATE_RESULT, success=False, detail={"outcome": step.to.value, "fence": attempt.fence}
    )
    if note(unit, attempt.order_id, [late], origin) is None:
        message = f"order {attempt.order_id} is gone: its outcome {step.to.value} could not be recorded"
        raise RuntimeError(message)
    return False


def status_after(order: BrokerOrder, filled_known: Decimal) -> OrderStatus:
    """Return the status our record may show for the broker's order: never ahead of the fills we have (R16)."""
    status = order.status or OrderStatus.ACCEPTED
    if status in TERMINAL and filled_known < order.filled_qty:  # whatever ended it, its fills are still on their way
        return OrderStatus.PARTIALLY_FILLED if filled_known > 0 else OrderStatus.ACCEPTED
    if status is OrderStatus.PARTIALLY_FILLED and filled_known == 0:
        return OrderStatus.ACCEPTED
    return status


def backoff_s(attempts: int, at_most: int = MAX_BACKOFF_S) -> float:  # float: seconds of a timer
    """Return the pause in seconds after so many attempts: 1, 2, 4 ... `at_most`."""
    return float(min(2 ** max(0, attempts - 1), at_most))  # float: seconds of a timer


def _accepted(attempt: Attempt, order: BrokerOrder) -> tuple[Move, list[Event]]:
    status = status_after(order, Decimal(0))
    detail = {"broker_order_id": order.broker_order_id, "broker_status": order.raw_status}
    changes: dict[str, Any] = {"broker_order_id": order.broker_order_id, "submitted_at": attempt.finished_at}
    first = _event(attempt, OrderEvent.ACCEPTED, detail=detail)
    if status in TERMINAL:  # the broker took it and ended it in one breath
        ended = Event(OrderEvent(status.value), attempt.stage, attempt.finished_at, detail=detail)
        if status is OrderStatus.REJECTED:
            changes |= {
                "rejected_by": "broker",
                "reason_code": "broker_rejected",
                "reason": "rejected after acceptance",
            }
        return _move(attempt, status, changes), [first, ended]
    # what was told while nobody knew the order was told to nobody: it is asked for at once
    soon = After(FIRST_POLL_S) if attempt.stage == "settle" else NextPoll(FIRST_POLL_S)
    return _move(attempt, OrderStatus.ACCEPTED, changes | {"due_at": soon}), [first]


def _rejected(attempt: Attempt, outcome: Rejected) -> tuple[Move, list[Event]]:
    changes = {"rejected_by": outcome.by, "reason_code": outcome.reason_code, "reason": outcome.message}
    detail = {"http_status": outcome.http_status}
    event = _event(attempt, OrderEvent.REJECTED, success=False, outcome=outcome, detail=detail)
    return _move(attempt, OrderStatus.REJECTED, changes), [event]


def _put_off(attempt: Attempt, outcome: NotAccepted) -> tuple[Move, list[Event]]:
    pause = backoff_s(attempt.attempts)
    event = _event(attempt, OrderEvent.DEFERRED, success=False, outcome=outcome, detail={"retry_in_s": pause})
    return _move(attempt, OrderStatus.REQUESTED, {"due_at": After(pause), "reserved": Decimal(0)}), [event]


def _unknown(attempt: Attempt, outcome: Unknown) -> tuple[Move, list[Event]]:
    event = _event(attempt, OrderEvent.UNKNOWN, success=False, outcome=outcome)
    return _move(attempt, OrderStatus.UNKNOWN, {"due_at": After(FIRST_LOOKUP_S)}), [event]


def _move(attempt: Attempt, to: OrderStatus, changes: Mapping[str, Any]) -> Move:
    return Move(attempt.order_id, to, attempt.fence, changes)


def _event(
    attempt: Attempt,
    kind: OrderEvent,
    *,
    success: bool = True,
    outcome: Rejected | NotAccepted | Unknown | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Event:
    return Event(
        event_type=kind,
        stage=attempt.stage,
        occurred_at=attempt.finished_at,
        success=success,
        started_at=attempt.started_at,
        total_ms=attempt.total_ms,
        network_ms=attempt.network_ms,
        reason_code=None if outcome is None else outcome.reason_code,
        reason=None if outcome is None else outcome.message,
        detail={"broker_request_id": attempt.request_id} | dict(detail or {}),
    )
