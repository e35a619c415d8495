"""Cancelling: a wish on the order's row, sent to the broker until the order has ended (R13).

A cancel is a request, never a status: only the broker's word ends an order it has or may have. An order that never
left is ended at once.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.broker import CancelAnswer
from domain.errors import NotCancelable, NotFound
from domain.order_state import TERMINAL, OrderEvent, OrderStatus
from domain.orders import OrderTerms, plain
from models.unit import Unit
from services.order_facts import terms_of
from services.order_outcome import Attempt
from services.order_transition import After, Event, Held, Move, move, note
from services.origin import Origin

MAX_PAUSE_S = 60


@dataclass(frozen=True, slots=True)
class CancelWish:
    """Who wants the order gone, told by `reason`; `total_ms` is how long the request has taken so far."""

    reason: str
    now: dt.datetime
    started_at: dt.datetime | None = None
    total_ms: float | None = None  # float: milliseconds


@dataclass(frozen=True, slots=True)
class CancelTask:
    """One request to the broker that is due."""

    order_id: uuid.UUID
    account_id: uuid.UUID
    account: str
    account_type: str
    broker_order_id: str
    attempts: int
    held: Held
    terms: OrderTerms
    source: str
    trace_id: str


_LOCKED = """
SELECT status, fence, cancel_due_at FROM trading.orders WHERE order_id = %(order_id)s FOR NO KEY UPDATE
"""

_OPEN = """
SELECT o.order_id FROM trading.orders o JOIN trading.accounts a USING (account_id)
 WHERE o.status <> ALL(%(ended)s) AND (%(account)s::text IS NULL OR a.name = %(account)s)
   AND (%(symbol)s::text IS NULL OR o.symbol = %(symbol)s) AND (%(side)s::text IS NULL OR o.side = %(side)s)
 ORDER BY o.requested_at
"""

# The pause until the next request is taken before this one is sent: a worker that dies loses nothing. It doubles up to
# a minute and is a quarter shorter at random, so that many cancels of one broker do not come back together (CFG-002).
_CLAIM = """
UPDATE trading.orders o
   SET cancel_attempts = o.cancel_attempts + 1,
       cancel_due_at = clock_timestamp()
                     + make_interval(secs => least(power(2, least(o.cancel_attempts + 1, 6)), %(max)s)
                                              * (1 - 0.25 * random()))
  FROM trading.accounts a
 WHERE a.account_id = o.account_id AND o.order_id = %(order_id)s AND o.cancel_due_at <= clock_timestamp()
   AND o.status IN ('accepted', 'partially_filled') AND o.broker_order_id IS NOT NULL
RETURNING o.*, a.name
"""

_OVERFILLED = """
SELECT order_id, replaced_filled FROM trading.orders
 WHERE replaces = %(order_id)s AND replaced_filled < %(filled)s AND status <> ALL(%(ended)s)
"""


def request_cancel(unit: Unit, order_id: uuid.UUID, wish: CancelWish, origin: Origin) -> OrderStatus:
    """Ask for an order's end; return where it stands. Asking again changes nothing. Raises NotFound, NotCancelable."""
    row = unit.row(_LOCKED, {"order_id": order_id})
    if row is None:
        raise NotFound(f"no order {order_id}")
    status = OrderStatus(row.status)
    if status in TERMINAL:
        raise NotCancelable(f"order {order_id} has ended: it is {status}")
    if status is OrderStatus.REQUESTED:
        event = _event(OrderEvent.CANCELED, wish)
        changes = {"reason_code": "canceled_unsent", "reason": wish.reason}
        move(unit, Move(order_id, OrderStatus.CANCELED, row.fence, changes), [event], origin)
        return OrderStatus.CANCELED
    if row.cancel_due_at is None:
        event = _event(OrderEvent.CANCEL_REQUESTED, wish)
        note(unit, order_id, [event], origin, changes={"cancel_due_at": After(0), "cancel_reason": wish.reason})
    return status


def open_orders(
    unit: Unit, *, account: str | None = None, symbol: str | None = None, side: str | None = None
) -> Sequence[uuid.UUID]:
    """Return the orders that have not ended, oldest first."""
    given = {"account": account, "symbol": symbol, "side": side, "ended": _ended()}
    return [row.order_id for row in unit.rows(_OPEN, given)]


def account_of_cancel(unit: Unit, order_id: uuid.UUID) -> str | None:
    """Return the name of the account whose broker is to be asked, None when nothing is due: nothing is locked."""
    row = unit.row(
        "SELECT a.name FROM trading.orders o JOIN trading.accounts a USING (account_id) "
        "WHERE o.order_id = %(order_id)s AND o.cancel_due_at <= clock_timestamp() "
        "AND o.status IN ('accepted', 'partially_filled')",
        {"order_id": order_id},
    )
    return None if row is None else str(row.name)


def claim_cancel(unit: Unit, order_id: uuid.UUID) -> CancelTask | None:
    """Take a request to cancel that is due; None when another has it, or the broker does not have the order (yet)."""
    row = unit.row(_CLAIM, {"order_id": order_id, "max": MAX_PAUSE_S})
    if row is None:
        return None
    return CancelTask(
        order_id=row.order_id,
        account_id=row.account_id,
        account=row.name,
        account_type=row.account_type,
        broker_order_id=row.broker_order_id,
        attempts=row.cancel_attempts,
        held=Held(OrderStatus(row.status), row.fence),
        terms=terms_of(row),
        source=row.source,
        trace_id=row.trace_id,
    )


def record_cancel(unit: Unit, task: CancelTask, attempt: Attempt, answer: CancelAnswer, *, origin: Origin) -> None:
    """Record one request to cancel and have the order asked for at once: only its status says that it has ended."""
    kind = OrderEvent.CANCEL_SENT if answer.taken else OrderEvent.CANCEL_FAILED
    event = Event(
        event_type=kind,
        stage=attempt.stage,
        occurred_at=attempt.finished_at,
        success=answer.taken,
        started_at=attempt.started_at,
        total_ms=attempt.total_ms,
        network_ms=answer.network_ms,
        reason_code=answer.reason_code,
        reason=answer.message,
        detail={"broker_request_id": answer.request_id, "attempt": attempt.attempts},
    )
    if note(unit, task.order_id, [event], origin, changes={"due_at": After(0)}, held=task.held) is None:
        note(unit, task.order_id, [event], origin)  # it has moved on, by a fill perhaps: its timer is another's


def defer_cancel(unit: Unit, order_id: uuid.UUID, wait_s: float) -> None:  # float: seconds of a timer
    """Put a request to cancel off that nobody has taken: no rate budget left (R5)."""
    unit.run(
        "UPDATE trading.orders SET cancel_due_at = clock_timestamp() + make_interval(secs => %(wait_s)s) "
        "WHERE order_id = %(order_id)s AND cancel_due_at <= clock_timestamp()",
        {"order_id": order_id, "wait_s": wait_s},
    )


def stop_overfill(unit: Unit, replaced: uuid.UUID, filled: Decimal, *, now: dt.datetime, origin: Origin) -> None:
    """Cancel the replacement of an order that filled further while it was being replaced (R27).

    The broker makes the new order of the quantity that was sent: what filled meanwhile would be traded twice.
    """
    given = {"order_id": replaced, "filled": filled, "ended": _ended()}
    for row in unit.rows(_OVERFILLED, given):
        excess = plain(filled - row.replaced_filled)
        reason = f"the order it replaces filled {excess} more than was known when it was sent"
        request_cancel(unit, row.order_id, CancelWish(reason, now), origin)


def _ended() -> list[str]:
    return [status.value for status in TERMINAL]


def _event(kind: OrderEvent, wish: CancelWish) -> Event:
    return Event(
        event_type=kind,
        stage="cancel",
        occurred_at=wish.now,
        started_at=wish.started_at,
        total_ms=wish.total_ms,
        reason=wish.reason,
    )
