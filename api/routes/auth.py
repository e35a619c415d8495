"""Signing in (US-SYSTEM-016)."""

from fastapi import APIRouter, Request

from api.auth import issue_token
from api.schemas import LoginIn, TokenOut
from api.sign_ins import record_sign_in
from api.state import State
from domain.errors import NotAuthenticated, TooManyAttempts
from services.logins import begin_attempt, forget_attempts
from services.users import find_user, password_hash_of, verify_password

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


@router.post("/login", operation_id="login")
def login(body: LoginIn, request: Request, state: State) -> TokenOut:
    """Return a token for a user's name and password; every attempt is audited.

    After five wrong passwords for a name within a minute, every sign-in under it is refused for a minute (429).
    """
    with state.database.statement() as unit:
        pause_s = begin_attempt(unit, body.username)
        known = find_user(unit, body.username)
        stored = password_hash_of(unit, body.username)
    if pause_s:
        record_sign_in(state, request, known, "too_many_attempts")
        raise TooManyAttempts(f"wait {pause_s} s, then sign in; nobody was asked for this password", pause_s)
    right = verify_password(stored, body.password)  # takes 0.2 s: outside any connection
    with state.database.statement() as unit:
        user = find_user(unit, body.username) if right else None
        if user is not None and not user.disabled:
            forget_attempts(unit, body.username)
    if user is None or user.disabled:
        refused = "unknown_user" if known is None else "user_disabled" if known.disabled or right else "wrong_password"
        record_sign_in(state, request, known, refused)
        raise NotAuthenticated("name or password is wrong")
    record_sign_in(state, request, user, None)
    token, expires_at = issue_token(state, user)
    return TokenOut(access_token=token, expires_at=expires_at, role=user.role)
