"""Placing orders and reading them back (TRD-001). The route writes one row and hands its id on; workers do the rest."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from api.auth import CurrentUser, Trader
from api.exact_json import ExactRoute
from api.order_query import OrderQuery, cursor_at
from api.placing import accept_order, incoming
from api.schemas import EventOut, OrderAccepted, OrderIn, OrderOut, OrderPage, OrderSummary
from api.state import State
from domain.errors import InvalidRequest
from domain.orders import FieldProblem
from models.unit import Row, Unit
from services.accounts import find_account
from services.order_list import list_orders
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


@router.get("", operation_id="listOrders")
def get_orders(query: Annotated[OrderQuery, Query()], state: State, user: CurrentUser) -> OrderPage:  # noqa: ARG001  signed in is enough to read
    """Return a page of orders, newest first; what arrives meanwhile moves nothing to another page."""
    after = query.after()
    with state.database.statement() as unit:
        wanted = query.wanted(_account_id(unit, query.account))
        found = list_orders(unit, wanted, after=after, limit=query.limit + 1)
    page = found[: query.limit]
    more = len(found) > len(page)
    return OrderPage(
        orders=[OrderSummary.model_validate(_fields(order)) for order in page],
        next_cursor=cursor_at(page[-1]) if more else None,
    )


@router.get("/{order_id}", operation_id="getOrder")
def get_order(order_id: uuid.UUID, state: State, user: CurrentUser) -> OrderOut:  # noqa: ARG001  signed in is enough to read
    """Return one order with its whole timeline."""
    with state.database.statement() as unit:
        order = read_order(unit, order_id)
        events = read_timeline(unit, order)
    timeline = [EventOut.model_validate(event._asdict() | {"event": event.event_type}) for event in events]
    return OrderOut.model_validate(_fields(order) | {"timeline": timeline})


def _account_id(unit: Unit, name: str | None) -> uuid.UUID | None:
    if name is None:
        return None
    account = find_account(unit, name)
    if account is None:
        problem = FieldProblem("account", name, "the name of an account; see GET /api/v1/accounts")
        raise InvalidRequest("not as expected: account", [problem])
    return account.account_id


def _fields(order: Row) -> dict[str, Any]:
    return order._asdict() | {"type": order.order_type}  # type: ignore[no-any-return]
