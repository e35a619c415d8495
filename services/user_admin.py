"""What admins do to users: each change audited, and the last enabled admin stays one (US-SYSTEM-016)."""

from collections.abc import Sequence
from typing import NamedTuple

from domain.errors import LastAdmin, NotFound, UserExists
from models.unit import Row, Unit
from models.users import Role
from services.config_changes import Change, record_change
from services.origin import Stamp

_ADD = """
INSERT INTO trading.users (user_id, username, password_hash, role)
VALUES (%(id)s, %(username)s, %(hash)s, %(role)s) ON CONFLICT (username) DO NOTHING RETURNING user_id
"""

# who was switched off and on again signs in anew: tokens from before stay dead
_CHANGE = """
UPDATE trading.users SET role = %(role)s, disabled = %(disabled)s, session_version = session_version + %(sessions)s
 WHERE user_id = %(user_id)s
"""

# two admins who switch each other off at once wait for each other here, and the second one sees what the first did
_ADMINS = "SELECT user_id FROM trading.users WHERE role = 'admin' AND NOT disabled ORDER BY user_id FOR UPDATE"


class _Rights(NamedTuple):
    role: str
    disabled: bool


def list_users(unit: Unit) -> Sequence[Row]:
    """Return every user by name, without the password's hash."""
    return unit.rows(
        "SELECT username, role, disabled, session_version, created_at FROM trading.users ORDER BY username"
    )


def add_user(unit: Unit, username: str, role: Role, *, password_hash: str, stamp: Stamp) -> None:
    """Add a user. Raises UserExists."""
    values = {"id": stamp.ids.new(), "username": username, "hash": password_hash, "role": role.value}
    if unit.row(_ADD, values) is None:
        raise UserExists(f"there is a user {username!r} already")
    _record(unit, Change("user created", new={"username": username, "role": role.value}), stamp)


def change_user(
    unit: Unit, username: str, *, role: Role | None = None, disabled: bool | None = None, stamp: Stamp
) -> None:
    """Change a user's role, or switch the user off (which ends every session) or on; what is None stays.

    Raises NotFound and LastAdmin.
    """
    admins = {row.user_id for row in unit.rows(_ADMINS)}
    user = _locked(unit, username)
    old = _Rights(user.role, user.disabled)
    new = _Rights(old.role if role is None else role.value, old.disabled if disabled is None else disabled)
    if new == old:
        return
    if admins == {user.user_id} and (new.disabled or new.role != Role.ADMIN):
        raise LastAdmin(f"{username!r} is the only enabled admin; make another one first")
    unit.run(_CHANGE, new._asdict() | {"user_id": user.user_id, "sessions": 1 if new.disabled else 0})
    who = {"username": username}
    _record(unit, Change("user changed", who | old._asdict(), who | new._asdict()), stamp)


def end_sessions(unit: Unit, username: str, *, stamp: Stamp) -> None:
    """End every session of a user: each token given until now is refused within seconds. Raises NotFound."""
    user = _locked(unit, username)
    unit.run(_CHANGE, {"user_id": user.user_id, "role": user.role, "disabled": user.disabled, "sessions": 1})
    _record(unit, Change("sessions ended", new={"username": username}), stamp)


def _locked(unit: Unit, username: str) -> Row:
    user = unit.row("SELECT * FROM trading.users WHERE username = %(username)s FOR UPDATE", {"username": username})
    if user is None:
        raise NotFound(f"no user {username!r}")
    return user


def _record(unit: Unit, change: Change, stamp: Stamp) -> None:
    record_change(unit, change, now=stamp.now, ids=stamp.ids, origin=stamp.origin)
