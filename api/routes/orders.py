"""Placing orders and reading them back (TRD-001). The route writes one row and hands its id on; workers do the rest."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from api.auth import CurrentUser, Trader
from api.canceling import cancel_all, cancel_one
from api.exact_json import ExactRoute
from api.placing import AcceptedOrder, accept_order, incoming
from api.replacing import accept_replacement
from api.schemas import (
    CancelAccepted,
    CancelAllAccepted,
    EventOut,
    Name,
    OrderAccepted,
    OrderIn,
    OrderOut,
    ReplaceIn,
    Symbol,
)
from api.state import State
from domain.order_state import OrderStatus
from domain.orders import Side
from services.orders import read_order, read_timeline

router = APIRouter(prefix="/api/v1/orders", tags=["orders"], route_class=ExactRoute)

KeyHeader = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)]


@router.post("", operation_id="placeOrder", status_code=202)
def place_order(  # noqa: PLR0917  FastAPI passes by name
    body: OrderIn, request: Request, response: Response, state: State, user: Trader, idempotency_key: KeyHeader = None
) -> OrderAccepted:
    """Store the order and answer 202 with its Location; the same key again answers with the same order."""
    requested = accept_order(state, incoming(request, body, user, idempotency_key))
    return _accepted(response, requested)


@router.patch("/{order_id}", operation_id="replaceOrder", status_code=202)
def replace_order(  # noqa: PLR0917  FastAPI passes by name
    order_id: uuid.UUID,
    body: ReplaceIn,
    request: Request,
    response: Response,
    state: State,
    user: Trader,
    idempotency_key: KeyHeader = None,
) -> OrderAccepted:
    """Store an order that takes the place of a working one, with its own id and key, and answer 202 with Location."""
    requested = accept_replacement(state, order_id, incoming(request, body, user, idempotency_key))
    return _accepted(response, requested)


@router.delete("/{order_id}", operation_id="cancelOrder", status_code=202)
def cancel_order(order_id: uuid.UUID, request: Request, state: State, user: Trader) -> CancelAccepted:
    """Ask for the order's end and answer 202: it has ended when its status says so. Asking again changes nothing."""
    return _cancel_accepted(order_id, cancel_one(state, order_id, request, user))


@router.delete("", operation_id="cancelOrders", status_code=202)
def cancel_orders(  # noqa: PLR0917  FastAPI passes by name
    request: Request,
    state: State,
    user: Trader,
    account: Annotated[Name | None, Query(description="only this account's orders")] = None,
    symbol: Annotated[Symbol | None, Query(description="only orders of this symbol")] = None,
    side: Annotated[Side | None, Query(description="only this side")] = None,
) -> CancelAllAccepted:
    """Ask for the end of every open order that is meant (without a filter: of all), and name them."""
    found = cancel_all(state, request, user, account=account, symbol=symbol, side=side)
    return CancelAllAccepted(orders=[_cancel_accepted(order_id, status) for order_id, status in found.items()])


@router.get("/{order_id}", operation_id="getOrder")
def get_order(order_id: uuid.UUID, state: State, user: CurrentUser) -> OrderOut:  # noqa: ARG001  signed in is enough to read
    """Return one order with its whole timeline."""
    with state.database.statement() as unit:
        order = read_order(unit, order_id)
        events = read_timeline(unit, order)
    fields = order._asdict() | {"type": order.order_type}
    timeline = [EventOut.model_validate(event._asdict() | {"event": event.event_type}) for event in events]
    return OrderOut.model_validate(fields | {"timeline": timeline})


def _accepted(response: Response, requested: AcceptedOrder) -> OrderAccepted:
    href = f"/api/v1/orders/{requested.order_id}"
    response.headers["Location"] = href
    if requested.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return OrderAccepted(
        order_id=requested.order_id, client_order_id=requested.client_order_id, status=requested.status, href=href
    )


def _cancel_accepted(order_id: uuid.UUID, status: OrderStatus) -> CancelAccepted:
    return CancelAccepted(order_id=order_id, status=status, href=f"/api/v1/orders/{order_id}")
