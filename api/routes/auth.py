"""Signing in (US-SYSTEM-016)."""

from fastapi import APIRouter, Request

from api.auth import issue_token
from api.schemas import LoginIn, TokenOut
from api.state import ApiState, State
from api.tracing import trace_of
from domain.errors import NotAuthenticated, TooManyAttempts
from services.logins import begin_attempt, forget_attempts
from services.operations import Operation, record_operation
from services.users import find_user, password_hash_of, verify_password

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


@router.post("/login", operation_id="login")
def login(body: LoginIn, request: Request, state: State) -> TokenOut:
    """Return a token for a user's name and password; every attempt is audited.

    After five wrong passwords for a name within a minute, every sign-in under it is refused for a minute (429).
    """
    with state.database.statement() as unit:
        pause_s = begin_attempt(unit, body.username)
        stored = password_hash_of(unit, body.username)
    if pause_s:
        _record(state, request, body.username, "too_many_attempts")
        raise TooManyAttempts(f"wait {pause_s} s, then sign in; nobody was asked for this password", pause_s)
    right = verify_password(stored, body.password)  # takes 0.2 s: outside any connection
    _record(state, request, body.username, None if right else "wrong_password")
    with state.database.statement() as unit:
        user = find_user(unit, body.username) if right else None
        if user is not None:
            forget_attempts(unit, body.username)
    if user is None:
        raise NotAuthenticated("name or password is wrong")
    token, expires_at = issue_token(state, user)
    return TokenOut(access_token=token, expires_at=expires_at, role=user.role)


def _record(state: ApiState, request: Request, username: str, refused: str | None) -> None:
    attempt = Operation(
        operation="login",
        started_at=request.scope["opitios.started_at"],
        occurred_at=state.clock.now(),
        total_ms=state.clock.monotonic_ms() - request.scope["opitios.started_ms"],
        success=refused is None,
        source="api",
        trace_id=trace_of(request),
        reason_code=refused,
    )
    with state.database.statement() as unit:
        record_operation(unit, attempt, state.origin(username), state.ids)
