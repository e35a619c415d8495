"""Fills: each counted once, and the order settled only when they sum to what the broker says (R15, R16)."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.broker import BrokerFill, BrokerOrder
from domain.ids import Ids
from domain.money import open_part, spent_on
from domain.order_state import IN_FLIGHT, TERMINAL, OrderEvent, OrderStatus
from models.unit import Row, Unit
from services.order_cancel import stop_overfill
from services.order_outcome import status_after
from services.order_transition import After, Event, Move, NextReadSeq, move, note
from services.origin import Origin

MAX_POLL_S = 5


@dataclass(frozen=True, slots=True)
class Polled:
    """An order that is working at the broker and due to be asked for."""

    order_id: uuid.UUID
    broker_order_id: str
    broker_client_id: str
    submitted_at: dt.datetime
    filled_qty: Decimal
    fills_known_at: dt.datetime | None = None


_DUE = """
SELECT o.order_id, o.broker_order_id, o.broker_client_id, coalesce(o.submitted_at, o.requested_at) AS submitted_at,
       o.filled_qty, o.fills_known_at
  FROM trading.orders o
 WHERE o.account_id = %(account_id)s AND o.status IN ('accepted', 'partially_filled')
   AND o.due_at <= clock_timestamp() + interval '200 milliseconds'
 ORDER BY o.due_at LIMIT 500
"""

_INSERT = """
INSERT INTO trading.fills (fill_id, account_id, order_id, broker_order_id, broker_fill_id, symbol, side, qty, price,
                           cum_qty, occurred_at)
VALUES (%(fill_id)s, %(account_id)s, %(order_id)s, %(broker_order_id)s, %(broker_fill_id)s, %(symbol)s, %(side)s,
        %(qty)s, %(price)s, %(cum_qty)s, %(occurred_at)s)
ON CONFLICT (account_id, broker_order_id, cum_qty) DO NOTHING
RETURNING fill_id
"""

_LOCKED = """
SELECT order_id, account_id, status, fence, side, qty, multiplier, filled_qty, filled_avg_price, reserved, spent,
       submitted_at, requested_at
  FROM trading.orders WHERE order_id = %(order_id)s FOR NO KEY UPDATE
"""

_SUM = """
SELECT coalesce(sum(qty), 0) AS qty, sum(qty * price) / nullif(sum(qty), 0) AS avg_price
  FROM trading.fills WHERE order_id = %(order_id)s
"""


def due_for_poll(unit: Unit, account_id: uuid.UUID) -> list[Polled]:
    """Return the account's working orders that are due."""
    return [
        Polled(
            row.order_id,
            row.broker_order_id,
            row.broker_client_id,
            row.submitted_at,
            row.filled_qty,
            row.fills_known_at,
        )
        for row in unit.rows(_DUE, {"account_id": account_id})
    ]


def apply_poll(
    unit: Unit,
    polled: Polled,
    order: BrokerOrder | None,
    fills: Sequence[BrokerFill],
    *,
    now: dt.datetime,
    ids: Ids,
    origin: Origin,
) -> OrderStatus | None:
    """Write what one poll learned of one order: new fills, then the status they allow.

    `order` None means that the broker's list did not hold it, which ends nothing (R14). `now` is from
    before the broker was asked. Returns the status after.
    """
    row = unit.row(_LOCKED, {"order_id": polled.order_id})
    if row is None or OrderStatus(row.status) not in IN_FLIGHT | TERMINAL:
        return None
    added = [fill for fill in fills if _insert(unit, row, fill, ids)]
    known = unit.rows(_SUM, {"order_id": row.order_id})[0]
    before = OrderStatus(row.status)
    after = _next_status(before, order, known.qty, row.qty)
    events = [_fill_event(fill, after, known.qty, now) for fill in added]
    if after not in {before, OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED}:  # those two arrive with their fills
        detail = {"broker_status": None if order is None else order.raw_status}
        events.append(Event(OrderEvent(after.value), "poll", now, detail=detail))
    changes = _changes(row, order, known, after, now=now)
    if after is OrderStatus.REPLACED:
        stop_overfill(unit, row.order_id, known.qty, now=now, origin=origin)
    if after is before:
        note(unit, row.order_id, events, origin, changes=changes)
        return after
    return after if move(unit, Move(row.order_id, after, row.fence, changes), events, origin) is not None else None


def _changes(
    row: Row, order: BrokerOrder | None, known: Row, after: OrderStatus, *, now: dt.datetime
) -> dict[str, Any]:
    average = None if known.avg_price is None else round(known.avg_price, 8)
    changes: dict[str, Any] = {"filled_qty": known.qty, "filled_avg_price": average}
    changes |= _money(row, known)
    if order is not None and known.qty == order.filled_qty:
        changes["fills_known_at"] = now
    if after not in TERMINAL:
        changes["due_at"] = After(_pause_s(row.submitted_at or row.requested_at, now))
    if after is OrderStatus.REJECTED and row.status != OrderStatus.REJECTED:
        words = {"reason_code": "broker_rejected", "reason": "rejected after acceptance"}
        changes |= {"rejected_by": "broker"} | words
    return changes


def _money(row: Row, known: Row) -> dict[str, Any]:
    """Return how the order's money moves from what is open to what is spent, at the fills' true cost (R17)."""
    before = row.filled_qty * (row.filled_avg_price or 0)
    after = known.qty * (known.avg_price or 0)
    if known.qty == row.filled_qty:
        return {}
    if row.qty is None:  # by notional value: the amount is what is left of it
        left = max(Decimal(0), row.reserved - (after - before) * row.multiplier)
    else:
        left = open_part(row.reserved, qty=row.qty, filled_before=row.filled_qty, filled_now=known.qty)
    paid = spent_on(row.side, qty=Decimal(1), price=after - before, multiplier=row.multiplier)
    return {"reserved": left, "spent": row.spent + max(Decimal(0), paid), "spent_seq": NextReadSeq()}


def _insert(unit: Unit, order: Row, fill: BrokerFill, ids: Ids) -> bool:
    params = {
        "fill_id": ids.new(),
        "account_id": order.account_id,
        "order_id": order.order_id,
        "broker_order_id": fill.broker_order_id,
        "broker_fill_id": fill.broker_fill_id,
        "symbol": fill.symbol,
        "side": fill.side,
        "qty": fill.qty,
        "price": fill.price,
        "cum_qty": fill.cum_qty,
        "occurred_at": fill.occurred_at,
    }
    return unit.row(_INSERT, params) is not None


def _next_status(before: OrderStatus, order: BrokerOrder | None, known: Decimal, qty: Decimal | None) -> OrderStatus:
    if before in TERMINAL:
        return before  # a fill after the end moves quantities, never the status
    if qty is not None and known >= qty:
        return OrderStatus.FILLED
    # without a word, or while fills of an ended order are still on their way, it goes on as it is
    told = OrderStatus.ACCEPTED if order is None else status_after(order, known)
    if told is OrderStatus.ACCEPTED:
        return OrderStatus.PARTIALLY_FILLED if known > 0 else before
    # a part of it is ours: only the rest was refused
    return OrderStatus.CANCELED if told is OrderStatus.REJECTED and known > 0 else told


def _fill_event(fill: BrokerFill, after: OrderStatus, known: Decimal, now: dt.datetime) -> Event:
    last = after is OrderStatus.FILLED and fill.cum_qty >= known
    kind = OrderEvent.FILLED if last else OrderEvent.PARTIALLY_FILLED
    return Event(
        event_type=kind,
        stage="poll",
        occurred_at=fill.occurred_at,
        detail={
            "qty": str(fill.qty),
            "price": str(fill.price),
            "cum_qty": str(fill.cum_qty),
            "broker_fill_id": fill.broker_fill_id,
            "seen_at": now.isoformat(),
        },
    )


def _pause_s(since: dt.datetime, now: dt.datetime) -> float:  # float: seconds of a timer
    """Return how long until the next look: a third of the order's age, between half a second and five (R31)."""
    age = (now - since).total_seconds()
    return min(max(0.5, age / 3), MAX_POLL_S)  # float: seconds of a timer
