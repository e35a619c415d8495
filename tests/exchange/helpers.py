"""Orders in the client's own words, and waiting for what happens at the exchange in its own time."""

import time
import uuid
from collections.abc import Callable
from typing import Any, TypeVar, cast

from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.models import Order
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest

T = TypeVar("T")
Ask = Callable[[str], tuple[int, Any]]
"""Answers a GET with status and body."""


def market_order(symbol: str = "AAPL", qty: float = 1, side: str = "buy", **fields: Any) -> MarketOrderRequest:
    fields.setdefault("client_order_id", new_id())
    return MarketOrderRequest(
        symbol=symbol, qty=qty, side=OrderSide(side), time_in_force=TimeInForce(fields.pop("tif", "day")), **fields
    )


def limit_order(
    symbol: str = "AAPL", qty: float = 1, side: str = "buy", *, price: float, **fields: Any
) -> LimitOrderRequest:
    fields.setdefault("client_order_id", new_id())
    tif = TimeInForce(fields.pop("tif", "day"))
    return LimitOrderRequest(
        symbol=symbol, qty=qty, side=OrderSide(side), time_in_force=tif, limit_price=price, **fields
    )


def new_id() -> str:
    return uuid.uuid4().hex  # noqa: TID251  a test's ids only have to differ


def submit(client: TradingClient, request: MarketOrderRequest | LimitOrderRequest) -> Order:
    return cast("Order", client.submit_order(request))


def eventually(look: Callable[[], T | None], within_s: float = 10.0) -> T:
    """The first truthy thing that `look` gives; AssertionError when time runs out."""
    deadline = time.monotonic() + within_s  # noqa: TID251  a real process is waited for
    while time.monotonic() < deadline:  # noqa: TID251  a real process is waited for
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def filled(client: TradingClient, order: Order) -> Order:
    def look() -> Order | None:
        now = cast("Order", client.get_order_by_id(order.id))
        return now if now.status.value == "filled" else None

    return eventually(look)


def refusal(call: Callable[[], object]) -> tuple[int, dict[str, Any]]:
    """The status and body with which the exchange refuses a call."""
    try:
        call()
    except APIError as error:
        return cast("int", error.status_code), error.response.json()
    raise AssertionError("the call was not refused")
