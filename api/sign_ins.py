"""Sign-ins and ended sessions on record: who, when, how it ended; never a password, and no address (US-SYSTEM-016).

The name that was given stands there when somebody has it. Any other one may be a password in the wrong field, and what
is in the trail stays there for years.
"""

from fastapi import Request
from loguru import logger

from api.state import ApiState
from api.tracing import trace_of
from models.unit import StoreError
from services.operations import Operation, record_operation
from services.users import UserRef

NOBODY = "unknown"


def record_sign_in(state: ApiState, request: Request, user: UserRef | None, refused: str | None) -> None:
    """Write an attempt to sign in; `refused` is None, or why. Raises StoreError: no record, no token."""
    _record(state, request, "login", user=user, refused=refused)


def record_ended_session(state: ApiState, request: Request, user: UserRef, version: int) -> None:
    """Write that a token of an ended session was refused: once a minute for each session, however often it comes."""

    def write() -> bool:
        why = "user_disabled" if user.disabled else "session_ended"
        _record(state, request, "session_refused", user=user, refused=why)
        return True

    try:
        state.ended_sessions.get((user.username, version), write)
    except StoreError as error:
        logger.error("A refused session could not be audited: {}", type(error).__name__)


def _record(state: ApiState, request: Request, operation: str, *, user: UserRef | None, refused: str | None) -> None:
    attempt = Operation(
        operation=operation,
        started_at=request.scope["opitios.started_at"],
        occurred_at=state.clock.now(),
        total_ms=state.clock.monotonic_ms() - request.scope["opitios.started_ms"],
        success=refused is None,
        source="api",
        trace_id=trace_of(request),
        reason_code=refused,
        detail={} if user is None else {"role": user.role.value},
    )
    with state.database.statement() as unit:
        record_operation(unit, attempt, state.origin(NOBODY if user is None else user.username), state.ids)
