"""A connection that breaks while an order is stored: the answer must be true (R22)."""

import threading
import time
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from api.main import create_app
from tests.api.conftest import SECRET, token_of
from tests.support.cutting_proxy import CuttingProxy
from tests.support.desk import Desk
from tests.support.serving import Caller, serve


@pytest.fixture
def proxy(desk: Desk) -> Iterator[CuttingProxy]:
    url = make_url(desk.ctx.settings.app_database_url.get_secret_value())
    with CuttingProxy((str(url.host), int(url.port or 5432))) as made:
        yield made


@pytest.fixture
def client(desk: Desk, proxy: CuttingProxy) -> Iterator[Caller]:
    url = make_url(desk.ctx.settings.app_database_url.get_secret_value()).set(host="127.0.0.1", port=proxy.port)
    behind = SecretStr(url.render_as_string(hide_password=False))
    own = desk.ctx.settings.model_copy(update={"app_database_url": behind, "jwt_secret": SecretStr(SECRET)})
    app = create_app(own)
    with serve(app, token_of(app)) as made:
        yield made


def body(desk: Desk) -> dict[str, str]:
    return {
        "account": desk.account,
        "symbol": "AAPL",
        "side": "buy",
        "qty": "1",
        "type": "limit",
        "limit_price": "100",
        "client_order_id": desk.account,
    }


def stored(desk: Desk) -> int:
    row = desk.sql.execute(
        "SELECT count(*) AS n FROM trading.orders WHERE account_id = %s", (desk.account_id,)
    ).fetchone()
    assert row is not None
    return int(row["n"])


def test_an_order_whose_answer_was_cut_off_is_stored_once_and_acknowledged(
    desk: Desk, client: Caller, proxy: CuttingProxy
) -> None:
    proxy.cut_after(b"INSERT INTO trading.orders")
    answer = client.post("/api/v1/orders", json=body(desk))
    assert answer.status_code == 202
    assert stored(desk) == 1
    assert "Idempotency-Replayed" not in answer.headers


def test_an_order_whose_outcome_cannot_be_looked_up_says_so_and_where_it_would_be(
    desk: Desk, client: Caller, proxy: CuttingProxy
) -> None:
    proxy.cut_after(b"INSERT INTO trading.orders", times=2)
    answer = client.post("/api/v1/orders", json=body(desk))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (503, "outcome_unknown")
    assert client.post("/api/v1/orders", json=body(desk)).headers["Location"] == answer.headers["Location"]
    assert stored(desk) == 1


def test_an_order_still_being_stored_when_the_connection_breaks_is_not_called_lost(
    desk: Desk, client: Caller, proxy: CuttingProxy
) -> None:
    proxy.cut_after(b"INSERT INTO trading.orders")
    locked, release = threading.Event(), threading.Event()

    def hold_account() -> None:
        with desk.ctx.database.unit() as unit:
            unit.row("SELECT 1 FROM trading.accounts WHERE account_id = %(id)s FOR UPDATE", {"id": desk.account_id})
            locked.set()
            release.wait(1)
            time.sleep(0.5)  # the answer is being made while the insert waits

    holder = threading.Thread(target=hold_account)
    holder.start()
    locked.wait(5)
    threading.Timer(0.3, release.set).start()
    answer = client.post("/api/v1/orders", json=body(desk))
    holder.join(5)
    time.sleep(0.3)
    assert answer.status_code == 202
    assert stored(desk) == 1
    assert client.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize("broken", ["account", "field"])
def test_a_nul_character_is_refused_by_name_and_the_refusal_is_audited(desk: Desk, client: Caller, broken: str) -> None:
    bad = {"account": {"account": "a\x00b"}, "field": {"x\x00": "1"}}[broken]
    answer = client.post("/api/v1/orders", json=body(desk) | bad)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    row = desk.sql.execute(
        "SELECT count(*) AS n FROM audit.operations WHERE trace_id = %s", (answer.json()["trace_id"],)
    ).fetchone()
    assert row == {"n": 1}


def test_a_nul_character_in_a_name_does_not_break_signing_in(client: Caller) -> None:
    answer = client.post("/api/v1/auth/login", json={"username": "a\x00", "password": "x"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "username"


def test_a_body_beyond_the_bound_is_refused_before_it_is_read_whole(client: Caller) -> None:
    answer = client.post("/api/v1/auth/login", json={"username": "a", "password": "x" * 100_000})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-trace-id"]
