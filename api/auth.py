"""Who is asking: one JWT algorithm, verified before it is read, and a session version that revokes.

US-SYSTEM-016. No address is trusted for where it comes from.
"""

import datetime as dt
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import jwt
from fastapi import Depends, Request

from api.deadline import in_time
from api.sign_ins import record_ended_session
from api.state import ApiState, State
from domain.errors import NotAllowed, NotAuthenticated, NotFresh, StoreUnavailable
from models.unit import StoreError
from models.users import Role
from services.users import UserRef, find_user

_ALGORITHM = "HS256"
_AUDIENCE = "opitios"
FRESH_S = 300
_REQUIRED = ["exp", "iat", "sub", "aud", "ver"]


def issue_token(state: ApiState, user: UserRef) -> tuple[str, dt.datetime]:
    """Return a token and when it expires."""
    now = state.clock.now()
    expires = now + dt.timedelta(hours=state.settings.jwt_hours)
    claims = {"sub": user.username, "ver": user.session_version, "aud": _AUDIENCE, "iat": now, "exp": expires}
    return jwt.encode(claims, state.settings.jwt_secret.get_secret_value(), _ALGORITHM), expires


def user_of(request: Request, state: ApiState) -> UserRef:
    """Return the user of the bearer token; may ask the database. Raises NotAuthenticated."""
    claims = _claims(request, state)
    return _admitted(request, claims, state.users.get(claims["sub"], lambda: _load(state, claims["sub"])))


async def _current_user(request: Request, state: State) -> UserRef:
    claims = _claims(request, state)
    user = state.users.kept(claims["sub"])
    if user is None:  # only then is a thread needed
        name = claims["sub"]
        user = await in_time(lambda: state.users.get(name, lambda: _load(state, name)), request, state, writes=False)
    if user is not None and _has_ended(claims, user) and not state.ended_sessions.kept((user.username, claims["ver"])):
        ended = user
        await in_time(lambda: record_ended_session(state, request, ended, claims["ver"]), request, state)
    return _admitted(request, claims, user)


CurrentUser = Annotated[UserRef, Depends(_current_user)]


async def signed_in(request: Request, state: ApiState) -> UserRef | None:
    """Return who asks where that is told truly, None otherwise: for what anybody may read, and some read more of."""
    try:
        return await _current_user(request, state)
    except (NotAuthenticated, StoreUnavailable, StoreError):
        return None


def allowed(*roles: Role) -> Callable[[UserRef], Coroutine[None, None, UserRef]]:
    """Return a dependency that lets only these roles pass."""

    async def check(user: CurrentUser) -> UserRef:
        if user.role not in roles:
            raise NotAllowed(f"role {user.role} may not do this; needed: {' or '.join(roles)}")
        return user

    return check


Trader = Annotated[UserRef, Depends(allowed(Role.TRADER, Role.OPERATOR, Role.ADMIN))]
Admin = Annotated[UserRef, Depends(allowed(Role.ADMIN))]
Officer = Annotated[UserRef, Depends(allowed(Role.COMPLIANCE, Role.ADMIN))]


async def _fresh(request: Request, state: State, user: Admin) -> UserRef:
    age_s = state.clock.now().timestamp() - _claims(request, state)["iat"]
    if age_s > FRESH_S:
        raise NotFresh(f"this change needs a sign-in of the last {FRESH_S // 60} minutes")
    return user


FreshAdmin = Annotated[UserRef, Depends(_fresh)]
"""An admin who has just given the password: whoever finds a token of last week changes nothing with it."""

Operator = Annotated[UserRef, Depends(allowed(Role.OPERATOR, Role.ADMIN))]


async def _fresh_operator(request: Request, state: State, user: Operator) -> UserRef:
    return await _fresh(request, state, user)


async def _fresh_officer(request: Request, state: State, user: Officer) -> UserRef:
    return await _fresh(request, state, user)


FreshOfficer = Annotated[UserRef, Depends(_fresh_officer)]
"""Somebody of compliance or an admin who has just given the password."""

FreshOperator = Annotated[UserRef, Depends(_fresh_operator)]
"""An operator or admin who has just given the password."""


def _claims(request: Request, state: ApiState) -> dict[str, Any]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("send the token of POST /api/v1/auth/login as 'Authorization: Bearer ...'")
    claims = state.tokens.get(token, lambda: _verified(token, state))
    if claims is None or claims["exp"] <= state.clock.now().timestamp():
        raise NotAuthenticated("Token has expired")
    return claims


def _verified(token: str, state: ApiState) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            state.settings.jwt_secret.get_secret_value(),
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            options={"require": _REQUIRED},
        )
    except jwt.ExpiredSignatureError:
        raise NotAuthenticated("Token has expired") from None
    except jwt.PyJWTError:
        raise NotAuthenticated("Invalid token") from None


def _admitted(request: Request, claims: dict[str, Any], user: UserRef | None) -> UserRef:
    if user is None or _has_ended(claims, user):
        raise NotAuthenticated("this session has ended; sign in again")
    request.scope["opitios.user"] = user.username
    return user


def _has_ended(claims: dict[str, Any], user: UserRef) -> bool:
    return user.disabled or bool(user.session_version != claims["ver"])


def _load(state: ApiState, username: str) -> UserRef | None:
    with state.database.statement() as unit:
        return find_user(unit, username)
