"""An order as it was asked for: every field of POST /v2/orders checked in the order of Alpaca's documented errors."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from exchange import errors
from exchange.assets import ASSETS, ASSETS_BY_ID, Asset
from exchange.decimals import decimals_of, to_decimal
from exchange.options import MULTIPLIER, Contract, parse_contract
from exchange.state import Order

_ONE = Decimal(1)
_DEAR_DECIMALS, _CHEAP_DECIMALS, _QTY_DECIMALS = 2, 4, 9
_LONGEST_CLIENT_ORDER_ID = 128
_HUNDRED = Decimal(100)
_PRICES = {
    "market": (),
    "limit": ("limit_price",),
    "stop": ("stop_price",),
    "stop_limit": ("stop_price", "limit_price"),
    "trailing_stop": ("trail_price", "trail_percent"),
}
_PRICE_NAMES = ("limit_price", "stop_price", "trail_price", "trail_percent")
_INTENTS = frozenset({"buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"})


@dataclass(frozen=True, slots=True)
class OrderForm:
    """A well-formed order that is not yet checked against an account; `qty` in shares or contracts."""

    client_order_id: str
    symbol: str
    asset_class: str
    side: str
    type: str
    time_in_force: str
    qty: Decimal | None
    notional: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail_price: Decimal | None
    trail_percent: Decimal | None
    extended_hours: bool
    position_intent: str | None
    multiplier: Decimal
    order_class: str
    exits: "tuple[OrderForm, ...]"
    """The orders that are sent with it (exchange/complex_form.py)."""


def client_order_id_of(body: object) -> str:
    """Read the caller's id, or a new UUID when it sends none, as Alpaca gives one."""
    given = body.get("client_order_id") if isinstance(body, dict) else None
    return given if isinstance(given, str) and given else str(uuid.uuid4())


def read_form(body: object, client_order_id: str, now_ns: int) -> OrderForm:
    """Read the order in a parsed body; raises ApiError 422 naming what is wrong."""
    if not isinstance(body, dict):
        raise errors.bad_request("request body format is invalid")
    if len(client_order_id) > _LONGEST_CLIENT_ORDER_ID:
        raise errors.invalid(f"client_order_id must be no more than {_LONGEST_CLIENT_ORDER_ID} characters")
    listed = _listed(body.get("symbol"), now_ns)
    kind = _choice(body, "type", tuple(_PRICES))
    notional = _notional(body)
    form = OrderForm(
        client_order_id=client_order_id,
        symbol=listed.symbol,
        asset_class="us_equity" if isinstance(listed, Asset) else "us_option",
        side=_choice(body, "side", ("buy", "sell")),
        type=kind,
        time_in_force=_choice(body, "time_in_force", ("day", "gtc", "ioc", "fok")),
        qty=None if notional is not None else _qty(body),
        notional=notional,
        **_prices(body, kind),
        extended_hours=body.get("extended_hours") is True,
        position_intent=_intent(body),
        multiplier=_ONE if isinstance(listed, Asset) else MULTIPLIER,
        order_class="",
        exits=(),
    )
    _check_combination(form, listed)
    return form


def replacement_of(order: Order, changes: object) -> dict[str, Any]:
    """Give the body that a PATCH of a working order amounts to: what is not given stays; raises ApiError 422.

    The quantity is the new order's own: Alpaca takes the old one's original quantity where none is given, whatever
    of it has filled (https://github.com/alpacahq/Alpaca-API/issues/165).
    """
    if not isinstance(changes, dict):
        raise errors.bad_request("request body format is invalid")
    if order.notional is not None or changes.get("notional") is not None:
        raise errors.refused("notional orders cannot be replaced")
    _check_new_qty(order, to_decimal(changes.get("qty")))
    names = ("symbol", "side", "type", "time_in_force", "qty", "extended_hours", "position_intent", *_PRICE_NAMES)
    body = {name: getattr(order, name) for name in names}
    if order.order_class:
        body["qty"] = _unchanged(order, changes)
    given = {name: changes.get(name) for name in ("qty", "time_in_force", "limit_price", "stop_price")}
    given["trail_price" if order.trail_percent is None else "trail_percent"] = changes.get("trail")
    return body | {name: value for name, value in given.items() if value is not None}


def _unchanged(order: Order, changes: dict[str, Any]) -> Decimal:
    """Give what is left of an order with exits, whose prices alone may change."""
    for name in ("qty", "time_in_force", "trail"):
        if changes.get(name) is not None:
            raise errors.refused(f"{name} of {order.order_class} orders cannot be replaced")
    return order.leaves


def _check_new_qty(order: Order, qty: Decimal | None) -> None:
    if qty is None or qty == order.qty:
        return
    if order.qty is not None and decimals_of(order.qty):
        raise errors.refused("qty of fractional orders cannot be changed")
    if decimals_of(qty):
        raise errors.refused("qty must be a whole number to replace an order")


def _listed(symbol: object, now_ns: int) -> Asset | Contract:
    if not isinstance(symbol, str) or not symbol:
        raise errors.invalid("symbol is required")
    stock = ASSETS.get(symbol) or ASSETS_BY_ID.get(symbol)
    if stock is not None:
        return stock
    contract = parse_contract(symbol)
    if contract is None:
        raise errors.refused(f'asset "{symbol}" not found')
    if contract.expiry < _utc_day(now_ns):
        raise errors.refused(f'asset "{symbol}" is not active')
    return contract


def _utc_day(now_ns: int) -> date:
    return datetime.fromtimestamp(now_ns // 1_000_000_000, tz=UTC).date()


def _choice(body: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = body.get(name)
    if value is None:
        raise errors.invalid(f"{name} is required")
    if value not in allowed:
        raise errors.refused(f"invalid {name}: this exchange takes {' or '.join(allowed)}")
    return str(value)


def _qty(body: dict[str, Any]) -> Decimal:
    if body.get("qty") is None:
        raise errors.invalid("qty or notional is required")
    qty = to_decimal(body["qty"])
    if qty is None:
        raise errors.invalid("qty must be a number")
    if qty <= 0:
        raise errors.refused("qty must be > 0")
    if decimals_of(qty) > _QTY_DECIMALS:
        raise errors.refused(f"qty increment: at most {_QTY_DECIMALS} decimals")
    return qty


def _notional(body: dict[str, Any]) -> Decimal | None:
    if body.get("notional") is None:
        return None
    notional = to_decimal(body["notional"])
    if notional is None:
        raise errors.invalid("notional must be a number")
    if body.get("qty") is not None:
        raise errors.invalid("only one of qty or notional is accepted")
    if notional <= 0:
        raise errors.refused("notional must be > 0")
    if decimals_of(notional) > _DEAR_DECIMALS:
        raise errors.refused("notional value must be limited to 2 decimal places")
    return notional


def _prices(body: dict[str, Any], kind: str) -> dict[str, Decimal | None]:
    given = {name: body.get(name) for name in _PRICE_NAMES}
    wanted = _PRICES[kind]
    for name, value in given.items():
        if value is not None and name not in wanted:
            raise errors.refused(f"{kind} orders require no {name.replace('_', ' ')}")
    present = [name for name in wanted if given[name] is not None]
    if kind == "trailing_stop":
        if len(present) != 1:
            raise errors.invalid("trailing stop orders require one of trail_price or trail_percent")
    elif len(present) < len(wanted):
        raise errors.invalid(f"{kind.replace('_', ' ')} orders require {' and '.join(wanted)}")
    return {name: None if given[name] is None else _price(name, given[name]) for name in _PRICE_NAMES}


def _price(name: str, given: object) -> Decimal:
    price = to_decimal(given)
    if price is None:
        raise errors.invalid(f"{name} must be a number")
    if price <= 0 or (name == "trail_percent" and price >= _HUNDRED):
        raise errors.refused(f"{name.replace('_', ' ')} must be > 0")
    if name != "trail_percent" and decimals_of(price) > (_DEAR_DECIMALS if price >= _ONE else _CHEAP_DECIMALS):
        raise errors.sub_penny(price, name)
    return price


def _intent(body: dict[str, Any]) -> str | None:
    intent = body.get("position_intent")
    if intent is not None and intent not in _INTENTS:
        raise errors.refused("invalid position_intent")
    return intent


def _check_combination(form: OrderForm, listed: Asset | Contract) -> None:
    fractional = form.qty is None or decimals_of(form.qty) > 0
    if isinstance(listed, Contract):
        _check_option(form, fractional=fractional)
    elif fractional:
        _check_fraction(form, listed)
    if form.position_intent is not None and not form.position_intent.startswith(form.side):
        raise errors.refused(
            f"position intent mismatch, inferred: {form.side}_to_open, specified: {form.position_intent}"
        )
    if form.time_in_force in {"ioc", "fok"} and form.type not in {"market", "limit"}:
        raise errors.refused(f"invalid time_in_force {form.time_in_force} for {form.type} orders")
    if form.extended_hours and (form.type != "limit" or form.time_in_force not in {"day", "gtc"}):
        raise errors.refused("extended hours order must be DAY or GTC limit orders")


def _check_fraction(form: OrderForm, listed: Asset) -> None:
    if not listed.fractionable:
        raise errors.forbidden(f'asset "{listed.symbol}" is not fractionable')
    if form.time_in_force != "day":
        raise errors.refused("fractional orders must be DAY orders")
    if form.type == "trailing_stop" or (form.qty is None and form.type != "market"):
        raise errors.refused(f"fractional orders cannot be {form.type} orders")


def _check_option(form: OrderForm, *, fractional: bool) -> None:
    if fractional:
        raise errors.refused("option orders require a whole quantity")
    if form.time_in_force != "day":
        raise errors.refused("option orders must be DAY orders")
    if form.extended_hours:
        raise errors.refused("option orders cannot trade in extended hours")
    if form.type == "trailing_stop":
        raise errors.refused("invalid order type for options trading")
