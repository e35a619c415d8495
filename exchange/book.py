"""What happened, applied: the one place where cash, positions and orders change, live and at replay alike."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exchange.clock import activity_stamp
from exchange.decimals import ZERO, rounded
from exchange.fill_rules import FillRules
from exchange.journal import Event
from exchange.quotes import Market, Quote
from exchange.state import OPEN, STOPS, Account, Fill, Order, Position

if TYPE_CHECKING:
    from collections.abc import Callable

_EXACT = 9
"""Decimals of a part of a cost: thirds have no end, and the last part takes what is left."""
_ACCOUNT_DECIMALS = frozenset({"cash"})


class Book:
    """The state that the journal's events add up to."""

    def __init__(self, opened_ns: int) -> None:
        self.accounts: dict[str, Account] = {}
        self.by_key: dict[str, Account] = {}
        self.market = Market(opened_ns)
        self.rules = FillRules()
        self.is_open = True
        self.last_ns = 0
        self._waiting: dict[str, Order] = {}
        """Stop orders that have not triggered, by id."""
        self._apply: dict[str, Callable[[Event], None]] = {
            "account": self._account,
            "account_changed": self._account_changed,
            "attempt": self._attempt,
            "order": self._order,
            "fill": self._fill,
            "cancel": self._cancel,
            "cancel_asked": self._cancel_asked,
            "replace": self._replace,
            "price": self._price,
            "fill_rule": self._fill_rule,
            "clock": self._clock,
        }

    def apply(self, event: Event) -> None:
        """Carry out one event; a KeyError means a journal of another version."""
        if not self.last_ns and "at_ns" in event:
            self.market.open(event["at_ns"])  # an exchange is as old as the first thing that happened at it
        self._apply[event["event"]](event)
        self.last_ns = max(self.last_ns, event.get("at_ns", 0))

    def _account(self, event: Event) -> None:
        account = Account(
            name=event["name"],
            id=event["id"],
            key_id=event["key_id"],
            secret_key=event["secret_key"],
            account_number=event["account_number"],
            cash=Decimal(event["cash"]),
            rate_limit=event["rate_limit"],
            created_ns=event["at_ns"],
            shorting_enabled=event["shorting_enabled"],
        )
        self.accounts[account.name] = account
        self.by_key[account.key_id] = account

    def _account_changed(self, event: Event) -> None:
        account = self.accounts[event["account"]]
        del self.by_key[account.key_id]
        for name, value in event["changes"].items():
            setattr(account, name, Decimal(value) if name in _ACCOUNT_DECIMALS else value)
        self.by_key[account.key_id] = account

    def _attempt(self, event: Event) -> None:
        self.accounts[event["account"]].attempts[event["client_order_id"]] += 1

    def _order(self, event: Event) -> None:
        self._add(_order_of(event))

    def _replace(self, event: Event) -> None:
        account = self.accounts[event["account"]]
        old = account.open_orders[event["replaces"]]
        self._end(account, old, "replaced", event["at_ns"])
        old.replaced_by, old.replaced_ns = event["id"], event["at_ns"]
        self._add(_order_of(event))

    def _add(self, order: Order) -> None:
        account = self.accounts[order.account]
        account.orders[order.id] = order
        account.by_client_order_id[order.client_order_id] = order
        account.open_orders[order.id] = order
        account.reserved += order.reserve
        if order.hold:
            account.held[order.symbol] = account.held.get(order.symbol, ZERO) + order.hold
        if order.type in STOPS:
            self._waiting[order.id] = order
            self._watch(order)

    def _watch(self, order: Order) -> None:
        """Trigger a stop order that the last trade has reached; move a trailing stop after the market first."""
        quote = self.market.quote(order.symbol)
        if quote is None or not quote.last:
            return
        if order.type == "trailing_stop":
            best = max if order.side == "sell" else min
            order.hwm = quote.last if order.hwm is None else best(order.hwm, quote.last)
        stop = order.stop
        if stop is not None and (quote.last <= stop if order.side == "sell" else quote.last >= stop):
            order.triggered = True
            del self._waiting[order.id]

    def _fill(self, event: Event) -> None:
        account = self.accounts[event["account"]]
        order = account.orders[event["order_id"]]
        qty, price, at_ns = Decimal(event["qty"]), Decimal(event["price"]), event["at_ns"]
        order.filled_qty += qty
        order.filled_notional += qty * price
        order.updated_ns = at_ns
        if order.leaves:
            order.status = order.status if order.status == "pending_cancel" else "partially_filled"
        else:
            order.status = "filled"
        _release(account, order, qty)
        if not order.leaves:
            order.filled_ns = at_ns
            del account.open_orders[order.id]
            self._waiting.pop(order.id, None)
        _trade(account, order, qty if order.side == "buy" else -qty, price)
        _record(account, order, event["id"], qty=qty, price=price, at_ns=at_ns)

    def _cancel(self, event: Event) -> None:
        account = self.accounts[event["account"]]
        order = account.open_orders[event["order_id"]]
        self._end(account, order, "canceled", event["at_ns"])
        order.canceled_ns = event["at_ns"]

    def _cancel_asked(self, event: Event) -> None:
        order = self.accounts[event["account"]].open_orders[event["order_id"]]
        order.status, order.updated_ns = "pending_cancel", event["at_ns"]

    def _end(self, account: Account, order: Order, status: str, at_ns: int) -> None:
        del account.open_orders[order.id]
        self._waiting.pop(order.id, None)
        order.status, order.updated_ns = status, at_ns
        _release(account, order, order.leaves)

    def _price(self, event: Event) -> None:
        bid, ask, last = (Decimal(event[side]) for side in ("bid", "ask", "last"))
        self.market.set(event["symbol"], Quote(bid, ask, last, event["at_ns"]))
        for order in list(self._waiting.values()):  # an option's price follows its stock's
            self._watch(order)

    def _fill_rule(self, event: Event) -> None:
        self.rules.change(event["symbol"], event["changes"])

    def _clock(self, event: Event) -> None:
        self.is_open = event["is_open"]


def _order_of(event: dict[str, Any]) -> Order:
    reserve, hold = Decimal(event["reserve"]), Decimal(event["hold"])
    return Order(
        id=event["id"],
        account=event["account"],
        client_order_id=event["client_order_id"],
        symbol=event["symbol"],
        asset_class=event["asset_class"],
        side=event["side"],
        type=event["type"],
        time_in_force=event["time_in_force"],
        qty=_number(event, "qty"),
        limit_price=_number(event, "limit_price"),
        extended_hours=event["extended_hours"],
        position_intent=event["position_intent"],
        multiplier=Decimal(event["multiplier"]),
        reserve=reserve,
        hold=hold,
        received_us=event["received_us"],
        at_ns=event["at_ns"],
        updated_ns=event["at_ns"],
        reserve_left=reserve,
        hold_left=hold,
        notional=_number(event, "notional"),
        stop_price=_number(event, "stop_price"),
        trail_price=_number(event, "trail_price"),
        trail_percent=_number(event, "trail_percent"),
        replaces=event.get("replaces"),
    )


def _number(event: Event, name: str) -> Decimal | None:
    """Read a number that an order may not have, or that an earlier version did not write."""
    value = event.get(name)
    return None if value is None else Decimal(value)


def _release(account: Account, order: Order, qty: Decimal) -> None:
    """Give back what `qty` of the order had reserved; the last part gives back all that is left, to the digit."""
    ends = order.status not in OPEN
    reserve = order.reserve_left if ends else rounded(order.reserve * qty / (order.qty or qty), _EXACT)
    hold = order.hold_left if ends else min(order.hold_left, qty)
    order.reserve_left -= reserve
    account.reserved -= reserve
    if hold:
        order.hold_left -= hold
        account.held[order.symbol] -= hold


def _trade(account: Account, order: Order, signed_qty: Decimal, price: Decimal) -> None:
    """Move cash and position; `signed_qty` is negative for a sell."""
    account.cash -= signed_qty * price * order.multiplier
    position = account.positions.get(order.symbol)
    if position is None:
        position = account.positions[order.symbol] = Position(order.symbol, order.multiplier)
    closing = ZERO
    if position.qty * signed_qty < 0:
        closing = (
            max(min(signed_qty, -position.qty), -position.qty) if signed_qty < 0 else min(signed_qty, -position.qty)
        )
        position.cost += rounded(position.cost * closing / position.qty, _EXACT)
    position.qty += signed_qty
    position.cost += (signed_qty - closing) * price * order.multiplier
    if not position.qty:
        del account.positions[order.symbol]


def _record(account: Account, order: Order, fill_id: str, *, qty: Decimal, price: Decimal, at_ns: int) -> None:
    fill = Fill(
        f"{activity_stamp(at_ns)}::{fill_id}",
        order.id,
        order.symbol,
        order.side,
        qty,
        price,
        order.filled_qty,
        order.leaves,
        at_ns,
    )
    account.fill_index[fill.id] = len(account.fills)
    account.fills.append(fill)
