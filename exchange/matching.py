"""When accepted orders fill: each is tried after its rule's delay, and again whenever prices or rules change."""

from collections.abc import Callable
from decimal import Decimal

from exchange.engine import Engine
from exchange.quotes import Quote
from exchange.state import Order

Schedule = Callable[[float, Callable[[], None]], object]
"""Run a function after that many seconds, on the loop that owns the books."""


class Matcher:
    """Tries open orders against the quotes; everything fills at the far side, so a limit may do better than asked."""

    def __init__(self, engine: Engine, schedule: Schedule) -> None:
        self._engine = engine
        self._schedule = schedule

    def consider(self, order: Order) -> None:
        """Try an order after its delay; one that cannot fill then rests."""
        rule = self._engine.book.rules.rule(order.symbol)
        self._schedule(rule.delay_s, lambda: self._attempt(order))

    def consider_all(self) -> None:
        """Prices, rules or the session changed, or the exchange has just started: try every open order again."""
        for order in self.open_orders():
            self.consider(order)

    def open_orders(self) -> list[Order]:
        """Give the open orders of all accounts."""
        return [o for account in self._engine.book.accounts.values() for o in account.open_orders.values()]

    def release(self, order: Order, qty: Decimal | None) -> Decimal:
        """Fill up to `qty` (None: all that is left) now, whatever the rules say; gives what was filled.

        A limit order that the quotes do not reach fills at its limit.
        """
        quote = self._engine.book.market.quote(order.symbol)
        price = _price(order, quote) or order.limit_price
        if price is None:
            return Decimal(0)
        filled = order.leaves if qty is None else min(qty, order.leaves)
        self._engine.fill(order, filled, price)
        return filled

    def _attempt(self, order: Order) -> None:
        book = self._engine.book
        rule = book.rules.rule(order.symbol)
        if order.id not in book.accounts[order.account].open_orders or rule.never or not book.is_open:
            return
        price = _price(order, book.market.quote(order.symbol))
        qty = order.leaves if rule.partial is None else min(order.leaves, rule.partial - order.filled_qty)
        if price is not None and qty > 0:
            self._engine.fill(order, qty, price)


def _price(order: Order, quote: Quote | None) -> Decimal | None:
    """Give the far side's price in USD, None while that side is empty or beyond the order's limit."""
    if quote is None:
        return None
    price = quote.ask if order.side == "buy" else quote.bid
    if not price:
        return None
    limit = order.limit_price
    reached = limit is None or (price <= limit if order.side == "buy" else price >= limit)
    return price if reached else None
