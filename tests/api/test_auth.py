"""Signing in, and every way of not being signed in (US-SYSTEM-016's rules that hold from the first day)."""

import datetime as dt
from typing import Any

import jwt
import psycopg
import pytest

from tests.support.house import PASSWORD, House, until


def claims(**changes: Any) -> dict[str, Any]:
    """Return what a genuine token holds."""
    now = dt.datetime.now(dt.UTC)  # noqa: TID251  a token of now
    good = {"sub": "admin", "ver": 1, "aud": "opitios", "iat": now, "exp": now + dt.timedelta(hours=1)}
    return {key: value for key, value in (good | changes).items() if value is not None}


def status_with(running: House, token: str) -> tuple[int, str]:
    """Return status and detail of a request with a token."""
    answer = running.call("GET", "/api/v1/accounts", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json().get("detail", "") if answer.status_code != 200 else ""


def secret(running: House) -> str:
    """Return the installation's signing key."""
    return running.settings.jwt_secret.get_secret_value()


def test_a_genuine_token_is_let_in(running: House) -> None:
    assert status_with(running, jwt.encode(claims(), secret(running), "HS256")) == (200, "")


FORGED = [
    ("another key", lambda _key: jwt.encode(claims(), "x" * 48, "HS256"), "Invalid token"),
    ("another algorithm", lambda key: jwt.encode(claims(), key * 2, "HS512"), "Invalid token"),
    ("no algorithm", lambda _key: jwt.encode(claims(), "", "none"), "Invalid token"),
    ("another audience", lambda key: jwt.encode(claims(aud="other"), key, "HS256"), "Invalid token"),
    ("no expiry", lambda key: jwt.encode(claims(exp=None), key, "HS256"), "Invalid token"),
    ("no subject", lambda key: jwt.encode(claims(sub=None), key, "HS256"), "Invalid token"),
    ("no session version", lambda key: jwt.encode(claims(ver=None), key, "HS256"), "Invalid token"),
    ("an old session", lambda key: jwt.encode(claims(ver=0), key, "HS256"), "sign in again"),
    ("nobody", lambda key: jwt.encode(claims(sub="nobody"), key, "HS256"), "sign in again"),
    ("expired", lambda key: jwt.encode(claims(exp=1), key, "HS256"), "Token has expired"),
    ("expired and forged", lambda _key: jwt.encode(claims(exp=1), "x" * 48, "HS256"), "Invalid token"),
    ("not a token", lambda _key: "abc", "Invalid token"),
]


@pytest.mark.requirement("NFR-002")
@pytest.mark.parametrize(("what", "make", "words"), FORGED, ids=[case[0] for case in FORGED])
def test_any_other_token_is_refused(running: House, what: str, make: Any, words: str) -> None:
    status, detail = status_with(running, make(secret(running)))
    assert (status, words in detail) == (401, True), (what, detail)


@pytest.mark.requirement("NFR-002")
@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer", "bearer  "])
def test_no_token_is_refused_wherever_the_caller_sits(running: House, header: str) -> None:
    answer = running.call("GET", "/api/v1/accounts", headers={"Authorization": header, "X-Forwarded-For": "127.0.0.1"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("name", "password"),
    [("admin", "not-my-password"), ("nobody", PASSWORD), ("admin", PASSWORD + "x")],
    ids=["another password", "nobody's name", "one letter more"],
)
def test_a_wrong_login_says_the_same_for_every_reason(running: House, name: str, password: str) -> None:
    answer = running.call("POST", "/api/v1/auth/login", json={"username": name, "password": password})
    assert (answer.status_code, answer.json()["detail"]) == (401, "name or password is wrong")
    assert password not in answer.text


def test_a_password_is_in_no_answer_of_a_malformed_login(running: House) -> None:
    answer = running.call("POST", "/api/v1/auth/login", json={"username": "admin", "password": ["s3cret-canary"]})
    assert answer.status_code == 422
    assert "s3cret-canary" not in answer.text


def test_a_disabled_user_is_out_within_seconds(running: House) -> None:
    url = running.settings.migrations_database_url.get_secret_value().replace("+psycopg", "")
    token = jwt.encode(claims(sub="leaver"), secret(running), "HS256")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO trading.users (user_id, username, password_hash, role) "
            "VALUES (gen_random_uuid(), 'leaver', 'x', 'compliance')"
        )
        assert status_with(running, token)[0] == 200
        connection.execute("UPDATE trading.users SET session_version = 2 WHERE username = 'leaver'")
    until(lambda: status_with(running, token)[0] == 401, 5)


def test_a_reader_may_not_place_orders(running: House) -> None:
    url = running.settings.migrations_database_url.get_secret_value().replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO trading.users (user_id, username, password_hash, role) "
            "VALUES (gen_random_uuid(), 'reader', 'x', 'compliance')"
        )
    token = jwt.encode(claims(sub="reader"), secret(running), "HS256")
    body = {"account": "acc-0", "symbol": "AAPL", "side": "buy", "qty": "1"}
    answer = running.call("POST", "/api/v1/orders", json=body, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not_allowed")


@pytest.mark.requirement("QUA-001", "FR-003")
def test_there_is_no_other_way_to_a_token(running: House) -> None:
    paths = running.call("GET", "/openapi.json").json()["paths"]
    assert [path for path in paths if "token" in path or "login" in path] == ["/api/v1/auth/login"]
    for path in ("/api/v1/auth/demo-token", "/api/v1/auth/admin-token"):
        assert running.call("GET", path).status_code == 404
