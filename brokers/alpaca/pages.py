"""Alpaca's list of orders to its end: 500 a page, continued from the time of the last one (R14).

Orders of one moment may stand on both sides of a page's end, so each page begins a little before the last one ended.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from brokers.alpaca.parse import parse_order
from brokers.protocol import BrokerUnavailable
from domain.broker import BrokerOrder

PAGE = 500
_MAX_PAGES = 20
_OVERLAP = dt.timedelta(microseconds=1)

Page = Callable[[dt.datetime | None], Sequence[dict[str, Any]]]
"""Reads one page, oldest first, of orders created after a time."""


def all_orders(read: Page, *, after: dt.datetime | None) -> list[BrokerOrder]:
    """Return the orders of every page, each once. Raises BrokerUnavailable: what is not read to its end is not read."""
    found: dict[str, BrokerOrder] = {}
    for _ in range(_MAX_PAGES):
        rows = read(after)
        orders = [parse_order(row, with_terms=True) for row in rows]
        if None in orders:
            raise BrokerUnavailable("unreadable_answer", "an order of the broker's list could not be read")
        found |= {order.broker_order_id: order for order in orders if order is not None}
        if len(rows) < PAGE:
            return list(found.values())
        last = orders[-1].created_at if orders[-1] is not None else None
        if last is None or (after is not None and last - _OVERLAP <= after):
            raise BrokerUnavailable("unreadable_answer", "the broker's list of orders cannot be continued")
        after = last - _OVERLAP
    raise BrokerUnavailable("too_many_pages", f"more than {_MAX_PAGES * PAGE} orders in one read")
