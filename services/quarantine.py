"""A quarantined order's way out: an operator's word, recorded with what was before and after (R11, R12)."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from domain.alerts import Severity
from domain.errors import NotFound, NotQuarantined
from domain.order_state import OrderEvent, OrderStatus
from models.unit import Row, Unit
from services.alerts import Alert, resolve_alert
from services.order_transition import After, Event, Move, NextReadSeq, move
from services.origin import Stamp

KIND = "order_quarantined"


class Decision(StrEnum):
    """What an operator may say of a quarantined order."""

    LOOK_AGAIN = "look_again"  # the broker is asked once more, at once
    ADOPT = "adopt"  # whatever the broker has under our id is ours, with the broker's terms
    NOT_OURS = "not_ours"  # the broker's order is somebody else's; ours never arrived
    ENDED = "ended"  # it is over at the broker


@dataclass(frozen=True, slots=True)
class Resolution:
    """A decision and the operator's reason for it; `started_at` and `total_ms` are those of the request."""

    decision: Decision
    note: str
    started_at: dt.datetime
    total_ms: float  # float: milliseconds


def alert_of(order_id: uuid.UUID, account_id: uuid.UUID, account: str, difference: str | None) -> Alert:
    """Return the alert of a quarantined order: it names what differs and what is to be done."""
    remedy = f"decide with: opitios admin orders resolve {order_id}"
    return Alert(
        kind=KIND,
        subject=str(order_id),
        severity=Severity.CRITICAL,
        message=f"an order of {account} is not what the broker has: {difference}; {remedy}",
        account_id=account_id,
        detail={"account": account, "difference": difference},
    )


def resolve(unit: Unit, order_id: uuid.UUID, resolution: Resolution, *, stamp: Stamp) -> OrderStatus:
    """Do what the operator has decided; return where the order stands then. Raises NotFound, NotQuarantined.

    What ends keeps its money back until two balance reads that began later agree (R18).
    """
    row = unit.row(
        "SELECT o.*, a.name FROM trading.orders o JOIN trading.accounts a USING (account_id) "
        "WHERE o.order_id = %(order_id)s FOR NO KEY UPDATE OF o",
        {"order_id": order_id},
    )
    if row is None:
        raise NotFound(f"no order {order_id}")
    if row.status != OrderStatus.QUARANTINED:
        raise NotQuarantined(f"order {order_id} is {row.status}: only a quarantined order waits for a decision")
    to, changes = _outcome(row, resolution, stamp.origin.actor)
    events = [_event(OrderEvent.RESOLVED, row, to, resolution=resolution, now=stamp.now)]
    if to is not OrderStatus.UNKNOWN:
        events.append(_event(OrderEvent(to.value), row, to, resolution=resolution, now=stamp.now))
    move(unit, Move(order_id, to, row.fence, changes), events, stamp.origin)
    resolve_alert(unit, KIND, str(order_id), now=stamp.now)
    return to


def _outcome(row: Row, resolution: Resolution, actor: str) -> tuple[OrderStatus, Mapping[str, Any]]:
    decision = resolution.decision
    if decision in {Decision.LOOK_AGAIN, Decision.ADOPT}:
        adopted_by = actor if decision is Decision.ADOPT else None
        return OrderStatus.UNKNOWN, {"due_at": After(0), "fence": row.fence + 1, "adopted_by": adopted_by}
    kept = {"reserved": Decimal(0), "spent": row.spent + row.reserved, "spent_seq": NextReadSeq()}
    said = {"reason_code": decision.value, "reason": resolution.note, "rejected_by": "operator"}
    if decision is Decision.NOT_OURS and row.filled_qty == 0:
        return OrderStatus.REJECTED, kept | said
    return OrderStatus.CANCELED, kept | said | {"rejected_by": None}


def _event(kind: OrderEvent, row: Row, to: OrderStatus, *, resolution: Resolution, now: dt.datetime) -> Event:
    return Event(
        event_type=kind,
        stage="resolve",
        occurred_at=now,
        started_at=resolution.started_at,
        total_ms=resolution.total_ms,
        reason_code=resolution.decision.value,
        reason=resolution.note,
        detail={
            "before": {"status": row.status, "reason": row.reason, "reserved": str(row.reserved)},
            "after": to.value,
        },
    )
