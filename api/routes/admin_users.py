"""Users, for admins: every change is audited, and takes effect in every process within seconds (US-SYSTEM-016)."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.admin_schemas import PasswordIn, UserChange, UserIn, Username, UserOut
from api.auth import Admin, FreshAdmin
from api.state import ApiState, State
from domain.errors import NotFound
from services.user_admin import add_user, change_user, end_sessions, list_users
from services.users import hash_password, reset_password

router = APIRouter(prefix="/api/v1/admin/users", tags=["admin"])

Named = Annotated[Username, Path(description="the user's name")]


@router.get("", operation_id="listUsers")
def get_users(state: State, user: Admin) -> list[UserOut]:  # noqa: ARG001  an admin may read
    """Return every user, by name."""
    return _all(state)


@router.post("", operation_id="addUser", status_code=201)
def post_user(body: UserIn, state: State, user: FreshAdmin) -> UserOut:
    """Add a user. 409 when the name is taken."""
    hashed = hash_password(body.password)  # takes 0.2 s: outside any connection
    with state.database.unit() as unit:
        add_user(unit, body.username, body.role, password_hash=hashed, stamp=state.stamp(user.username))
    return _shown(state, body.username)


@router.patch("/{username}", operation_id="changeUser")
def patch_user(username: Named, body: UserChange, state: State, user: FreshAdmin) -> UserOut:
    """Change a user's role, or switch the user off or on. 409 when nobody could administer afterwards."""
    with state.database.unit() as unit:
        change_user(unit, username, role=body.role, disabled=body.disabled, stamp=state.stamp(user.username))
    return _shown(state, username)


@router.put("/{username}/password", operation_id="resetPassword")
def put_password(username: Named, body: PasswordIn, state: State, user: FreshAdmin) -> UserOut:
    """Give a user a new password, and end every session of theirs."""
    now, origin = state.clock.now(), state.origin(user.username)
    with state.database.unit() as unit:
        if not reset_password(unit, username, body.password, now=now, ids=state.ids, origin=origin):
            raise NotFound(f"no user {username!r}")
    return _shown(state, username)


@router.delete("/{username}/sessions", operation_id="endSessions")
def delete_sessions(username: Named, state: State, user: FreshAdmin) -> UserOut:
    """End every session of a user: each token given until now is refused within seconds."""
    with state.database.unit() as unit:
        end_sessions(unit, username, stamp=state.stamp(user.username))
    return _shown(state, username)


def _all(state: ApiState) -> list[UserOut]:
    with state.database.statement() as unit:
        return [UserOut.model_validate(row._asdict()) for row in list_users(unit)]


def _shown(state: ApiState, username: str) -> UserOut:
    return next(shown for shown in _all(state) if shown.username == username)
