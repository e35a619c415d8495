"""A refused order is audited with its timing although no order exists (TRD-001, DESIGN section 9)."""

from decimal import Decimal, InvalidOperation
from typing import Any

from fastapi import Request
from loguru import logger

from api.auth import user_of
from api.state import ApiState, state_of
from api.tracing import trace_of
from config.logging import log_operation
from domain.errors import DomainError, NotAuthenticated, OutcomeUnknown, StoreUnavailable
from domain.orders import plain
from domain.timing import OrderLine, safe
from models.unit import StoreError
from services.accounts import AccountRef
from services.operations import Operation, record_operation

_MAX = 64


def record_refusal(request: Request, error: DomainError, body: Any) -> None:
    """Write one row for a refused placement, replacement or cancel, and a line for a placement.

    Other requests, and a store that is away, have neither.
    """
    operation = _operation(request)
    if operation is None:
        return
    if isinstance(error, StoreUnavailable | OutcomeUnknown | NotAuthenticated):
        return
    state = state_of(request)
    actor = _actor(request)
    if actor is None:
        return  # a body that cannot be read is refused before anybody asks who sent it: nobody is not audited
    asked = body if isinstance(body, dict) else request.scope.get("opitios.body") or {}
    total_ms = state.clock.monotonic_ms() - request.scope["opitios.started_ms"]
    account = _account(state, asked)
    refusal = Operation(
        operation=operation,
        started_at=request.scope["opitios.started_at"],
        occurred_at=state.clock.now(),
        total_ms=total_ms,
        success=False,
        source="api",
        trace_id=trace_of(request),
        account_id=None if account is None else account.account_id,
        account_name=_text(asked, "account"),
        account_type=None if account is None else account.account_type.value,
        account_type_source=None if account is None else account.account_type_source.value,
        symbol=_text(asked, "symbol"),
        reason_code=error.code,
        reason=safe(error.detail),
        detail={
            "errors": [{"field": item.field, "value": item.value, "expected": item.expected} for item in error.problems]
        },
    )
    if operation == "place_order":
        log_operation(_line(asked, account, error.code, total_ms))
    try:
        with state.database.statement() as unit:
            record_operation(unit, refusal, state.origin(actor), state.ids)
    except StoreError as failure:
        logger.error("A refusal could not be audited: {}", type(failure).__name__)


def _operation(request: Request) -> str | None:
    """Return what was refused by its name in the audit trail, None for what is not audited here."""
    if not request.url.path.startswith("/api/v1/orders"):
        return None
    if request.method == "POST":
        return "place_order" if request.url.path == "/api/v1/orders" else None
    return {"PATCH": "replace_order", "DELETE": "cancel_order"}.get(request.method)


def _actor(request: Request) -> str | None:
    known: str | None = request.scope.get("opitios.user")
    if known is not None:
        return known
    try:
        return user_of(request, state_of(request)).username
    except (NotAuthenticated, StoreError):
        return None


def _account(state: ApiState, asked: dict[str, Any]) -> AccountRef | None:
    """Return the account that is meant, None when nobody knows it: then its type is unknown too."""
    name = asked.get("account")
    if not isinstance(name, str) or "\0" in name:
        return None
    try:
        return state.account(name)
    except StoreError:
        return None


def _line(asked: dict[str, Any], account: AccountRef | None, code: str, total_ms: float) -> OrderLine:
    return OrderLine(
        side=_text(asked, "side") or "?",
        symbol=_text(asked, "symbol") or "?",
        size=_size(asked),
        order_id=None,
        total_ms=total_ms,
        network_ms=None,
        account=_text(asked, "account") or "?",
        account_type="unknown" if account is None else account.account_type.value,
        source="api",
        error=code,
    )


def _text(asked: dict[str, Any], field: str) -> str | None:
    value = asked.get(field)
    if isinstance(value, dict | list):
        return "?"  # it holds fields of its own, and nobody knows what stands in them
    return None if value is None else safe(str(value)[:_MAX])


def _size(asked: dict[str, Any]) -> str:
    for name, unit in (("qty", ""), ("notional", "$")):
        try:
            amount = Decimal(str(asked.get(name))[:_MAX])
        except InvalidOperation:
            continue
        if amount.is_finite() and abs(amount.adjusted()) < _MAX:
            return unit + plain(amount)
    return "?"
