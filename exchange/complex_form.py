"""Orders with exits attached: brackets and one-triggers-other, whose entry comes first, and one-cancels-other.

The rules are those of Alpaca's page on orders (docs.alpaca.markets/docs/orders-at-alpaca, sections Bracket, OCO, OTO).
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from exchange import errors
from exchange.decimals import CENT, decimals_of
from exchange.order_form import OrderForm, read_form

_ENTRIES = frozenset({"bracket", "oto"})
_SIMPLE = frozenset({None, "", "simple"})
_OTHER_SIDE = {"buy": "sell", "sell": "buy"}


def read_order(body: object, client_order_id: str, now_ns: int) -> OrderForm:
    """Read a parsed body with its exits, if it has any; raises ApiError 422 naming what is wrong."""
    order_class = body.get("order_class") if isinstance(body, dict) else None
    if not isinstance(body, dict) or order_class in _SIMPLE:
        return read_form(body, client_order_id, now_ns)
    if order_class == "mleg":
        raise errors.refused("multi-leg orders are not supported by this exchange")
    if order_class not in {*_ENTRIES, "oco"}:
        raise errors.refused("invalid order_class")
    profit, loss = _parts(body, str(order_class))
    if order_class == "oco":
        body = _oco_body(body, profit)
    form = read_form(body, client_order_id, now_ns)
    _check_combination(form, str(order_class))
    side = form.side if order_class == "oco" else _OTHER_SIDE[form.side]
    common = {name: body[name] for name in ("symbol", "qty", "time_in_force")}
    common |= {"side": side, "position_intent": f"{side}_to_close"}
    bodies = [] if profit is None or order_class == "oco" else [{**common, "type": "limit", **profit}]
    if loss is not None:
        kind = "stop" if loss.get("limit_price") is None else "stop_limit"
        bodies.append({**common, "type": kind, **loss})
    exits = tuple(read_form(each, "", now_ns) for each in bodies)
    return replace(form, order_class=str(order_class), exits=exits)


def check_prices(form: OrderForm, last: Decimal) -> None:
    """Refuse exits on the wrong side of each other, of the entry or of the last trade (USD); ApiError 422."""
    is_entry, closes_long = form.order_class in _ENTRIES, form.exits[0].side == "sell"
    profits = [exit_.limit_price for exit_ in form.exits if exit_.type == "limit" and exit_.limit_price is not None]
    if not is_entry and form.limit_price is not None:
        profits.append(form.limit_price)
    for stop in (exit_.stop_price for exit_ in form.exits):
        if stop is None:
            continue
        for profit in profits:
            if profit <= stop if closes_long else profit >= stop:
                raise errors.refused(
                    f"take_profit.limit_price must be {'>' if closes_long else '<'} stop_loss.stop_price"
                )
        for base in (last, form.limit_price):
            if base is not None and (stop > base - CENT if closes_long else stop < base + CENT):
                raise errors.exit_price("stop_loss.stop_price", base, below=closes_long)
    base = last if form.limit_price is None else form.limit_price
    for profit in profits if is_entry else ():
        if profit < base + CENT if closes_long else profit > base - CENT:
            raise errors.exit_price("take_profit.limit_price", base, below=not closes_long)


def _parts(body: dict[str, Any], order_class: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    profit = _part(body, "take_profit", ("limit_price",))
    loss = _part(body, "stop_loss", ("stop_price", "limit_price"))
    if order_class == "oto":
        if (profit is None) == (loss is None):
            raise errors.invalid("oto orders require either take_profit or stop_loss")
        return profit, loss
    if profit is None:
        raise errors.invalid(f"{order_class} orders require take_profit.limit_price")
    if loss is None:
        raise errors.invalid(f"{order_class} orders require stop_loss.stop_price")
    return profit, loss


def _part(body: dict[str, Any], name: str, fields: tuple[str, ...]) -> dict[str, Any] | None:
    """Read one attached exit's prices; the first of the fields must be there."""
    part = body.get(name)
    if part is None:
        return None
    if not isinstance(part, dict) or part.get(fields[0]) is None:
        raise errors.invalid(f"{name}.{fields[0]} is required")
    return {field: part.get(field) for field in fields}


def _oco_body(body: dict[str, Any], profit: dict[str, Any] | None) -> dict[str, Any]:
    """Give the take-profit order that an OCO order is itself."""
    if body.get("type") != "limit":
        raise errors.refused("oco orders must be limit orders")
    return {**body, **(profit or {}), "position_intent": f"{body.get('side')}_to_close"}


def _check_combination(form: OrderForm, order_class: str) -> None:
    if form.asset_class == "us_option":
        raise errors.refused("complex orders not supported for options trading")
    if form.qty is None or decimals_of(form.qty):
        raise errors.refused("fractional orders must be simple orders")
    if form.extended_hours:
        raise errors.refused(f"{order_class} orders are not supported in extended hours")
    if form.time_in_force not in {"day", "gtc"}:
        raise errors.refused(f"{order_class} orders must be DAY or GTC orders")
    if form.type == "trailing_stop":
        raise errors.refused(f"{order_class} orders cannot be trailing_stop orders")
