"""A refused order is audited with its timing although no order exists (TRD-001, DESIGN section 9)."""

from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy.exc
from fastapi import Request
from loguru import logger

from api.auth import current_user
from api.state import state_of
from api.tracing import trace_of
from domain.errors import DomainError, NotAuthenticated, OutcomeUnknown, StoreUnavailable
from domain.timing import OrderLine, safe
from services.operations import Operation, record_operation

_MAX = 64


def record_refusal(request: Request, error: DomainError, body: Any) -> None:
    """Write one row and one line for a refused placement; other requests and a store that is away have neither."""
    if request.method != "POST" or request.url.path != "/api/v1/orders":
        return
    if isinstance(error, StoreUnavailable | OutcomeUnknown | NotAuthenticated):
        return
    state = state_of(request)
    actor = _actor(request)
    if actor is None:
        return  # a body that cannot be read is refused before anybody asks who sent it: nobody is not audited
    asked = body if isinstance(body, dict) else request.scope.get("opitios.body") or {}
    total_ms = state.clock.monotonic_ms() - request.scope["opitios.started_ms"]
    refusal = Operation(
        operation="place_order",
        started_at=request.scope["opitios.started_at"],
        occurred_at=state.clock.now(),
        total_ms=total_ms,
        success=False,
        source="api",
        trace_id=trace_of(request),
        account_name=_text(asked, "account"),
        symbol=_text(asked, "symbol"),
        reason_code=error.code,
        reason=safe(error.detail),
        detail={
            "errors": [{"field": item.field, "value": item.value, "expected": item.expected} for item in error.problems]
        },
    )
    logger.error("{}", _line(asked, error.code, total_ms).text())
    try:
        with state.database.statement() as unit:
            record_operation(unit, refusal, state.origin(actor), state.ids)
    except sqlalchemy.exc.SQLAlchemyError as failure:
        logger.error("A refusal could not be audited: {}", type(failure).__name__)


def _actor(request: Request) -> str | None:
    known: str | None = request.scope.get("opitios.user")
    if known is not None:
        return known
    try:
        return current_user(request, state_of(request)).username
    except (NotAuthenticated, sqlalchemy.exc.SQLAlchemyError):
        return None


def _line(asked: dict[str, Any], code: str, total_ms: float) -> OrderLine:
    return OrderLine(
        side=_text(asked, "side") or "?",
        symbol=_text(asked, "symbol") or "?",
        qty=_qty(asked.get("qty")),
        order_id=None,
        total_ms=total_ms,
        network_ms=None,
        account=_text(asked, "account") or "?",
        account_type="unknown",
        source="api",
        error=code,
    )


def _text(asked: dict[str, Any], field: str) -> str | None:
    value = asked.get(field)
    return None if value is None else safe(str(value)[:_MAX])


def _qty(value: Any) -> Decimal:
    try:
        qty = Decimal(str(value)[:_MAX])
    except InvalidOperation:
        return Decimal("NaN")
    return qty if qty.is_finite() and abs(qty.adjusted()) < _MAX else Decimal("NaN")
