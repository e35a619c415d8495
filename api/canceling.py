"""From a request to cancel to a wish on the order's row, and a hint to the workers (R13)."""

import uuid

from fastapi import Request

from api.state import ApiState
from config import log_context
from config.celery import CANCEL_ORDER
from domain.errors import NotCancelable, NotFound, UnknownAccount
from domain.order_state import OrderStatus
from domain.orders import FieldProblem, Side
from services.accounts import find_account
from services.order_cancel import CancelWish, open_orders, request_cancel
from services.users import UserRef

_AT_BROKER = {OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED}


def cancel_one(state: ApiState, order_id: uuid.UUID, request: Request, user: UserRef) -> OrderStatus:
    """Ask for one order's end; return where it stands now. Raises NotFound, NotCancelable."""
    scope = request.scope
    log_context.add(order_id=str(order_id))
    wish = CancelWish(
        reason=f"asked for by {user.username}",
        now=state.clock.now(),
        started_at=scope["opitios.started_at"],
        total_ms=state.clock.monotonic_ms() - scope["opitios.started_ms"],
    )
    with state.database.unit() as unit:
        status = request_cancel(unit, order_id, wish, state.origin(user.username))
    if status in _AT_BROKER:
        state.hints.hint(CANCEL_ORDER, str(order_id))
    return status


def cancel_all(
    state: ApiState,
    request: Request,
    user: UserRef,
    *,
    account: str | None,
    symbol: str | None,
    side: Side | None,
) -> dict[uuid.UUID, OrderStatus]:
    """Ask for the end of every open order that is meant, each by itself. Raises UnknownAccount."""
    with state.database.statement() as unit:
        if account is not None and find_account(unit, account) is None:
            problems = [FieldProblem("account", account, "the name of an account; see GET /api/v1/accounts")]
            raise UnknownAccount(f"no account {account!r} that you may use", problems)
        meant = open_orders(unit, account=account, symbol=symbol, side=side)
    found: dict[uuid.UUID, OrderStatus] = {}
    for order_id in meant:
        try:
            found[order_id] = cancel_one(state, order_id, request, user)
        except (NotCancelable, NotFound):
            continue  # it ended meanwhile, which is what was wanted
    return found
