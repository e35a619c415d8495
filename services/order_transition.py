"""The one door through which an order's status changes: row and audit events in one statement.

A change without its event cannot happen, and an event without its change says so (`note`). The table in
`domain/order_state.py` decides what may follow what; the fence refuses whoever was overtaken (R7, R10).
"""

import datetime as dt
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from domain.order_state import TERMINAL, WORKING, OrderEvent, OrderStatus, sources_of
from models.unit import Row, Statement, Unit
from services.origin import Origin


@dataclass(frozen=True, slots=True)
class After:
    """A time on the database's clock: so many seconds from the statement."""

    seconds: float  # float: seconds of a timer


@dataclass(frozen=True, slots=True)
class NextPoll:
    """When a working order is asked for again: in so many seconds, or every five while the account's stream is healthy.

    The stream tells what happens then, and the poll only makes sure (R31).
    """

    seconds: float  # float: seconds of a timer


@dataclass(frozen=True, slots=True)
class NextReadSeq:
    """The next number of the balance reads: whatever read began before has a lower one (R18)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One audit event of an order; durations in ms, times by the wall clock of whoever saw it.

    `corrects_seq` names the event of the same order that this one corrects.
    """

    event_type: OrderEvent
    stage: str
    occurred_at: dt.datetime
    success: bool = True
    started_at: dt.datetime | None = None
    total_ms: float | None = None  # float: milliseconds
    network_ms: float | None = None  # float: milliseconds
    reason_code: str | None = None
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    corrects_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A change of status. `fence` is the one the mover holds; `came_from` narrows what the table allows."""

    order_id: uuid.UUID
    to: OrderStatus
    fence: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    came_from: Collection[OrderStatus] | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Where an order must still stand for a note; `fence` None when it was not claimed."""

    status: OrderStatus
    fence: int | None


# what an operator's word makes of an order whose terms at the broker are others (R11)
TERMS = (
    "symbol",
    "asset_class",
    "side",
    "order_type",
    "time_in_force",
    "qty",
    "notional",
    "limit_price",
    "stop_price",
    "trail_price",
    "trail_percent",
    "extended_hours",
    "multiplier",
)
# columns that a move may change besides the status; the status itself has no other door
_CHANGEABLE = frozenset(
    {
        "account_type",
        "account_type_source",
        "adopted_by",
        *TERMS,
        "broker_order_id",
        "rejected_by",
        "reason_code",
        "reason",
        "filled_qty",
        "filled_avg_price",
        "fills_known_at",
        "reserved",
        "spent",
        "spent_seq",
        "due_at",
        "cancel_due_at",
        "cancel_reason",
        "most_shares",
        "lease_owner",
        "lease_until",
        "fence",
        "attempts",
        "submitted_at",
    }
)

_MOVED = (
    "o.order_id, o.order_date, o.last_seq, o.account_id, o.account_type, o.account_type_source, o.source, o.trace_id, "
    "o.status, o.fence, o.attempts"
)

_EVENTS = """
INSERT INTO audit.order_events (
  order_date, order_id, seq, account_id, account_type, account_type_source, event_type, stage, success, reason_code,
  reason, started_at, occurred_at, total_ms, network_ms, source, actor, host, process, trace_id, detail, corrects_seq)
SELECT m.order_date, m.order_id, m.last_seq - %(events_n)s + e.n, m.account_id, m.account_type, m.account_type_source,
       e.event_type, e.stage, e.success, e.reason_code, e.reason, e.started_at, e.occurred_at, e.total_ms,
       e.network_ms, m.source, %(actor)s, %(host)s, %(process)s, m.trace_id, e.detail, e.corrects_seq
  FROM moved m
 CROSS JOIN jsonb_to_recordset(%(events)s::jsonb) AS e(
   n bigint, event_type text, stage text, success boolean, reason_code text, reason text, started_at timestamptz,
   occurred_at timestamptz, total_ms numeric, network_ms numeric, detail jsonb, corrects_seq bigint)
"""


def move(unit: Unit, step: Move, events: Sequence[Event], origin: Origin) -> Row | None:
    """Change the status and record the events; return what the row says now.

    That is `status`, `fence`, `attempts`, and `last_seq`, the number of the last event.

    None when the order was elsewhere or somebody had overtaken the mover: nothing is written then.
    """
    return unit.row(*moving(step, events, origin))


def moving(step: Move, events: Sequence[Event], origin: Origin) -> Statement:
    """Return the statement of a move, for whoever writes several in one go."""
    allowed = set(sources_of(step.to)) if step.came_from is None else set(step.came_from) & sources_of(step.to)
    changes = dict(step.changes) | (
        {} if step.to is OrderStatus.SUBMITTING else {"lease_owner": None, "lease_until": None}
    )
    params = _params(events, origin, changes) | {
        "order_id": step.order_id,
        "to_status": step.to.value,
        "allowed": [status.value for status in allowed],
        "held_fence": step.fence,
    }
    return _move_sql(_shape(changes), ended=step.to in TERMINAL, working=step.to in WORKING), params


def note(
    unit: Unit,
    order_id: uuid.UUID,
    events: Sequence[Event],
    origin: Origin,
    *,
    changes: Mapping[str, Any] | None = None,
    held: Held | None = None,
) -> Row | None:
    """Record events of an order that stays where it is; `changes` may put its timer elsewhere.

    Return what the row says now, as `move` does. With `held` nothing is written, and None returned, once the order has
    moved on: whoever was overtaken must not put another's timer elsewhere.
    """
    return unit.row(*noting(order_id, events, origin, changes=changes, held=held))


def noting(
    order_id: uuid.UUID,
    events: Sequence[Event],
    origin: Origin,
    *,
    changes: Mapping[str, Any] | None = None,
    held: Held | None = None,
) -> Statement:
    """Return the statement of a note, for whoever writes several in one go."""
    changes = dict(changes or {})
    params = _params(events, origin, changes) | {"order_id": order_id}
    if held is not None:
        params |= {"held_status": held.status.value, "held_fence": held.fence}
    return _note_sql(_shape(changes), held=held is not None), params


def _params(events: Sequence[Event], origin: Origin, changes: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(changes) - _CHANGEABLE
    if unknown:
        message = f"not for the door: {sorted(unknown)}"
        raise ValueError(message)
    values = {f"c_{name}": _value(value) for name, value in changes.items()}
    return values | {
        "events": _without_nul(json.dumps([_event(number, event) for number, event in enumerate(events, start=1)])),
        "events_n": len(events),
        "actor": origin.actor,
        "host": origin.host,
        "process": origin.process,
    }


def _value(value: Any) -> Any:
    if isinstance(value, After | NextPoll):
        return value.seconds
    if isinstance(value, NextReadSeq):
        return None
    return value.replace("\0", "?") if isinstance(value, str) else value


def _without_nul(text: str) -> str:
    """Return JSON that Postgres takes: a NUL in a broker's message must not make its outcome unwritable."""
    return text.replace("\\u0000", "?")


def _event(number: int, event: Event) -> dict[str, Any]:
    return {
        "n": number,
        "event_type": event.event_type.value,
        "stage": event.stage,
        "success": event.success,
        "reason_code": event.reason_code,
        "reason": event.reason,
        "started_at": None if event.started_at is None else event.started_at.isoformat(),
        "occurred_at": event.occurred_at.isoformat(),
        "total_ms": None if event.total_ms is None else round(event.total_ms, 3),
        "network_ms": None if event.network_ms is None else round(event.network_ms, 3),
        "detail": dict(event.detail),
        "corrects_seq": event.corrects_seq,
    }


_SQL_OF: dict[type, str] = {
    After: "clock_timestamp() + make_interval(secs => %(c_{name})s)",
    NextPoll: (
        "clock_timestamp() + make_interval(secs => CASE WHEN EXISTS (SELECT FROM trading.streams s "
        "WHERE s.account_id = o.account_id AND s.healthy_until > clock_timestamp()) THEN 5 ELSE %(c_{name})s END)"
    ),
    NextReadSeq: "nextval('trading.balance_read_seq')",
}

Shape = tuple[tuple[str, type], ...]


def _shape(changes: Mapping[str, Any]) -> Shape:
    kinds = {name: type(value) if type(value) in _SQL_OF else object for name, value in changes.items()}
    return tuple(sorted(kinds.items(), key=lambda item: item[0]))


def _assignments(shape: Shape) -> list[str]:
    parts = ["last_seq = o.last_seq + %(events_n)s", "updated_at = clock_timestamp()"]
    parts += [f"{name} = {_SQL_OF.get(kind, '%(c_{name})s').format(name=name)}" for name, kind in shape]
    if {"due_at", "cancel_due_at"} & dict(shape).keys():
        parts += ["hints = 0", "next_hint_at = NULL"]
    return parts


@lru_cache(maxsize=64)
def _move_sql(shape: Shape, *, ended: bool, working: bool) -> str:
    parts = ["status = %(to_status)s", *_assignments(shape)]
    if ended:
        # nothing more can be bought; what was bought stays in `spent` until the balance shows it (R18)
        parts += [] if "reserved" in dict(shape) else ["reserved = 0"]
        parts += [] if "due_at" in dict(shape) else ["due_at = NULL"]
        parts += ["cancel_due_at = NULL", "cancel_after = NULL"]
    if working:
        # how long it may work begins when the broker has it (CFG-002)
        parts += [
            "cancel_after = coalesce(o.cancel_after, clock_timestamp() + make_interval(secs => o.cancel_after_s))"
        ]
    where = "o.order_id = %(order_id)s AND o.status = ANY(%(allowed)s) AND o.fence = %(held_fence)s"
    return _statement(parts, where)


@lru_cache(maxsize=64)
def _note_sql(shape: Shape, *, held: bool) -> str:
    guard = " AND o.status = %(held_status)s AND o.fence = coalesce(%(held_fence)s::bigint, o.fence)" if held else ""
    return _statement(_assignments(shape), f"o.order_id = %(order_id)s{guard}")


def _statement(assignments: list[str], where: str) -> str:
    # every part is one of ours: column names from _CHANGEABLE, values as parameters
    return f"""WITH moved AS (
  UPDATE trading.orders o SET {", ".join(assignments)} WHERE {where} RETURNING {_MOVED}
), logged AS ({_EVENTS})
SELECT status, fence, attempts, last_seq FROM moved"""  # noqa: S608  nothing of a caller is in the text
