"""Which orders are due for their next step, or for a cancel: what the relay turns into hints (R1)."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from domain.order_state import OrderStatus
from domain.orders import LANES, Lane
from models.unit import Unit


@dataclass(frozen=True, slots=True)
class DueOrder:
    """An order whose `due_at` has passed; its status says what is to be done."""

    order_id: uuid.UUID
    account_id: uuid.UUID
    status: OrderStatus
    lane: Lane


# A new order has its own hint from the API: it is given a second before the relay steps in. The pause between two
# hints of one row doubles up to half a minute, so a queue that nobody empties is not flooded. The exponent is bounded
# before the power: 2 to the 1024th hint is no number any more, and one such row stopped the relay for all.
_TAKE = """
UPDATE trading.orders o
   SET hints = o.hints + 1,
       next_hint_at = clock_timestamp() + make_interval(secs => least(power(2, least(o.hints, 5)), 30))
 WHERE o.order_id IN (
   SELECT d.order_id FROM trading.orders d
    WHERE d.due_at <= clock_timestamp() - CASE d.status WHEN 'requested' THEN interval '1 second'
                                                         ELSE interval '0' END
      AND (d.status <> 'requested' OR coalesce(d.position_intent, d.side) = ANY(%(placing)s))
      AND (d.next_hint_at IS NULL OR d.next_hint_at <= clock_timestamp())
    ORDER BY d.due_at
    LIMIT %(limit)s
      FOR NO KEY UPDATE SKIP LOCKED)
RETURNING o.order_id, o.account_id, o.status, coalesce(o.position_intent, o.side) AS intent
"""


def take_due(unit: Unit, limit: int, *, placing: Collection[Lane] = tuple(Lane)) -> Sequence[DueOrder]:
    """Return up to `limit` due orders that nobody hinted lately, and mark them hinted.

    Of those that wait to be placed only the lanes of `placing`: the others' queue is full enough.
    """
    words = [str(word) for word, lane in LANES.items() if lane in placing]
    rows = unit.rows(_TAKE, {"limit": limit, "placing": words})
    return [DueOrder(row.order_id, row.account_id, OrderStatus(row.status), LANES[row.intent]) for row in rows]


_TAKE_CANCELS = """
UPDATE trading.orders o
   SET hints = o.hints + 1,
       next_hint_at = clock_timestamp() + make_interval(secs => least(power(2, least(o.hints, 5)), 30))
 WHERE o.order_id IN (
   SELECT d.order_id FROM trading.orders d
    WHERE d.cancel_due_at <= clock_timestamp() AND d.status IN ('accepted', 'partially_filled')
      AND (d.next_hint_at IS NULL OR d.next_hint_at <= clock_timestamp())
    ORDER BY d.cancel_due_at
    LIMIT %(limit)s
      FOR NO KEY UPDATE SKIP LOCKED)
RETURNING o.order_id
"""


def take_due_cancels(unit: Unit, limit: int) -> Sequence[uuid.UUID]:
    """Return up to `limit` orders that the broker has and is to be asked to cancel, and mark them hinted (R13)."""
    return [row.order_id for row in unit.rows(_TAKE_CANCELS, {"limit": limit})]


def make_due(unit: Unit, order_id: uuid.UUID) -> None:
    """Have a working order asked for at once: something that ends it has just happened."""
    unit.run(
        "UPDATE trading.orders SET due_at = clock_timestamp(), hints = 0, next_hint_at = NULL "
        "WHERE order_id = %(order_id)s AND status IN ('accepted', 'partially_filled')",
        {"order_id": order_id},
    )


def make_all_due(unit: Unit, orders: Collection[uuid.UUID]) -> None:
    """Have these orders asked for at once: working ones, and unknown ones that nobody is settling."""
    unit.run(
        "UPDATE trading.orders SET due_at = clock_timestamp(), hints = 0, next_hint_at = NULL "
        "WHERE order_id = ANY(%(orders)s) AND (status IN ('accepted', 'partially_filled') "
        "OR status = 'unknown' AND coalesce(lease_until <= clock_timestamp(), TRUE))",
        {"orders": list(orders)},
    )
