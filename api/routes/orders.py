"""Placing orders and reading them back (TRD-001). The route writes one row and hands its id on; workers do the rest."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from api.auth import CurrentUser, Trader
from api.exact_json import ExactRoute
from api.placing import accept_order, incoming
from api.schemas import EventOut, OrderAccepted, OrderIn, OrderOut
from api.state import State
from services.orders import read_order, read_timeline

router = APIRouter(prefix="/api/v1/orders", tags=["orders"], route_class=ExactRoute)

KeyHeader = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)]


@router.post("", operation_id="placeOrder", status_code=202)
def place_order(  # noqa: PLR0917  FastAPI passes by name
    body: OrderIn, request: Request, response: Response, state: State, user: Trader, idempotency_key: KeyHeader = None
) -> OrderAccepted:
    """Store the order and answer 202 with its Location; the same key again answers with the same order."""
    requested = accept_order(state, incoming(request, body, user, idempotency_key))
    href = f"/api/v1/orders/{requested.order_id}"
    response.headers["Location"] = href
    if requested.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return OrderAccepted(
        order_id=requested.order_id, client_order_id=requested.client_order_id, status=requested.status, href=href
    )


@router.get("/{order_id}", operation_id="getOrder")
def get_order(order_id: uuid.UUID, state: State, user: CurrentUser) -> OrderOut:  # noqa: ARG001  signed in is enough to read
    """Return one order with its whole timeline."""
    with state.database.statement() as unit:
        order = read_order(unit, order_id)
        events = read_timeline(unit, order)
    fields = order._asdict() | {"type": order.order_type}
    timeline = [EventOut.model_validate(event._asdict() | {"event": event.event_type}) for event in events]
    return OrderOut.model_validate(fields | {"timeline": timeline})
