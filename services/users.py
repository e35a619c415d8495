"""People who sign in: argon2id hashes, a session version that ends every session of theirs at once."""

import datetime as dt
import uuid
from dataclasses import dataclass

import argon2
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from domain.ids import Ids
from models.unit import Unit
from models.users import Role
from services.config_changes import Change, record_change
from services.origin import Origin

_HASHER = argon2.PasswordHasher()
_MIN_PASSWORD = 12
# the form of a hash at the same cost, of no password anybody knows: made without hashing, so the first unknown name
# takes no longer than the next
_NOBODY = f"$argon2id$v=19$m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}${'A' * 22}${'A' * 43}"


@dataclass(frozen=True, slots=True)
class UserRef:
    """Who somebody is, as a request needs it."""

    user_id: uuid.UUID
    username: str
    role: Role
    session_version: int
    disabled: bool


class WeakPassword(Exception):
    """The password is shorter than twelve characters."""


def find_user(unit: Unit, username: str) -> UserRef | None:
    """Return a user by name."""
    row = unit.row("SELECT * FROM trading.users WHERE username = %(username)s", {"username": username})
    if row is None:
        return None
    return UserRef(row.user_id, row.username, Role(row.role), row.session_version, row.disabled)


def password_hash_of(unit: Unit, username: str) -> str | None:
    """Return the stored hash, None for an unknown or disabled user."""
    row = unit.row(
        "SELECT password_hash FROM trading.users WHERE username = %(username)s AND NOT disabled",
        {"username": username},
    )
    return None if row is None else str(row.password_hash)


def verify_password(stored: str | None, password: str) -> bool:
    """Return whether the password is right; an unknown user costs as much time as a wrong password."""
    try:
        _HASHER.verify(stored if stored is not None else _NOBODY, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return stored is not None


def create_first_admin(unit: Unit, password: str, *, now: dt.datetime, ids: Ids, origin: Origin) -> bool:
    """Create `admin` when nobody exists yet; return whether it was."""
    if unit.row("SELECT 1 FROM trading.users LIMIT 1") is not None:
        return False
    params = {"id": ids.new(), "hash": hash_password(password)}
    unit.run(
        "INSERT INTO trading.users (user_id, username, password_hash, role) "
        "VALUES (%(id)s, 'admin', %(hash)s, 'admin') ON CONFLICT (username) DO NOTHING",
        params,
    )
    created = Change("user created", new={"username": "admin", "role": "admin"})
    record_change(unit, created, now=now, ids=ids, origin=origin)
    return True


def reset_password(unit: Unit, username: str, password: str, *, now: dt.datetime, ids: Ids, origin: Origin) -> bool:
    """Set a new password and end every session of the user; return whether the user exists."""
    changed = unit.run(
        "UPDATE trading.users SET password_hash = %(hash)s, session_version = session_version + 1 "
        "WHERE username = %(username)s",
        {"hash": hash_password(password), "username": username},
    )
    if changed:
        reset = Change("password reset", new={"username": username})
        record_change(unit, reset, now=now, ids=ids, origin=origin)
    return bool(changed)


def hash_password(password: str) -> str:
    """Return the argon2id hash. Raises WeakPassword below twelve characters."""
    if len(password) < _MIN_PASSWORD:
        raise WeakPassword(f"a password needs at least {_MIN_PASSWORD} characters, this has {len(password)}")
    return _HASHER.hash(password)
