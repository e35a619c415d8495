"""What happened, applied: the one place where cash, positions and orders change, live and at replay alike."""

import hmac
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exchange.decimals import ZERO
from exchange.fill_rules import FillRules
from exchange.groups import activate, is_entry, open_others, shrink, take_place
from exchange.holdings import exercise, grant, pay, record_fill, release, trade
from exchange.journal import Event
from exchange.options import MULTIPLIER, parse_contract
from exchange.quotes import Market, Quote
from exchange.state import ENDS, STOPS, Account, Order, Watchlist

if TYPE_CHECKING:
    from collections.abc import Callable


class Book:
    """The state that the journal's events add up to."""

    def __init__(self, opened_ns: int) -> None:
        self.accounts: dict[str, Account] = {}
        self.by_key: dict[str, Account] = {}
        self.market = Market(opened_ns)
        self.rules = FillRules()
        self.is_open = True
        self.is_extended = False
        """Closed, but orders for extended hours trade."""
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
            "status": self._status,
            "exercise": self._exercise,
            "grant": self._grant,
            "watchlist": self._watchlist,
            "watchlist_gone": self._watchlist_gone,
            "replace": self._replace,
            "price": self._price,
            "fill_rule": self._fill_rule,
            "clock": self._clock,
        }

    def account_of(self, key_id: str, secret_key: str) -> Account | None:
        """Give the account that these keys open, None when they open none."""
        account = self.by_key.get(key_id)
        known = account is not None and hmac.compare_digest(
            secret_key.encode(errors="surrogatepass"), account.secret_key.encode()
        )
        return account if known else None

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
            opening_cash=Decimal(event["cash"]),
        )
        self.accounts[account.name] = account
        self.by_key[account.key_id] = account

    def _account_changed(self, event: Event) -> None:
        account = self.accounts[event["account"]]
        del self.by_key[account.key_id]
        changes = dict(event["changes"])
        amount = Decimal(changes.pop("cash", account.cash)) - account.cash
        if amount:
            pay(account, amount, event["at_ns"])
        for name, value in changes.items():
            setattr(account, name, value)
        self.by_key[account.key_id] = account

    def _attempt(self, event: Event) -> None:
        self.accounts[event["account"]].attempts[event["client_order_id"]] += 1

    def _order(self, event: Event) -> None:
        order = _order_of(event)
        self._add(order)
        for part in event.get("legs", ()):
            leg = _order_of({**part, "at_ns": event["at_ns"]})
            leg.parent = order.id
            order.legs.append(leg.id)
            self._add(leg)

    def _replace(self, event: Event) -> None:
        account = self.accounts[event["account"]]
        old = account.open_orders[event["replaces"]]
        self._end(account, old, "replaced", event["at_ns"])
        old.replaced_by, old.replaced_ns = event["id"], event["at_ns"]
        new = _order_of(event)
        take_place(account, new, old)
        self._add(new)

    def _add(self, order: Order) -> None:
        account = self.accounts[order.account]
        account.orders[order.id] = order
        account.by_client_order_id[order.client_order_id] = order
        account.open_orders[order.id] = order
        account.reserved += order.reserve
        if order.hold:
            account.held[order.symbol] = account.held.get(order.symbol, ZERO) + order.hold
        self._wait(order)

    def _wait(self, order: Order) -> None:
        """Let a stop order look out for its price, unless it is held."""
        if order.type in STOPS and order.status != "held":
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
        release(account, order, qty)
        if not order.leaves:
            order.filled_ns = at_ns
            del account.open_orders[order.id]
            self._waiting.pop(order.id, None)
        signed_qty = qty if order.side == "buy" else -qty
        trade(account, order.symbol, signed_qty, price, multiplier=order.multiplier)
        record_fill(account, order, event["id"], qty=qty, price=price, at_ns=at_ns)
        self._follow(account, order, qty, at_ns)

    def _follow(self, account: Account, order: Order, qty: Decimal, at_ns: int) -> None:
        """Do to the rest of its group what an order's fill brings about."""
        if is_entry(order) and order.leaves:
            return
        for other in open_others(account, order):
            if is_entry(order):
                activate(account, other, at_ns)
                self._wait(other)
            elif order.leaves:
                shrink(account, other, qty, at_ns)
            else:
                self._cancel_other(account, other, at_ns)

    def _cancel(self, event: Event) -> None:
        self._status({**event, "status": "canceled"})

    def _cancel_asked(self, event: Event) -> None:
        self._status({**event, "status": "pending_cancel"})

    def _status(self, event: Event) -> None:
        account, status = self.accounts[event["account"]], event["status"]
        order = account.open_orders[event["order_id"]]
        if status in ENDS:
            self._end(account, order, status, event["at_ns"])
            setattr(order, ENDS[status], event["at_ns"])
            for other in open_others(account, order):
                self._cancel_other(account, other, event["at_ns"])
        else:
            order.status, order.updated_ns = status, event["at_ns"]

    def _cancel_other(self, account: Account, other: Order, at_ns: int) -> None:
        self._end(account, other, "canceled", at_ns)
        other.canceled_ns = at_ns

    def _end(self, account: Account, order: Order, status: str, at_ns: int) -> None:
        del account.open_orders[order.id]
        self._waiting.pop(order.id, None)
        order.status, order.updated_ns = status, at_ns
        release(account, order, order.leaves)

    def _exercise(self, event: Event) -> None:
        contract = parse_contract(event["symbol"])
        if contract is None:
            raise KeyError(event["symbol"])
        exercise(self.accounts[event["account"]], contract, Decimal(event["qty"]), event["at_ns"])

    def _grant(self, event: Event) -> None:
        account, symbol = self.accounts[event["account"]], event["symbol"]
        multiplier = MULTIPLIER if parse_contract(symbol) else Decimal(1)
        qty, price = Decimal(event["qty"]), Decimal(event["price"])
        grant(account, symbol, qty, price, multiplier=multiplier, at_ns=event["at_ns"])

    def _watchlist(self, event: Event) -> None:
        lists, at_ns = self.accounts[event["account"]].watchlists, event["at_ns"]
        created_ns = lists[event["id"]].created_ns if event["id"] in lists else at_ns
        lists[event["id"]] = Watchlist(event["id"], event["name"], list(event["symbols"]), created_ns, at_ns)

    def _watchlist_gone(self, event: Event) -> None:
        del self.accounts[event["account"]].watchlists[event["id"]]

    def _price(self, event: Event) -> None:
        bid, ask, last = (Decimal(event[side]) for side in ("bid", "ask", "last"))
        self.market.set(event["symbol"], Quote(bid, ask, last, event["at_ns"]))
        if event.get("missing"):
            self.market.freeze(event["symbol"], None)
        elif (age_ms := event.get("age_ms")) is not None:
            self.market.freeze(event["symbol"], event["at_ns"] - age_ms * 1_000_000)
        for order in list(self._waiting.values()):  # an option's price follows its stock's
            self._watch(order)

    def _fill_rule(self, event: Event) -> None:
        self.rules.change(event["symbol"], event["changes"])

    def _clock(self, event: Event) -> None:
        self.is_open = event["is_open"]
        self.is_extended = event.get("is_extended", False)
        self.market.closed_ns = None if self.is_open or self.is_extended else event["at_ns"]


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
        order_class=event.get("order_class", ""),
        status=event.get("status", "new"),
    )


def _number(event: Event, name: str) -> Decimal | None:
    """Read a number that an order may not have, or that an earlier version did not write."""
    value = event.get(name)
    return None if value is None else Decimal(value)
