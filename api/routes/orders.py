"""Placing orders and reading them back (TRD-001). The route writes one row and hands its id on; workers do the rest."""

import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from api.auth import CurrentUser, Trader
from api.canceling import cancel_all, cancel_one
from api.deadline import in_time
from api.exact_json import ExactRoute
from api.idempotency import KeyHeader
from api.order_query import OrderQuery, cursor_at
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
    OrderPage,
    OrderSummary,
    ReplaceIn,
    Symbol,
)
from api.state import ApiState, State
from api.waiting import wanted_wait
from domain.errors import InvalidRequest
from domain.order_state import OrderStatus
from domain.orders import FieldProblem, Side
from models.unit import Row, Unit
from services.accounts import find_account
from services.order_list import list_orders
from services.orders import read_order, read_timeline

router = APIRouter(prefix="/api/v1/orders", tags=["orders"], route_class=ExactRoute)

Prefer = Annotated[str | None, Header(description="wait=N: stay up to N seconds (30 at most) for the broker's word")]
_SETTLED: dict[int | str, dict[str, Any]] = {200: {"model": OrderOut, "description": "Settled while the caller waited"}}


@router.post("", operation_id="placeOrder", status_code=202, response_model=OrderAccepted, responses=_SETTLED)
async def place_order(  # noqa: PLR0917  FastAPI passes by name
    body: OrderIn,
    request: Request,
    state: State,
    user: Trader,
    idempotency_key: KeyHeader,
    prefer: Prefer = None,  # noqa: ARG001  shown in the documentation; read from the request, where it may stand twice
) -> Response:
    """Store the order and answer 202 with its Location; the same key again gets the same answer.

    With `Prefer: wait=N` the answer stays until the broker's word is there (200, the order as it stands) or N seconds
    are over (202).
    """
    given = incoming(request, body, user, idempotency_key)
    accepted = await in_time(lambda: accept_order(state, given), request, state)
    answer = _accepted(accepted)
    seconds = wanted_wait(request)
    if seconds and state.waiting.has_room:
        answer.headers["Preference-Applied"] = f"wait={seconds}"
        if await _settled(request, state, accepted.order_id, seconds):
            order = await run_in_threadpool(_order, state, accepted.order_id)
            return _json(order, 200, answer.headers)
    return answer


async def _settled(request: Request, state: ApiState, order_id: uuid.UUID, seconds: int) -> bool:
    spent_ms = state.clock.monotonic_ms() - request.scope["opitios.started_ms"]
    return await state.waiting.settled(order_id, seconds - spent_ms / 1000, request)


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


@router.patch("/{order_id}", operation_id="replaceOrder", status_code=202, response_model=OrderAccepted)
async def replace_order(  # noqa: PLR0917  FastAPI passes by name
    order_id: uuid.UUID,
    body: ReplaceIn,
    request: Request,
    state: State,
    user: Trader,
    idempotency_key: KeyHeader,
) -> Response:
    """Store an order that takes the place of a working one, with its own id and key, and answer 202 with Location."""
    given = incoming(request, body, user, idempotency_key)
    return _accepted(await in_time(lambda: accept_replacement(state, order_id, given), request, state))


@router.delete("/{order_id}", operation_id="cancelOrder", status_code=202)
async def cancel_order(order_id: uuid.UUID, request: Request, state: State, user: Trader) -> CancelAccepted:
    """Ask for the order's end and answer 202: it has ended when its status says so. Asking again changes nothing."""
    status = await in_time(lambda: cancel_one(state, order_id, request, user), request, state)
    return _cancel_accepted(order_id, status)


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
    return _order(state, order_id)


def _order(state: ApiState, order_id: uuid.UUID) -> OrderOut:
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


def _accepted(requested: AcceptedOrder) -> Response:
    href = f"/api/v1/orders/{requested.order_id}"
    headers = {"Location": href}
    if requested.replayed:
        headers["Idempotency-Replayed"] = "true"
    answer = OrderAccepted(order_id=requested.order_id, client_order_id=requested.client_order_id, href=href)
    return _json(answer, 202, headers)


def _json(answer: BaseModel, status: int, headers: Mapping[str, str]) -> Response:
    """Return the answer as it stands: the framework would check and copy what is ours already."""
    kept = {name: value for name, value in headers.items() if name.lower() not in {"content-length", "content-type"}}
    return Response(answer.model_dump_json(), status, kept, "application/json")


def _cancel_accepted(order_id: uuid.UUID, status: OrderStatus) -> CancelAccepted:
    return CancelAccepted(order_id=order_id, status=status, href=f"/api/v1/orders/{order_id}")
