"""Settling what nobody knows: look up by our own id, adopt, quarantine, or send the same id again (R11).

Also where an order goes whose worker died: a lease that ran out means that its outcome is unknown.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from domain.broker import Accepted, BrokerOrder, Ticket
from domain.money import ZERO, order_cost
from domain.order_state import OrderEvent, OrderStatus
from domain.orders import AssetClass, OrderTerms
from models.unit import Row, Unit
from services.instruments import OPTION_MULTIPLIER
from services.order_claim import LEASE_S
from services.order_facts import terms_of
from services.order_outcome import Attempt, backoff_s, record_outcome
from services.order_transition import TERMS, After, Event, Held, Move, move, note
from services.origin import Origin

ADOPTION_WINDOW = dt.timedelta(minutes=5)
LOOKED_FOR = dt.timedelta(hours=24)
LATE_BACKOFF_S = 300


class Age(Enum):
    """How an unknown order stands to its `place_before`."""

    IN_TIME = "in time"
    LATE = "late"  # or cancelled: never sent again, but looked for: the first request may still arrive (R2, R12)
    STOPPED = "stopped"  # an entry of an account that takes none now: like a late one
    GIVEN_UP = "given up"  # a day late: what has not appeared by now never will


@dataclass(frozen=True, slots=True)
class Settlement:
    """An order whose outcome is to be found out; ours until its lease ends."""

    order_id: uuid.UUID
    account_id: uuid.UUID
    fence: int
    account: str
    account_type: str
    source: str
    ticket: Ticket
    attempts: int
    requested_at: dt.datetime
    age: Age
    trace_id: str
    replaces: uuid.UUID | None = None
    is_canceled: bool = False
    adopted_by: str | None = None
    reserved: Decimal = ZERO


_FIND = """
SELECT o.*, a.name, o.place_before < clock_timestamp() OR o.cancel_due_at IS NOT NULL AS is_late,
       o.place_before + make_interval(secs => %(given_up_s)s) < clock_timestamp() AS is_given_up,
       o.due_at IS NOT NULL AND o.due_at <= clock_timestamp() AS is_due,
       o.lease_until IS NULL OR o.lease_until <= clock_timestamp() AS is_free,
       old.broker_order_id AS old_broker_order_id
  FROM trading.orders o JOIN trading.accounts a USING (account_id)
  LEFT JOIN trading.orders old ON old.order_id = o.replaces
 WHERE o.order_id = %(order_id)s FOR NO KEY UPDATE OF o
"""


def account_to_ask(unit: Unit, order_id: uuid.UUID) -> str | None:
    """Return the name of the account whose broker is to be asked, None when nothing is due: nothing is locked."""
    row = unit.row(
        "SELECT a.name FROM trading.orders o JOIN trading.accounts a USING (account_id) "
        "WHERE o.order_id = %(order_id)s AND o.status IN ('submitting', 'unknown') AND o.due_at <= clock_timestamp()",
        {"order_id": order_id},
    )
    return None if row is None else str(row.name)


def claim_for_settling(unit: Unit, order_id: uuid.UUID, *, now: dt.datetime, origin: Origin) -> Settlement | None:
    """Claim an order that is unknown, or whose worker's lease ran out; None when it is not due or somebody has it."""
    found = unit.row(_FIND, {"order_id": order_id, "given_up_s": LOOKED_FOR.total_seconds()})
    if found is None or not found.is_due or not found.is_free:
        return None
    fence = found.fence
    if found.status == OrderStatus.SUBMITTING:
        reason = f"the lease of {found.lease_owner} ended before it told an outcome"
        event = Event(
            OrderEvent.LEASE_EXPIRED, "settle", now, success=False, reason_code="lease_expired", reason=reason
        )
        unknown = Event(OrderEvent.UNKNOWN, "settle", now, success=False, reason_code="lease_expired", reason=reason)
        changes = {"fence": fence + 1, "due_at": After(LEASE_S)}
        if move(unit, Move(order_id, OrderStatus.UNKNOWN, fence, changes), [event, unknown], origin) is None:
            return None
    elif found.status == OrderStatus.UNKNOWN:
        changes = {"fence": fence + 1, "due_at": After(LEASE_S), "attempts": found.attempts + 1}
        changes |= {"lease_owner": origin.process, "lease_until": After(LEASE_S)}
        note(unit, order_id, [], origin, changes=changes)
    else:
        return None
    return _settlement(found, fence + 1)


def record_found(unit: Unit, attempt: Attempt, settlement: Settlement, order: BrokerOrder, *, origin: Origin) -> bool:
    """Adopt the broker's order when it is the one we meant, else put ours into quarantine; False when overtaken.

    Where an operator has said that it is ours whatever it is, our record takes the broker's terms over.
    """
    strange = difference(settlement, order)
    if strange is not None and settlement.adopted_by is not None and order.terms is not None:
        _take_terms(unit, attempt, settlement, order.terms, origin=origin)
        strange = None
    if strange is None:
        return record_outcome(unit, attempt, Accepted(order), origin)
    event = Event(
        event_type=OrderEvent.QUARANTINED,
        stage=attempt.stage,
        occurred_at=attempt.finished_at,
        success=False,
        started_at=attempt.started_at,
        total_ms=attempt.total_ms,
        network_ms=attempt.network_ms,
        reason_code="not_our_order",
        reason=strange,
        detail={"broker_order_id": order.broker_order_id},
    )
    changes = {"due_at": None, "reason_code": "not_our_order", "reason": strange}
    return (
        move(unit, Move(attempt.order_id, OrderStatus.QUARANTINED, attempt.fence, changes), [event], origin) is not None
    )


def record_no_answer(unit: Unit, attempt: Attempt, reason_code: str, reason: str, *, origin: Origin) -> None:
    """Leave the order unknown when the broker could not be asked, and ask again later."""
    event = Event(
        event_type=OrderEvent.LOOKED_UP,
        stage=attempt.stage,
        occurred_at=attempt.finished_at,
        success=False,
        started_at=attempt.started_at,
        total_ms=attempt.total_ms,
        network_ms=attempt.network_ms,
        reason_code=reason_code,
        reason=reason,
    )
    _look_again(unit, attempt, event, origin, changes={"due_at": After(backoff_s(attempt.attempts))})


def record_missing(unit: Unit, attempt: Attempt, settlement: Settlement, *, origin: Origin) -> None:
    """Record that the broker has no order under our id and that none may be sent any more (R2, R12).

    It is too late, or the account takes no entries now. It stays unknown, its cost reserved, and is looked for during
    a day; then it is rejected as `too_late`.
    """
    given_up = settlement.age is Age.GIVEN_UP
    stopped = settlement.age is Age.STOPPED
    code = "entries_stopped" if stopped else "too_late"
    why = "its account takes no entries now" if stopped else "it is too late to send it again"
    reason = f"the broker has no order under our id, and {why}"
    event = Event(
        event_type=OrderEvent.REJECTED if given_up else OrderEvent.LOOKED_UP,
        stage=attempt.stage,
        occurred_at=attempt.finished_at,
        success=not given_up,
        started_at=attempt.started_at,
        total_ms=attempt.total_ms,
        network_ms=attempt.network_ms,
        reason_code=code,
        reason=reason,
    )
    if not given_up:
        pause = After(backoff_s(attempt.attempts, LATE_BACKOFF_S))
        # should it appear after all, it is cancelled (R12)
        wish = {} if settlement.is_canceled else {"cancel_due_at": After(0), "cancel_reason": code}
        _look_again(unit, attempt, event, origin, changes={"due_at": pause, **wish})
        return
    changes = {"rejected_by": "opitios", "reason_code": code, "reason": reason}
    move(unit, Move(attempt.order_id, OrderStatus.REJECTED, attempt.fence, changes), [event], origin)


def _look_again(unit: Unit, attempt: Attempt, event: Event, origin: Origin, *, changes: dict[str, Any]) -> None:
    changes |= {"lease_owner": None, "lease_until": None}
    held = Held(OrderStatus.UNKNOWN, attempt.fence)
    note(unit, attempt.order_id, [event], origin, changes=changes, held=held)


def claim_for_resend(unit: Unit, attempt: Attempt, origin: Origin) -> int | None:
    """Claim the order for one more POST with the *same* id, after the broker said that it has none (R11).

    Returns the new fence, None when overtaken. The first POST may still be on its way: the broker refuses the second
    of one id, so the order exists at most once.
    """
    event = Event(
        event_type=OrderEvent.LOOKED_UP,
        stage=attempt.stage,
        occurred_at=attempt.finished_at,
        started_at=attempt.started_at,
        total_ms=attempt.total_ms,
        network_ms=attempt.network_ms,
        reason_code="not_found",
        reason="the broker has no order under our id: the same id is sent again",
    )
    again = Event(OrderEvent.SUBMITTING, attempt.stage, attempt.finished_at, detail={"resend": True})
    changes = {"fence": attempt.fence + 1, "due_at": After(LEASE_S), "lease_until": After(LEASE_S)}
    changes |= {"lease_owner": origin.process}
    row = move(unit, Move(attempt.order_id, OrderStatus.SUBMITTING, attempt.fence, changes), [event, again], origin)
    return None if row is None else int(row.fence)


def _settlement(found: Row, fence: int) -> Settlement:
    return Settlement(
        order_id=found.order_id,
        account_id=found.account_id,
        fence=fence,
        account=found.name,
        account_type=found.account_type,
        source=found.source,
        ticket=Ticket(found.broker_client_id, terms_of(found), found.old_broker_order_id),
        attempts=found.attempts + 1,
        requested_at=found.requested_at,
        age=Age.GIVEN_UP if found.is_given_up else Age.LATE if found.is_late else Age.IN_TIME,
        trace_id=found.trace_id,
        replaces=found.replaces,
        is_canceled=found.cancel_due_at is not None,
        adopted_by=found.adopted_by,
        reserved=found.reserved,
    )


def _take_terms(unit: Unit, attempt: Attempt, settlement: Settlement, terms: OrderTerms, *, origin: Origin) -> None:
    """Write the broker's terms over ours, both on record; the reservation never gets smaller by it."""
    ours = settlement.ticket.terms
    multiplier = OPTION_MULTIPLIER if terms.asset_class is AssetClass.OPTION else Decimal(1)
    cost = order_cost(terms, multiplier=multiplier, ask=None, collar=ZERO, held_qty=ZERO)
    if cost is None and terms.qty and ours.qty:  # of unknown price: as much a share as ours
        cost = settlement.reserved * terms.qty / ours.qty
    event = Event(
        event_type=OrderEvent.RESOLVED,
        stage=attempt.stage,
        occurred_at=attempt.finished_at,
        reason_code="adopted",
        reason=f"adopted by {settlement.adopted_by} with the broker's terms",
        detail={"before": ours.values(), "after": terms.values()},
    )
    changes = {name: getattr(terms, name) for name in TERMS if name != "multiplier"}
    changes = {name: value.value if isinstance(value, Enum) else value for name, value in changes.items()}
    changes |= {"multiplier": multiplier, "reserved": max(settlement.reserved, round(cost or ZERO, 8))}
    held = Held(OrderStatus.UNKNOWN, attempt.fence)
    note(unit, attempt.order_id, [event], origin, changes=changes, held=held)


def difference(settlement: Settlement, order: BrokerOrder) -> str | None:
    """Return what makes the broker's order another than the one we meant, None when it is ours."""
    if not order.matches(settlement.ticket.terms):
        return f"under our id the broker has {order.side} {order.qty} {order.symbol}"
    if order.created_at is not None and order.created_at < settlement.requested_at - ADOPTION_WINDOW:
        return f"under our id the broker has an order of {order.created_at.isoformat()}, before ours was requested"
    return None
