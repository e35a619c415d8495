"""Orders that have worked long enough: their end is asked for when `cancel_after` has come (CFG-002, R13)."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import NotCancelable
from domain.orders import plain
from models.unit import Unit
from services.order_cancel import CancelWish, request_cancel
from services.origin import Origin

MOST = 200

_DUE = """
SELECT o.order_id, o.account_id, o.cancel_after, o.cancel_after_s, o.filled_qty,
       extract(epoch FROM clock_timestamp() - o.cancel_after)::float8 AS late_s
  FROM trading.orders o
 WHERE o.cancel_after <= clock_timestamp() AND o.cancel_due_at IS NULL AND o.status IN ('accepted', 'partially_filled')
 ORDER BY o.cancel_after LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Overdue:
    """An order whose time is over; `late_s` is since when."""

    order_id: uuid.UUID
    late_s: float  # float: seconds for a line of the log


@dataclass(frozen=True, slots=True)
class WorkingOrder:
    """An order that the broker has, and whose end is asked for at `cancel_after`."""

    order_id: uuid.UUID
    account_id: uuid.UUID
    account: str
    account_type: str
    account_type_source: str
    symbol: str
    broker_order_id: str
    cancel_after: dt.datetime


_WORKING = """
SELECT o.order_id, o.account_id, a.name AS account, o.account_type, o.account_type_source, o.symbol, o.broker_order_id,
       o.cancel_after
  FROM trading.orders o JOIN trading.accounts a USING (account_id)
 WHERE o.cancel_after IS NOT NULL AND o.status IN ('accepted', 'partially_filled') AND o.broker_order_id IS NOT NULL
 ORDER BY o.cancel_after, o.order_id LIMIT 1000
"""


def working_orders(unit: Unit) -> list[WorkingOrder]:
    """Return the orders whose time runs out, the next first."""
    return [WorkingOrder(**row._asdict()) for row in unit.rows_replanned(_WORKING)]


def sweep_orders(unit: Unit, *, now: dt.datetime, origin: Origin) -> Sequence[Overdue]:
    """Ask for the end of every order whose time is over; return them. What is being cancelled already is left alone."""
    swept = []
    for row in unit.rows(_DUE, {"most": MOST}):
        minutes = plain(round(row.cancel_after_s / 60, 3))
        part = "" if not row.filled_qty else f", {plain(row.filled_qty)} of it filled"
        wish = CancelWish(f"unfilled for {minutes} minutes{part}: cancelled as configured", now)
        try:
            request_cancel(unit, row.order_id, wish, origin)
        except NotCancelable:
            continue  # it has just ended
        swept.append(Overdue(row.order_id, row.late_s))
    return swept
