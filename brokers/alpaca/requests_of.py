"""An order in Alpaca's words: the bodies of POST and PATCH /v2/orders."""

from typing import Any

from domain.broker import Ticket
from domain.orders import AssetClass, plain

_DECIMALS = ("qty", "notional", "limit_price", "stop_price", "trail_price", "trail_percent")


def placing(ticket: Ticket) -> dict[str, Any]:
    """Return the body of a new order; decimals are strings, exactly as asked for."""
    terms = ticket.terms
    body: dict[str, Any] = {
        "symbol": terms.symbol,
        "side": terms.side.value,
        "type": terms.order_type.value,
        "time_in_force": terms.time_in_force.value,
        "client_order_id": ticket.broker_client_id,
    }
    body |= {name: plain(value) for name in _DECIMALS if (value := getattr(terms, name)) is not None}
    if terms.extended_hours:
        body["extended_hours"] = True
    if (
        terms.position_intent is not None and terms.asset_class is AssetClass.OPTION
    ):  # ours says more, Alpaca takes no more
        body["position_intent"] = terms.position_intent.value
    return body


def replacing(ticket: Ticket) -> dict[str, Any]:
    """Return the body of a replacement: `trail` is in the unit the order has; the quantity is what is still to trade.

    Alpaca makes a new order of exactly this quantity, whatever the old one filled:
    https://github.com/alpacahq/Alpaca-API/issues/165.
    """
    terms = ticket.terms
    given = {
        "qty": terms.qty,
        "limit_price": terms.limit_price,
        "stop_price": terms.stop_price,
        "trail": terms.trail_price if terms.trail_percent is None else terms.trail_percent,
    }
    body: dict[str, Any] = {name: plain(value) for name, value in given.items() if value is not None}
    return body | {"time_in_force": terms.time_in_force.value, "client_order_id": ticket.broker_client_id}
