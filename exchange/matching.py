"""When accepted orders fill: each is tried after its rule's delay, and again whenever prices or rules change."""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal

from exchange.engine import Engine
from exchange.quotes import Quote
from exchange.state import RESTING, STOPS, Order

_AT_ONCE = frozenset({"ioc", "fok"})
_SMALLEST_SHARE = Decimal("0.000000001")
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

    def resume(self) -> None:
        """Go on after a start: what was to be cancelled is, and every open order is tried."""
        for order in self.open_orders():
            if order.status == "pending_cancel":
                self._cancel(order)
        self.consider_all()

    def consider_all(self) -> None:
        """Prices, rules or the session changed: try every open order again."""
        for order in self.open_orders():
            self.consider(order)

    def open_orders(self) -> list[Order]:
        """Give the open orders of all accounts."""
        return [o for account in self._engine.book.accounts.values() for o in account.open_orders.values()]

    def release(self, order: Order, qty: Decimal | None) -> Decimal:
        """Fill up to `qty` (None: all that is left) now, whatever the rules say; gives what was filled.

        A limit order that the quotes do not reach fills at its limit, a stop that has not triggered at its stop.
        """
        quote = self._engine.book.market.quote(order.symbol)
        price = _price(order, quote) or order.limit_price or order.stop
        is_open = order.id in self._engine.book.accounts[order.account].open_orders
        if price is None or not is_open:
            return Decimal(0)
        filled = order.leaves if qty is None else min(qty, order.leaves)
        if order.notional is not None:
            filled = _shares(order.notional, price)
        self._fill(order, filled, price)
        return filled

    def _fill(self, order: Order, qty: Decimal, price: Decimal) -> None:
        self._engine.fill(order, qty, price)
        for leg in order.legs:
            self.consider(self._engine.book.accounts[order.account].orders[leg])

    def end(self, order: Order) -> None:
        """Cancel an order that is to end, now or after the time its rule gives it."""
        account = self._engine.book.accounts[order.account]
        delay_s = self._engine.book.rules.rule(order.symbol).cancel_delay_s
        if not delay_s:
            self._engine.cancel(account, order.id)
            return
        self._engine.ask_cancel(account, order.id)
        self._schedule(delay_s, lambda: self._cancel(order))

    def _cancel(self, order: Order) -> None:
        account = self._engine.book.accounts[order.account]
        if order.id in account.open_orders:
            self._engine.cancel(account, order.id)

    def _attempt(self, order: Order) -> None:
        book = self._engine.book
        rule = book.rules.rule(order.symbol)
        if order.id not in book.accounts[order.account].open_orders:
            return
        in_session = book.is_open or (book.is_extended and order.extended_hours)
        idle = rule.never or not in_session or order.status in RESTING
        price = None if idle else _price(order, book.market.quote(order.symbol))
        qty = order.leaves if rule.partial is None else min(order.leaves, rule.partial - order.filled_qty)
        if price is not None and order.notional is not None:
            qty = _shares(order.notional, price)
        if price is not None and qty > 0 and (order.time_in_force != "fok" or not order.leaves - qty):
            self._fill(order, qty, price)
        if order.time_in_force in _AT_ONCE:
            self._cancel(order)


def _shares(notional: Decimal, price: Decimal) -> Decimal:
    """Give how many shares an amount buys at a price, rounded down to what is traded."""
    return (notional / price).quantize(_SMALLEST_SHARE, ROUND_DOWN)


def _price(order: Order, quote: Quote | None) -> Decimal | None:
    """Give the far side's price in USD, None while it is empty, beyond the order's limit, or the stop not reached."""
    if quote is None or (order.type in STOPS and not order.triggered):
        return None
    price = quote.ask if order.side == "buy" else quote.bid
    if not price:
        return None
    limit = order.limit_price
    reached = limit is None or (price <= limit if order.side == "buy" else price >= limit)
    return price if reached else None
