"""What admins change through the API: who may, with which token, what the audit trail says of it (US-SYSTEM-016)."""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import jwt
import pytest
import requests
from fastapi import FastAPI
from pydantic import SecretStr

from api.main import create_app
from models.users import Role
from services.user_admin import add_user
from services.users import hash_password
from tasks.balances import check_balance
from tests.api.conftest import SECRET, token_of
from tests.support.desk import Desk
from tests.support.house import until
from tests.support.serving import Caller, serve

USERS, ACCOUNTS = "/api/v1/admin/users", "/api/v1/admin/accounts"
NEW_PASSWORD = "twelve or more"


def a_name() -> str:
    return f"user-{uuid.uuid4().hex[:12]}"  # noqa: TID251  a name nobody else has


def token(username: str, *, age_s: int = 0, version: int = 1) -> dict[str, str]:
    now = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age_s)  # noqa: TID251  a token of then
    claims = {"sub": username, "ver": version, "aud": "opitios", "iat": now, "exp": now + dt.timedelta(days=7)}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"}


def change(
    client: Caller, method: str, path: str, body: dict[str, Any] | None = None, **more: Any
) -> requests.Response:
    return client.call(method, path, json=body, **more)


def changes(desk: Desk, name: str, key: str = "username") -> list[tuple[str, Any, Any, str]]:
    rows = desk.sql.execute(
        "SELECT subject, old, new, actor FROM audit.config_changes WHERE new->>%s = %s ORDER BY recorded_at",
        (key, name),
    ).fetchall()
    return [(row["subject"], row["old"], row["new"], row["actor"]) for row in rows]


@pytest.fixture
def user(desk: Desk) -> str:
    """A trader of the test's own."""
    name = a_name()
    made = hash_password("a trader's password")
    with desk.ctx.database.unit() as unit:
        add_user(unit, name, Role.TRADER, password_hash=made, stamp=desk.stamp())
    return name


def sign_in(client: Caller, name: str, password: str) -> requests.Response:
    return client.post("/api/v1/auth/login", json={"username": name, "password": password})


def test_a_user_is_added_signs_in_and_is_audited_without_the_password(desk: Desk, client: Caller) -> None:
    name = a_name()
    body = {"username": name, "role": "operator", "password": NEW_PASSWORD}
    assert change(client, "POST", USERS, body).status_code == 201
    assert sign_in(client, name, NEW_PASSWORD).json()["role"] == "operator"
    assert changes(desk, name) == [("user created", None, {"username": name, "role": "operator"}, "admin")]
    shown = next(entry for entry in client.get(USERS).json() if entry["username"] == name)
    assert (shown.keys(), shown["role"]) == ({"username", "role", "disabled", "created_at"}, "operator")
    again = change(client, "POST", USERS, body)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/user_exists")


BAD_USERS = [
    ({"username": "x", "role": "trader", "password": "too short"}, "password"),
    ({"username": "a b", "role": "trader", "password": NEW_PASSWORD}, "username"),
    ({"username": "x\n", "role": "trader", "password": NEW_PASSWORD}, "username"),
    ({"username": "x", "role": "owner", "password": NEW_PASSWORD}, "role"),
]


@pytest.mark.parametrize(("body", "field"), BAD_USERS)
def test_a_user_that_cannot_be_is_refused_by_field(client: Caller, body: dict[str, Any], field: str) -> None:
    answer = change(client, "POST", USERS, body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert body["password"] not in answer.text


def test_a_disabled_user_is_out_within_seconds_and_stays_out_with_the_old_token(
    desk: Desk, client: Caller, user: str
) -> None:
    def status() -> int:
        return client.get("/api/v1/accounts", headers=token(user)).status_code

    assert status() == 200
    assert change(client, "PATCH", f"{USERS}/{user}", {"disabled": True}).json()["disabled"]
    until(lambda: status() == 401, 5)
    assert sign_in(client, user, "a trader's password").status_code == 401
    assert not change(client, "PATCH", f"{USERS}/{user}", {"disabled": False}).json()["disabled"]
    assert sign_in(client, user, "a trader's password").status_code == 200
    until(lambda: client.get("/api/v1/accounts", headers=token(user, version=2)).status_code == 200, 5)
    assert status() == 401
    rights = {"username": user, "role": "trader"}
    assert changes(desk, user)[1:] == [
        ("user changed", rights | {"disabled": False}, rights | {"disabled": True}, "admin"),
        ("user changed", rights | {"disabled": True}, rights | {"disabled": False}, "admin"),
    ]


def test_a_role_is_changed_and_in_force_within_seconds(client: Caller, user: str) -> None:
    def may_place() -> bool:
        body = {"account": "nobody's", "symbol": "AAPL", "side": "buy", "qty": "1", "client_order_id": a_name()}
        return client.post("/api/v1/orders", json=body, headers=token(user)).status_code != 403

    assert may_place()
    assert change(client, "PATCH", f"{USERS}/{user}", {"role": "compliance"}).json()["role"] == "compliance"
    until(lambda: not may_place(), 5)


@pytest.mark.parametrize(
    ("method", "path", "body", "subject"),
    [
        ("PUT", "password", {"password": NEW_PASSWORD}, "password reset"),
        ("DELETE", "sessions", None, "sessions ended"),
    ],
)
def test_sessions_end_within_seconds(
    desk: Desk, client: Caller, user: str, method: str, path: str, body: dict[str, Any] | None, subject: str
) -> None:
    assert client.get("/api/v1/accounts", headers=token(user)).status_code == 200
    assert change(client, method, f"{USERS}/{user}/{path}", body).status_code == 200
    until(lambda: client.get("/api/v1/accounts", headers=token(user)).status_code == 401, 5)
    assert client.get("/api/v1/accounts", headers=token(user, version=2)).status_code == 200
    assert changes(desk, user)[-1] == (subject, None, {"username": user}, "admin")


@pytest.mark.parametrize("body", [{"disabled": True}, {"role": "trader"}])
def test_the_last_enabled_admin_stays(desk: Desk, client: Caller, body: dict[str, Any]) -> None:
    desk.sql.execute("UPDATE trading.users SET disabled = true WHERE role = 'admin' AND username <> 'admin'")
    answer = change(client, "PATCH", f"{USERS}/admin", body)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/last_admin")
    assert client.get(USERS).status_code == 200


ADMINS_ALONE = [
    ("GET", USERS, None),
    ("POST", USERS, {"username": "x", "role": "trader", "password": NEW_PASSWORD}),
    ("PATCH", f"{USERS}/admin", {"role": "admin"}),
    ("PUT", f"{USERS}/admin/password", {"password": NEW_PASSWORD}),
    ("DELETE", f"{USERS}/admin/sessions", None),
    ("GET", ACCOUNTS, None),
    ("GET", f"{ACCOUNTS}/demo-1/history", None),
    ("POST", f"{ACCOUNTS}/demo-1/confirm", {"account_number": "PA1"}),
    ("PATCH", f"{ACCOUNTS}/demo-1", {"enabled": False}),
    ("GET", "/api/v1/admin/account-pool/stats", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ADMINS_ALONE)
def test_admin_routes_are_for_admins_who_have_just_signed_in(
    client: Caller, user: str, method: str, path: str, body: dict[str, Any] | None
) -> None:
    by_trader = change(client, method, path, body, headers=token(user))
    assert (by_trader.status_code, by_trader.json()["type"]) == (403, "/problems/not_allowed")
    assert change(client, method, path, body, headers={"Authorization": ""}).status_code == 401
    if method != "GET":
        stale = change(client, method, path, body, headers=token("admin", age_s=301))
        assert (stale.status_code, stale.json()["type"]) == (403, "/problems/sign_in_again")


OTHERS_TOO = {("GET", "/api/v1/admin/config/changes"), ("POST", "/api/v1/admin/orders/{order_id}/resolve")}


def test_every_admin_route_is_in_the_table_above(client: Caller) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    routes = {(method.upper(), path) for path in paths if "/admin/" in path for method in paths[path]}
    assert len(routes - OTHERS_TOO) == len(ADMINS_ALONE)


def account(client: Caller, name: str) -> dict[str, Any]:
    return next(entry for entry in client.get(ACCOUNTS).json() if entry["name"] == name)


@pytest.mark.requirement("ACC-001")
def test_a_changed_number_is_confirmed_by_who_has_seen_it(desk: Desk, client: Caller) -> None:
    desk.exchange.change_account(desk.account, account_number="PA3OTHER0001")
    check_balance(desk.ctx, desk.account_id)
    seen = account(client, desk.account)
    assert (seen["account_number"], seen["number_changed_at"] is not None) == ("PA3OTHER0001", True)
    path = f"{ACCOUNTS}/{desk.account}/confirm"
    refused = change(client, "POST", path, {"account_number": seen["confirmed_number"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/number_moved_on")

    confirmed = change(client, "POST", path, {"account_number": "PA3OTHER0001"}).json()

    assert (confirmed["confirmed_number"], confirmed["entries_blocked"]) == ("PA3OTHER0001", None)
    again = change(client, "POST", path, {"account_number": "PA3OTHER0001"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/nothing_to_confirm")
    last = client.get(f"{ACCOUNTS}/{desk.account}/history").json()[0]
    assert (last["reason"], last["actor"], last["old_account_number"]) == ("number confirmed", "admin", "PA3OTHER0001")
    assert changes(desk, desk.account, "account")[-1][0] == "account number confirmed"


@pytest.mark.requirement("ACC-001")
def test_an_account_is_switched_off_and_on(desk: Desk, client: Caller) -> None:
    path = f"{ACCOUNTS}/{desk.account}"
    off = change(client, "PATCH", path, {"enabled": False}).json()
    assert (off["enabled"], off["disabled_by"]) == (True, "admin")
    shown = client.get(f"/api/v1/accounts/{desk.account}").json()
    assert (shown["enabled"], shown["disabled_by"]) == (False, "admin")
    assert change(client, "PATCH", path, {"enabled": True}).json()["disabled_by"] is None
    assert [entry[0] for entry in changes(desk, desk.account, "account")] == ["account disabled", "account enabled"]


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("PATCH", f"{USERS}/nobody", {"role": "admin"}, "not_found"),
        ("PUT", f"{USERS}/nobody/password", {"password": NEW_PASSWORD}, "not_found"),
        ("DELETE", f"{USERS}/nobody/sessions", None, "not_found"),
        ("PATCH", f"{ACCOUNTS}/nobody", {"enabled": True}, "unknown_account"),
        ("POST", f"{ACCOUNTS}/nobody/confirm", {"account_number": "PA1"}, "unknown_account"),
        ("GET", f"{ACCOUNTS}/nobody/history", None, "unknown_account"),
    ],
)
def test_what_nobody_has_is_not_found(
    client: Caller, method: str, path: str, body: dict[str, Any] | None, problem: str
) -> None:
    answer = change(client, method, path, body)
    assert (answer.status_code, answer.json()["type"]) == (404, f"/problems/{problem}")


@pytest.fixture
def second(desk: Desk, app: FastAPI) -> Iterator[Caller]:
    """Another API process on the same database."""
    other = create_app(desk.ctx.settings.model_copy(update={"jwt_secret": SecretStr(SECRET)}))
    with ExitStack() as stack:
        yield stack.enter_context(serve(other, token_of(app)))


def test_what_one_process_changes_is_in_force_in_another_within_seconds(
    client: Caller, second: Caller, user: str
) -> None:
    assert second.get("/api/v1/accounts", headers=token(user)).status_code == 200
    change(client, "DELETE", f"{USERS}/{user}/sessions")
    until(lambda: second.get("/api/v1/accounts", headers=token(user)).status_code == 401, 5)
