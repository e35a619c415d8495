"""Signing in."""

from fastapi import APIRouter, Request

from api.auth import issue_token
from api.schemas import LoginIn, TokenOut
from api.state import ApiState, State
from api.tracing import trace_of
from domain.errors import NotAuthenticated
from services.operations import Operation, record_operation
from services.users import find_user, password_hash_of, verify_password

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


@router.post("/login", operation_id="login")
def login(body: LoginIn, request: Request, state: State) -> TokenOut:
    """Return a token for a user's name and password; every attempt is audited."""
    started_at, started_ms = state.clock.now(), state.clock.monotonic_ms()
    with state.database.statement() as unit:
        stored = password_hash_of(unit, body.username)
    right = verify_password(stored, body.password)  # takes 0.2 s: outside any connection
    attempt = Operation(
        operation="login",
        started_at=started_at,
        occurred_at=state.clock.now(),
        total_ms=state.clock.monotonic_ms() - started_ms,
        success=right,
        source="api",
        trace_id=trace_of(request),
        reason_code=None if right else "wrong_password",
    )
    _record(state, attempt, body.username)
    with state.database.statement() as unit:
        user = find_user(unit, body.username) if right else None
    if user is None:
        raise NotAuthenticated("name or password is wrong")
    token, expires_at = issue_token(state, user)
    return TokenOut(access_token=token, expires_at=expires_at, role=user.role)


def _record(state: ApiState, attempt: Operation, username: str) -> None:
    with state.database.statement() as unit:
        record_operation(unit, attempt, state.origin(username), state.ids)
