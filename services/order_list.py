"""Orders read many at a time: pages of a list, newest first, and which of a set are settled (FR-005, TRD-001).

A page begins after a position, not at a number of rows: `requested_at` and `order_id` of an order never change, so what
arrives while somebody reads on shifts nothing, and every order that was there at the first page is seen once.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.order_state import TERMINAL, OrderStatus
from models.unit import Row, Unit

OPEN = frozenset(OrderStatus) - TERMINAL


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: its last order."""

    requested_at: dt.datetime
    order_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders are wanted; None does not narrow. `since` is part of the time wanted, `until` no longer."""

    account_id: uuid.UUID | None = None
    statuses: frozenset[OrderStatus] | None = None
    symbol: str | None = None
    side: str | None = None
    source: str | None = None
    account_type: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


_CLAUSES = {
    "account_id": "o.account_id = %(account_id)s",
    "statuses": "o.status = ANY(%(statuses)s)",
    "symbol": "o.symbol = %(symbol)s",
    "side": "o.side = %(side)s",
    "source": "o.source = %(source)s",
    "account_type": "o.account_type = %(account_type)s",
    "since": "o.requested_at >= %(since)s",
    "until": "o.requested_at < %(until)s",
}
_AFTER = "(o.requested_at, o.order_id) < (%(last_requested_at)s, %(last_order_id)s)"

_PAGE = """
SELECT o.*, a.name AS account FROM trading.orders o JOIN trading.accounts a USING (account_id)
 WHERE {clauses}
 ORDER BY o.requested_at DESC, o.order_id DESC LIMIT %(limit)s
"""


def list_orders(unit: Unit, wanted: OrderFilter, *, after: Position | None, limit: int) -> Sequence[Row]:
    """Return at most `limit` orders with their account's name, newest first, those after `after` alone."""
    return unit.rows(*page_statement(wanted, after, limit))


def page_statement(wanted: OrderFilter, after: Position | None, limit: int) -> tuple[str, dict[str, Any]]:
    """Return the statement of one page, put together from the clauses above, and its parameters."""
    params = {name: value for name in _CLAUSES if (value := getattr(wanted, name)) is not None}
    clauses = [_CLAUSES[name] for name in params]
    if wanted.statuses is not None:
        params["statuses"] = [status.value for status in wanted.statuses]
    if after is not None:
        params |= {"last_requested_at": after.requested_at, "last_order_id": after.order_id}
        clauses.append(_AFTER)
    return _PAGE.format(clauses=" AND ".join(clauses) or "true"), params | {"limit": limit}


def settled_among(unit: Unit, order_ids: Sequence[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Return those of the orders that have the broker's word, or ours that they were refused."""
    rows = unit.rows(
        "SELECT order_id FROM trading.orders WHERE order_id = ANY(%(ids)s) "
        "AND status NOT IN ('requested', 'submitting', 'unknown')",
        {"ids": list(order_ids)},
    )
    return frozenset(row.order_id for row in rows)
