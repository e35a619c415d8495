"""Corrections: what is wrong in the audit trail stays; a new row names it and says what it should have been.

An order's correction is an event of that order and moves nothing; an operation's is an operation, a change's a change.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import NotFound
from domain.order_state import OrderEvent
from models.unit import Row, Unit
from services.config_changes import Change, record_change
from services.operations import Operation, record_operation
from services.order_transition import Event, note
from services.origin import Stamp

_STAGE = "correction"


@dataclass(frozen=True, slots=True)
class Correction:
    """What a row should have said (`values`, JSON) and why; `started_at` and `total_ms` are those of the request."""

    reason: str
    values: Mapping[str, Any]
    started_at: dt.datetime
    total_ms: float  # float: milliseconds
    trace_id: str


_EVENT = """
SELECT o.last_seq, e.event_type, e.occurred_at
  FROM trading.orders o
  LEFT JOIN audit.order_events e ON (e.order_date, e.order_id, e.seq) = (o.order_date, o.order_id, %(seq)s)
 WHERE o.order_id = %(order_id)s
"""

# an id carries the time it was made at; what waited in a spool is older than its id
_OPERATION = """
SELECT * FROM audit.operations
 WHERE operation_id = %(id)s AND op_date BETWEEN %(made_on)s::date - %(days)s::int AND %(made_on)s::date + 1
"""
_DAYS = (1, 40)
_EPOCH = dt.date(1970, 1, 1)
_DAY_MS = 86_400_000
_MOST_DAYS = 1_000_000  # the year 4707


def correct_event(unit: Unit, order_id: uuid.UUID, seq: int, correction: Correction, *, stamp: Stamp) -> int:
    """Write an event `corrected` that names event `seq` of the order; return its own number. Raises NotFound."""
    found = unit.row(_EVENT, {"order_id": order_id, "seq": seq})
    if found is None:
        raise NotFound(f"order_id: no order {order_id}")
    if found.event_type is None:
        raise NotFound(f"seq: order {order_id} has no event {seq}, its last one is {found.last_seq}")
    event = Event(
        event_type=OrderEvent.CORRECTED,
        stage=_STAGE,
        occurred_at=stamp.now,
        started_at=correction.started_at,
        total_ms=correction.total_ms,
        reason=correction.reason,
        detail={"event": found.event_type, "occurred_at": found.occurred_at.isoformat(), "values": correction.values},
        corrects_seq=seq,
    )
    written = note(unit, order_id, [event], stamp.origin)
    if written is None:  # pragma: no cover  orders are never removed
        raise NotFound(f"order_id: no order {order_id}")
    return int(written.last_seq)


def correct_operation(unit: Unit, operation_id: uuid.UUID, correction: Correction, *, stamp: Stamp) -> uuid.UUID:
    """Write an operation `correction` that names another one; return its id. Raises NotFound."""
    wrong = _find_operation(unit, operation_id)
    right = Operation(
        operation=_STAGE,
        started_at=correction.started_at,
        occurred_at=stamp.now,
        total_ms=correction.total_ms,
        success=True,
        source="api",
        trace_id=correction.trace_id,
        account_id=wrong.account_id,
        account_name=wrong.account_name,
        account_type=wrong.account_type,
        account_type_source=wrong.account_type_source,
        symbol=wrong.symbol,
        reason=correction.reason,
        detail={"operation": wrong.operation, "values": correction.values},
        corrects=operation_id,
    )
    return record_operation(unit, right, stamp.origin, stamp.ids)


def correct_change(unit: Unit, change_id: uuid.UUID, correction: Correction, *, stamp: Stamp) -> uuid.UUID:
    """Write a change `correction` that names another one; return its id. Raises NotFound."""
    wrong = unit.row("SELECT subject FROM audit.config_changes WHERE change_id = %(id)s", {"id": change_id})
    if wrong is None:
        raise NotFound(f"change_id: no change {change_id}")
    said = {"subject": wrong.subject, "reason": correction.reason, "values": correction.values}
    change = Change(_STAGE, None, said, corrects=change_id)
    return record_change(unit, change, now=stamp.now, ids=stamp.ids, origin=stamp.origin)


def _find_operation(unit: Unit, operation_id: uuid.UUID) -> Row:
    made_at_ms = operation_id.int >> 80  # of a UUIDv7 (RFC 9562); of any other id it may be no time at all
    made_on = _EPOCH + dt.timedelta(days=min(made_at_ms // _DAY_MS, _MOST_DAYS))
    for days in _DAYS:
        row = unit.row(_OPERATION, {"id": operation_id, "made_on": made_on, "days": days})
        if row is not None:
            return row
    raise NotFound(f"operation_id: no operation {operation_id}")
