"""Fills: each counted once, and the order settled only when they sum to what the broker says (R15, R16)."""

import datetime as dt
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from domain.broker import BrokerFill, BrokerOrder
from domain.ids import Ids
from domain.money import open_part, spent_on
from domain.order_state import IN_FLIGHT, TERMINAL, OrderEvent, OrderStatus
from models.unit import Row, Statement, Unit
from services.order_cancel import stop_overfill
from services.order_outcome import status_after
from services.order_transition import After, Event, Move, NextPoll, NextReadSeq, moving, noting
from services.origin import Origin

MAX_POLL_S = 5


class Path(StrEnum):
    """Which way the broker's word came; the audit trail keeps it as the stage."""

    POLL = "poll"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class Polled:
    """An order that is working at the broker and due to be asked for."""

    order_id: uuid.UUID
    broker_order_id: str
    broker_client_id: str
    submitted_at: dt.datetime
    filled_qty: Decimal
    fills_known_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What the broker said of an order: `order` None when its list did not hold it, and the fills that may be new."""

    polled: Polled
    order: BrokerOrder | None
    fills: Sequence[BrokerFill] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """Something new that a poll has written: an event, and the order's row as it was before."""

    order: Row
    event: Event


_DUE = """
SELECT o.order_id, o.broker_order_id, o.broker_client_id, coalesce(o.submitted_at, o.requested_at) AS submitted_at,
       o.filled_qty, o.fills_known_at, a.name
  FROM trading.orders o JOIN trading.accounts a USING (account_id)
 WHERE o.account_id = %(account_id)s AND o.status IN ('accepted', 'partially_filled')
   AND o.due_at <= clock_timestamp() + interval '200 milliseconds'
 ORDER BY o.due_at LIMIT 500
"""

# A fill of an order that was sent after the stream had connected should have been told by it: see services/streams.py.
_INSERT = """
WITH added AS (
INSERT INTO trading.fills (fill_id, account_id, order_id, broker_order_id, broker_fill_id, symbol, side, qty, price,
                           cum_qty, occurred_at)
SELECT f.fill_id, f.account_id, f.order_id, f.broker_order_id, f.broker_fill_id, f.symbol, f.side, f.qty, f.price,
       f.cum_qty, f.occurred_at
  FROM jsonb_to_recordset(%(fills)s::jsonb) AS f(
    fill_id uuid, account_id uuid, order_id uuid, broker_order_id text, broker_fill_id text, symbol text, side text,
    qty numeric, price numeric, cum_qty numeric, occurred_at timestamptz)
ON CONFLICT (account_id, broker_order_id, cum_qty) DO NOTHING
RETURNING fill_id, order_id
), untold AS (
UPDATE trading.streams s SET untold_at = clock_timestamp()
  FROM added JOIN trading.orders o USING (order_id)
 WHERE %(path)s = 'poll' AND s.account_id = o.account_id AND s.untold_at IS NULL
   AND s.healthy_until > clock_timestamp() AND o.submitted_at > s.connected_since
)
SELECT fill_id FROM added
"""

_LOCKED = """
SELECT order_id, account_id, account_type, source, trace_id, symbol, notional, status, fence, side, qty, multiplier,
       filled_qty, filled_avg_price, reserved, spent, submitted_at, requested_at
  FROM trading.orders WHERE order_id = ANY(%(order_ids)s) FOR NO KEY UPDATE
"""

_SUMS = """
SELECT order_id, sum(qty) AS qty, sum(qty * price) / nullif(sum(qty), 0) AS avg_price
  FROM trading.fills WHERE order_id = ANY(%(order_ids)s) GROUP BY order_id
"""


@dataclass(frozen=True, slots=True)
class _Known:
    qty: Decimal = Decimal(0)
    avg_price: Decimal | None = None


def due_for_poll(unit: Unit, account_id: uuid.UUID) -> tuple[str | None, list[Polled]]:
    """Return the account's name and its working orders that are due; None when there are none."""
    rows = unit.rows(_DUE, {"account_id": account_id})
    polled = [
        Polled(
            row.order_id,
            row.broker_order_id,
            row.broker_client_id,
            row.submitted_at,
            row.filled_qty,
            row.fills_known_at,
        )
        for row in rows
    ]
    return (rows[0].name if rows else None), polled


def apply_poll(
    unit: Unit,
    told: Sequence[Told],
    *,
    now: dt.datetime,
    ids: Ids,
    origin: Origin,
    wait: bool = True,
    heard: list[Heard] | None = None,
    path: Path = Path.POLL,
) -> dict[uuid.UUID, OrderStatus]:
    """Write what a poll or the stream told: new fills, then the status they allow; return the statuses after.

    What was new is added to `heard`; it holds once the transaction does. What a stream tells may be old: it shows no
    more than its own fill, and an order of which one is missing is due for a poll at once.

    `now` is from before the broker was asked. An order that somebody else is writing is waited for, or left out
    without `wait`: whoever holds the locks of many must not wait for another, who may wait for one of them.
    """
    locked = _LOCKED if wait else f"{_LOCKED} SKIP LOCKED"
    rows = {row.order_id: row for row in unit.rows(locked, {"order_ids": [one.polled.order_id for one in told]})}
    ours = [
        one
        for one in told
        if (row := rows.get(one.polled.order_id)) is not None and OrderStatus(row.status) in IN_FLIGHT | TERMINAL
    ]
    if not ours:
        return {}
    added = _insert(unit, rows, ours, ids, path=path)
    sums = unit.rows(_SUMS, {"order_ids": list(rows)})
    known = {row.order_id: _Known(row.qty, row.avg_price) for row in sums}
    source = _Source(path, now)
    steps = [
        _step(rows[one.polled.order_id], one, known.get(one.polled.order_id, _Known()), added, source=source)
        for one in ours
    ]
    old = {step.order_id: step.after for step in steps if not step.is_news}
    steps = [step for step in steps if step.is_news]
    written = unit.rows_of_each([step.statement(origin) for step in steps])
    for step in steps:
        if step.after is OrderStatus.REPLACED:
            stop_overfill(unit, step.order_id, step.known.qty, now=now, origin=origin)
    done = [step for step, found in zip(steps, written, strict=True) if found]
    if heard is not None:
        heard += [Heard(rows[step.order_id], event) for step in done for event in step.events]
    return old | {step.order_id: step.after for step in done}


@dataclass(frozen=True, slots=True)
class _Source:
    """Which way it came, and when: for a poll from before the broker was asked."""

    path: Path
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class _Step:
    """What is to be written of one order."""

    order_id: uuid.UUID
    before: OrderStatus
    after: OrderStatus
    fence: int
    known: _Known
    events: Sequence[Event]
    changes: Mapping[str, Any]
    is_news: bool = True

    def statement(self, origin: Origin) -> Statement:
        if self.after is self.before:
            return noting(self.order_id, self.events, origin, changes=self.changes)
        return moving(Move(self.order_id, self.after, self.fence, self.changes), self.events, origin)


def _step(row: Row, told: Told, known: _Known, added: Collection[BrokerFill], *, source: _Source) -> _Step:
    before = OrderStatus(row.status)
    after = _next_status(before, told.order, known.qty, row.qty)
    events = [_fill_event(fill, after, known.qty, source) for fill in dict.fromkeys(told.fills) if fill in added]
    if after not in {before, OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED}:  # those two arrive with their fills
        detail = {"broker_status": None if told.order is None else told.order.raw_status}
        events.append(Event(OrderEvent(after.value), source.path.value, source.now, detail=detail))
    changes = _changes(row, told.order, known, after, source=source)
    missing = told.order is not None and told.order.filled_qty > known.qty and after not in TERMINAL
    if missing and source.path is Path.STREAM:
        changes["due_at"] = After(0)
    is_news = source.path is Path.POLL or missing or bool(events)
    return _Step(row.order_id, before, after, row.fence, known, events, changes, is_news)


def _changes(
    row: Row, order: BrokerOrder | None, known: _Known, after: OrderStatus, *, source: _Source
) -> dict[str, Any]:
    average = None if known.avg_price is None else round(known.avg_price, 8)
    changes: dict[str, Any] = {"filled_qty": known.qty, "filled_avg_price": average}
    changes |= _money(row, known)
    if source.path is Path.POLL and order is not None and known.qty == order.filled_qty:
        changes["fills_known_at"] = source.now
    if after in TERMINAL:
        changes["reserved"] = Decimal(0)  # of what was open a moment ago, nothing can be bought any more
    if after not in TERMINAL:
        changes["due_at"] = NextPoll(_pause_s(row.submitted_at or row.requested_at, source.now))
    if after is OrderStatus.REJECTED and row.status != OrderStatus.REJECTED:
        words = {"reason_code": "broker_rejected", "reason": "rejected after acceptance"}
        changes |= {"rejected_by": "broker"} | words
    return changes


def _money(row: Row, known: _Known) -> dict[str, Any]:
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


def _insert(
    unit: Unit, rows: Mapping[uuid.UUID, Row], told: Sequence[Told], ids: Ids, *, path: Path
) -> set[BrokerFill]:
    """Return the fills that nobody had written before."""
    wanted = {ids.new(): (rows[one.polled.order_id], fill) for one in told for fill in one.fills}
    if not wanted:
        return set()
    records = [_record(fill_id, row, fill) for fill_id, (row, fill) in wanted.items()]
    params = {"fills": json.dumps(records, default=str), "path": path.value}
    return {wanted[row.fill_id][1] for row in unit.rows(_INSERT, params)}


def _record(fill_id: uuid.UUID, order: Row, fill: BrokerFill) -> dict[str, Any]:
    return {
        "fill_id": fill_id,
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


def _fill_event(fill: BrokerFill, after: OrderStatus, known: Decimal, source: _Source) -> Event:
    last = after is OrderStatus.FILLED and fill.cum_qty >= known
    kind = OrderEvent.FILLED if last else OrderEvent.PARTIALLY_FILLED
    return Event(
        event_type=kind,
        stage=source.path.value,
        occurred_at=fill.occurred_at,
        detail={
            "qty": str(fill.qty),
            "price": str(fill.price),
            "cum_qty": str(fill.cum_qty),
            "broker_fill_id": fill.broker_fill_id,
            "seen_at": source.now.isoformat(),
        },
    )


def _pause_s(since: dt.datetime, now: dt.datetime) -> float:  # float: seconds of a timer
    """Return how long until the next look: a third of the order's age, between half a second and five (R31)."""
    age = (now - since).total_seconds()
    return min(max(0.5, age / 3), MAX_POLL_S)  # float: seconds of a timer
