"""The exchange's decisions: check a request against the books, write what follows from it, apply it."""

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from exchange import errors
from exchange.book import Book
from exchange.clock import Ticker, now_ns
from exchange.complex_form import check_prices, read_order
from exchange.decimals import ZERO, plain, rounded
from exchange.groups import is_entry
from exchange.journal import Event, Journal, JournalError
from exchange.order_form import OrderForm, replacement_of
from exchange.state import ENDS, OPEN, Account, Order
from exchange.wash_trade import check_wash_trade

_QTY_DECIMALS = 9
_NUMBERS = ("qty", "notional", "limit_price", "stop_price", "trail_price", "trail_percent")
_SHORT_MARGIN = Decimal("1.03")
_NOT_REPLACEABLE = frozenset({"accepted", "pending_new", "pending_cancel", "pending_replace"})
Watcher = Callable[[Event], None]


class Engine:
    """Commands over one book and one journal. An event is on file before it is true."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.watchers: dict[str, Watcher] = {}
        """Who is told of an account's events, in the step that makes them true; empty costs nothing."""
        self.book = Book(now_ns())
        self._replay()
        self._ticker = Ticker(self.book.last_ns)

    def _replay(self) -> None:
        for event in self._journal.replay():
            try:
                self.book.apply(event)
            except KeyError as error:
                raise JournalError(f"the journal is of another version: {error} is missing or unknown") from error

    def commit(self, kind: str, /, **fields: Any) -> None:
        """Write one event and make it true; OSError when it cannot be written, and then it is not."""
        event: Event = {"event": kind, "at_ns": self._ticker.stamp(), **fields}
        self._journal.append(event)
        self.book.apply(event)
        if self.watchers and (watcher := self.watchers.get(event.get("account", ""))) is not None:
            watcher(event)

    def create_account(self, seed: dict[str, Any]) -> Account:
        """Open an account from a checked seed (exchange/account_form.py)."""
        self.commit("account", id=str(uuid.uuid4()), **seed)
        return self.book.accounts[seed["name"]]

    def change_account(self, account: Account, changes: dict[str, Any]) -> None:
        """Set fields of an account; money as decimal strings."""
        self.commit("account_changed", account=account.name, changes=changes)

    def note_attempt(self, account: Account, client_order_id: str) -> None:
        """Remember that a POST or PATCH with that id arrived, whatever becomes of it."""
        self.commit("attempt", account=account.name, client_order_id=client_order_id)

    def set_price(self, symbol: str, price: Mapping[str, Any]) -> None:
        """Script a quote: bid, ask and last in USD a share, and where it does not stay young `age_ms` or `missing`."""
        self.commit("price", symbol=symbol, **price)

    def grant(self, account: Account, symbol: str, qty: Decimal, price: Decimal) -> None:
        """Give a position without an order, at a cost of `price` (USD a share) and no cash; a negative one is short."""
        self.commit("grant", account=account.name, symbol=symbol, qty=plain(qty), price=plain(price))

    def change_fill_rule(self, symbol: str | None, changes: dict[str, Any]) -> None:
        """Script how orders fill (exchange/fill_rules.py)."""
        self.commit("fill_rule", symbol=symbol, changes=changes)

    def open_market(self, *, is_open: bool, is_extended: bool) -> None:
        """Script the session."""
        self.commit("clock", is_open=is_open, is_extended=is_extended)

    def submit(self, account: Account, body: object, client_order_id: str, received_us: int) -> Order:
        """Accept an order or raise ApiError; the account has it on file when this returns."""
        form = self._admitted(account, body, client_order_id)
        if form.exits:
            self._check_exits(account, form)
        check_wash_trade(account, form)
        return self._accept(account, form, self._claims(account, form), received_us=received_us)

    def _check_exits(self, account: Account, form: OrderForm) -> None:
        quote, owned = self.book.market.quote(form.symbol), account.owned(form.symbol)
        closing = -owned if form.side == "buy" else owned
        if form.order_class == "oco":
            if closing <= 0 or (form.side == "buy" and closing < (form.qty or ZERO)):
                raise errors.refused("oco orders must be exit orders")
        elif closing > 0:
            raise errors.refused(f"{form.order_class} orders must be entry orders")
        check_prices(form, quote.last if quote else ZERO)

    def replace(
        self, account: Account, order_id: str, changes: object, *, client_order_id: str, received_us: int
    ) -> Order:
        """Put a new order in the place of a working one or raise ApiError; both are on file when this returns."""
        old = self._open(account, order_id)
        if old.status in _NOT_REPLACEABLE:
            raise errors.not_replaceable(old.status)
        form = self._admitted(account, replacement_of(old, changes), client_order_id)
        form = dataclasses.replace(form, order_class=old.order_class)
        check_wash_trade(account, form, without=old)
        is_exit = old.order_class and not is_entry(old)
        claims = (ZERO, old.hold_left) if is_exit else self._claims(account, form, without=old)
        return self._accept(account, form, claims, received_us=received_us, old=old)

    def _admitted(self, account: Account, body: object, client_order_id: str) -> OrderForm:
        if account.status != "ACTIVE" or account.trading_blocked:
            raise errors.forbidden("account is not allowed to trade")
        if account.configurations["suspend_trade"]:
            raise errors.forbidden("new orders are rejected by user request")
        if client_order_id in account.by_client_order_id:
            raise errors.duplicate_client_order_id()
        form = read_order(body, client_order_id, now_ns())
        _check_configurations(account, form)
        if form.asset_class == "us_option" and form.type == "market" and not self.book.is_open:
            raise errors.refused("options market orders are only allowed during market hours")
        return form

    def _accept(
        self,
        account: Account,
        form: OrderForm,
        claims: tuple[Decimal, Decimal],
        *,
        received_us: int,
        old: Order | None = None,
    ) -> Order:
        reserve, hold = claims
        order_id = str(uuid.uuid4())
        event = _order_event(account, form, order_id, received_us) | {"reserve": str(reserve), "hold": str(hold)}
        if form.exits:
            event["legs"] = [_leg_event(account, form, leg, received_us) for leg in form.exits]
        if old is None:
            self.commit("order", **event)
        else:
            self.commit("replace", **event, replaces=old.id, status="held" if old.status == "held" else "new")
        return account.orders[order_id]

    def _claims(self, account: Account, form: OrderForm, without: Order | None = None) -> tuple[Decimal, Decimal]:
        """Buying power and position that the order takes, as if `without` were gone; ApiError 403 for too little."""
        owned = account.owned(form.symbol)
        power = account.buying_power + (ZERO if without is None else without.reserve_left)
        qty = self._most_shares(form) if form.qty is None else form.qty
        if form.side == "buy":
            if form.position_intent == "buy_to_close" and owned > -qty:
                raise errors.refused("position intent mismatch, inferred: buy_to_open, specified: buy_to_close")
            opening = max(qty + min(owned, ZERO), ZERO)
            cost = form.notional if form.notional is not None else opening * self._dearest(form) * form.multiplier
            return affordable(power, cost), ZERO
        held = account.held.get(form.symbol, ZERO) - (ZERO if without is None else without.hold_left)
        hold = min(qty, max(owned - held, ZERO))
        short = qty - hold
        if not short:
            return ZERO, hold
        if not account.may_short or form.order_class == "oco" or form.asset_class == "us_option" or short % 1:
            sells = [o.id for o in account.open_orders.values() if o.symbol == form.symbol and o.side == "sell"]
            raise errors.insufficient_qty(form.symbol, qty, existing=owned, held=held, related_orders=sells)
        return affordable(power, short * self._dearest(form)), hold

    def _most_shares(self, form: OrderForm) -> Decimal:
        quote = self.book.market.quote(form.symbol)
        price = (quote.bid or quote.last) if quote else ZERO
        if not price:
            raise errors.refused(f"no price for {form.symbol}")
        return rounded((form.notional or ZERO) / price, _QTY_DECIMALS)

    def _dearest(self, form: OrderForm) -> Decimal:
        """Give the price a claim is made at: limit, else stop, else ask; a short's at least the ask and 3 %."""
        quote = self.book.market.quote(form.symbol)
        ask = (quote.ask or quote.last) if quote else ZERO
        named = form.limit_price if form.limit_price is not None else form.stop_price
        if form.side == "buy":
            return ask if named is None else named
        return max(named or ZERO, ask * _SHORT_MARGIN)

    def cancel(self, account: Account, order_id: str) -> None:
        """End an open order; ApiError 404 when unknown, 422 when it has already ended."""
        self._open(account, order_id)
        self.commit("cancel", account=account.name, order_id=order_id)

    def ask_cancel(self, account: Account, order_id: str) -> None:
        """Take the wish to end an order, which goes on filling until somebody cancels it; ApiError as `cancel`."""
        if self._open(account, order_id).status != "pending_cancel":
            self.commit("cancel_asked", account=account.name, order_id=order_id)

    def set_status(self, order: Order, status: str) -> bool:
        """Script what becomes of an open order: one of OPEN (exchange/state.py) or of ENDS; False when it cannot.

        An order that is held for another to fill can only be ended.
        """
        if order.status not in OPEN or (order.status == "held" and status not in ENDS):
            return False
        self.commit("status", account=order.account, order_id=order.id, status=status)
        return True

    def _open(self, account: Account, order_id: str) -> Order:
        order = account.orders.get(order_id)
        if order is None:
            raise errors.order_not_found(order_id)
        if order_id not in account.open_orders:
            raise errors.not_cancelable(order.status)
        return order

    def fill(self, order: Order, qty: Decimal, price: Decimal) -> None:
        """Execute `qty` (at most what is left) of an open order at `price` USD."""
        self.commit(
            "fill", account=order.account, order_id=order.id, id=str(uuid.uuid4()), qty=str(qty), price=str(price)
        )


def _check_configurations(account: Account, form: OrderForm) -> None:
    if form.asset_class == "us_option" and not account.configurations["max_options_trading_level"]:
        raise errors.forbidden("account not eligible to trade options contracts")
    fractional = form.qty is None or form.qty % 1
    if fractional and not account.configurations["fractional_trading"]:
        raise errors.forbidden("account is not allowed to trade fractional shares")


def affordable(buying_power: Decimal, cost: Decimal) -> Decimal:
    """Give the cost, or raise ApiError 403 when the power (both USD) does not cover it."""
    if cost > buying_power:
        raise errors.insufficient_buying_power(buying_power, cost)
    return cost


def _leg_event(account: Account, form: OrderForm, leg: OrderForm, received_us: int) -> Event:
    """Give a leg's part of the event: it claims nothing before its entry fills, or what the other exit claims."""
    key = str(uuid.uuid4())
    leg = dataclasses.replace(leg, client_order_id=key, order_class=form.order_class)
    status = "new" if form.order_class == "oco" else "held"
    return _order_event(account, leg, str(uuid.uuid4()), received_us) | {"reserve": "0", "hold": "0", "status": status}


def _order_event(account: Account, form: OrderForm, order_id: str, received_us: int) -> Event:
    opens = account.owned(form.symbol) >= 0 if form.side == "buy" else account.owned(form.symbol) <= 0
    return {
        "account": account.name,
        "id": order_id,
        "client_order_id": form.client_order_id,
        "symbol": form.symbol,
        "asset_class": form.asset_class,
        "side": form.side,
        "type": form.type,
        "time_in_force": form.time_in_force,
        **{name: None if (value := getattr(form, name)) is None else str(value) for name in _NUMBERS},
        "extended_hours": form.extended_hours,
        "position_intent": form.position_intent or f"{form.side}_to_{'open' if opens else 'close'}",
        "multiplier": str(form.multiplier),
        **({"order_class": form.order_class} if form.order_class else {}),
        "received_us": received_us,
    }
