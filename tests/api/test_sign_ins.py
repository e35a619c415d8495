"""Sign-ins, ended sessions and changes of users are on record: who did what, never a password (US-SYSTEM-016)."""

import json
from typing import Any

import pytest

from models.users import Role
from services.user_admin import add_user
from services.users import hash_password
from tests.api.conftest import PASSWORD, token_for
from tests.support.desk import Desk
from tests.support.serving import Caller

LOGIN = "/api/v1/auth/login"
CANARY = "canary-41c2-a-password-in-the-wrong-field"

pytestmark = pytest.mark.requirement("MON-001")


def attempt(desk: Desk, client: Caller, name: str, password: str) -> tuple[int, dict[str, Any]]:
    """Sign in; return the answer's status and the row of the trail."""
    answer = client.post(LOGIN, json={"username": name, "password": password})
    row = desk.sql.execute(
        "SELECT * FROM audit.operations WHERE operation = 'login' ORDER BY recorded_at DESC LIMIT 1"
    ).fetchone()
    assert row is not None
    return answer.status_code, row


def test_every_attempt_is_on_record_with_how_it_ended(desk: Desk, client: Caller) -> None:
    with desk.ctx.database.unit() as unit:
        if unit.row("SELECT 1 FROM trading.users WHERE username = 'switched-off'") is None:
            hashed = hash_password(PASSWORD)
            add_user(unit, "switched-off", Role.TRADER, password_hash=hashed, stamp=desk.stamp())
        unit.run("UPDATE trading.users SET disabled = true WHERE username = 'switched-off'")
        unit.run("UPDATE trading.login_attempts SET attempts = 0")
    cases = [
        ("admin", PASSWORD, 200, "admin", None),
        ("admin", CANARY, 401, "admin", "wrong_password"),
        ("switched-off", PASSWORD, 401, "switched-off", "user_disabled"),
        (CANARY, PASSWORD, 401, "unknown", "unknown_user"),
    ]
    for name, password, status, actor, reason in cases:
        answered, row = attempt(desk, client, name, password)
        assert (answered, row["actor"], row["reason_code"], row["success"]) == (status, actor, reason, status == 200)
        assert CANARY not in json.dumps(row, default=str)


def test_a_token_of_an_ended_session_is_refused_and_on_record_once(desk: Desk, client: Caller) -> None:
    header = token_for(desk, Role.TRADER)
    desk.sql.execute("UPDATE trading.users SET session_version = 2 WHERE username = %s", (newest(desk),))
    codes = [client.get("/api/v1/accounts", headers=header).status_code for _ in range(3)]
    rows = desk.sql.execute(
        "SELECT operation, reason_code, success FROM audit.operations WHERE actor = %s", (newest(desk),)
    ).fetchall()
    assert (codes, rows) == (
        [401] * 3,
        [{"operation": "session_refused", "reason_code": "session_ended", "success": False}],
    )


def test_users_made_changed_and_given_passwords_are_on_record_with_who_did_it(desk: Desk, client: Caller) -> None:
    path = "/api/v1/admin/users"
    name = f"user-{desk.ctx.ids.new().hex}"
    body = {"username": name, "role": "trader", "password": CANARY}
    assert client.post(path, json=body).status_code == 201
    assert client.call("PATCH", f"{path}/{name}", json={"role": "operator"}).status_code == 200
    assert client.call("PUT", f"{path}/{name}/password", json={"password": CANARY}).status_code == 200
    assert client.call("DELETE", f"{path}/{name}/sessions").status_code == 200
    rows = desk.sql.execute(
        "SELECT * FROM audit.config_changes WHERE new->>'username' = %s ORDER BY recorded_at", (name,)
    ).fetchall()
    assert [(row["subject"], row["actor"]) for row in rows] == [
        ("user created", "admin"),
        ("user changed", "admin"),
        ("password reset", "admin"),
        ("sessions ended", "admin"),
    ]
    assert (rows[1]["old"]["role"], rows[1]["new"]["role"]) == ("trader", "operator")
    assert CANARY not in json.dumps(rows, default=str)


def newest(desk: Desk) -> str:
    row = desk.sql.execute("SELECT username FROM trading.users ORDER BY created_at DESC LIMIT 1").fetchone()
    assert row is not None
    return str(row["username"])
