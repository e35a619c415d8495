"""One key, one order: at the same time, afterwards, from two processes, and with every way of getting the key wrong."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from fastapi import FastAPI
from pydantic import SecretStr

from api.main import create_app
from tasks.placing import place_order
from tests.api.conftest import SECRET, token_of
from tests.support.desk import Desk, DeskMaker
from tests.support.house import until
from tests.support.serving import Caller, serve

ORDERS = "/api/v1/orders"


@pytest.fixture
def other_process(desk: Desk) -> Iterator[Caller]:
    app = create_app(desk.ctx.settings.model_copy(update={"jwt_secret": SecretStr(SECRET)}))
    with serve(app, token_of(app)) as made:
        yield made


def body(desk: Desk, **more: str) -> dict[str, str]:
    return {"account": desk.account, "symbol": "AAPL", "side": "buy", "qty": "1"} | more


def place(client: Caller, desk: Desk, key: str, **more: str) -> requests.Response:
    return client.post(ORDERS, json=body(desk, **more), headers={"Idempotency-Key": key})


def stored(desk: Desk) -> list[dict[str, Any]]:
    return desk.sql.execute("SELECT * FROM trading.orders WHERE account_id = %s", (desk.account_id,)).fetchall()


@contextmanager
def inserts_held_up(desk: Desk) -> Iterator[None]:
    """Let every insert of the account's orders wait in the database until the block ends."""
    with desk.sql.transaction():
        desk.sql.execute("SELECT 1 FROM trading.accounts WHERE account_id = %s FOR UPDATE", (desk.account_id,))
        yield


def waiting_inserts(desk: Desk) -> int:
    row = desk.sql.execute("SELECT count(*) AS n FROM pg_locks WHERE NOT granted").fetchone()
    assert row is not None
    return int(row["n"])


@pytest.mark.requirement("TRD-001")
def test_a_key_whose_order_is_being_stored_is_refused_for_a_moment(
    maker: DeskMaker, desk: Desk, client: Caller
) -> None:
    with ThreadPoolExecutor(1) as pool, maker.desk() as other_account:
        with inserts_held_up(desk):
            first: Future[requests.Response] = pool.submit(place, client, desk, "twice")
            until(lambda: waiting_inserts(desk) == 1, 2)
            second = place(client, desk, "twice")
            elsewhere = place(client, other_account, "twice")
        answer = first.result(10)
    assert (second.status_code, second.json()["type"]) == (409, "/problems/idempotency_key_in_flight")
    assert second.headers["Retry-After"] == "1"
    assert (answer.status_code, elsewhere.status_code) == (202, 202)  # one key in two accounts is two keys
    again = place(client, desk, "twice")
    assert (again.status_code, again.json(), again.headers["Idempotency-Replayed"]) == (202, answer.json(), "true")


@pytest.mark.requirement("TRD-001")
def test_two_processes_with_one_key_store_one_order(desk: Desk, client: Caller, other_process: Caller) -> None:
    place(other_process, desk, "first")  # what a process does once must not count against the held lock
    with ThreadPoolExecutor(2) as pool:
        with inserts_held_up(desk):
            answers = [pool.submit(place, caller, desk, "both") for caller in (client, other_process)]
            until(lambda: waiting_inserts(desk) == 2, 2)
        found = [answer.result(10) for answer in answers]
    assert [answer.status_code for answer in found] == [202, 202]
    assert found[0].json() == found[1].json()
    assert sum("Idempotency-Replayed" in answer.headers for answer in found) == 1
    assert len(stored(desk)) == 2


@pytest.mark.requirement("TRD-001")
def test_sixteen_callers_with_one_key_make_one_order(desk: Desk, client: Caller) -> None:
    with ThreadPoolExecutor(16) as pool:
        first = list(pool.map(lambda _: place(client, desk, "one-key"), range(16)))
    assert {answer.status_code for answer in first} <= {202, 409}
    (order,) = stored(desk)
    for _ in range(16):
        again = place(client, desk, "one-key")
        assert (again.status_code, again.json()["order_id"]) == (202, str(order["order_id"]))


def test_the_stored_answer_stays_the_same_while_the_order_goes_on(desk: Desk, client: Caller) -> None:
    first = place(client, desk, "kept")
    place_order(desk.ctx, stored(desk)[0]["order_id"])
    again = place(client, desk, "kept")
    assert (again.status_code, again.json(), again.headers["Location"]) == (
        202,
        first.json(),
        first.headers["Location"],
    )
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_key_belongs_to_its_first_order(desk: Desk, client: Caller) -> None:
    first = place(client, desk, "mine")
    other = place(client, desk, "mine", qty="2")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency_key_reused")
    assert first.json()["order_id"] in other.json()["detail"]


def test_a_key_is_free_again_after_a_refusal(desk: Desk, client: Caller) -> None:
    assert place(client, desk, "free", qty="-1").status_code == 422
    assert place(client, desk, "free").status_code == 202


@pytest.mark.parametrize("keys", [("a", "b"), ("a", "a")])
def test_two_keys_in_one_request_are_refused(desk: Desk, app: FastAPI, client: Caller, keys: tuple[str, str]) -> None:
    where = urlsplit(client.base)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=10)
    connection.putrequest("POST", ORDERS)
    content = json.dumps(body(desk)).encode()
    headers = [("Authorization", f"Bearer {token_of(app)}"), ("Content-Type", "application/json")]
    headers += [("Content-Length", str(len(content))), *(("Idempotency-Key", key) for key in keys)]
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders(content)
    answer = connection.getresponse()
    problem = json.loads(answer.read())
    connection.close()
    assert (answer.status, problem["type"]) == (400, "/problems/idempotency_key_doubled")
    assert problem["errors"] == [{"field": "Idempotency-Key", "value": ", ".join(keys), "expected": "one header"}]
    assert stored(desk) == []
