"""`Prefer: wait=N`: the broker's word in the answer, no thread and no query of one's own, nothing left behind."""

import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from fastapi import FastAPI, Request

from api.waiting import Waiting, wanted_wait
from domain.order_state import OrderStatus
from models.session import Database
from models.unit import Unit
from services.order_list import settled_among
from tasks.placing import place_order
from tests.api.conftest import token_of
from tests.support.desk import Desk
from tests.support.house import until
from tests.support.serving import Caller

MANY = 60  # more than the server has threads


class CountingDatabase(Database):
    """A database that counts how often it was asked."""

    def __init__(self, url: str) -> None:
        super().__init__(url, application_name="counting", pool_size=2)
        self.asked = 0

    @contextmanager
    def statement(self) -> Iterator[Unit]:
        self.asked += 1
        with super().statement() as unit:
            yield unit


def place(client: Caller, desk: Desk, prefer: str, key: str | None = None) -> requests.Response:
    order = {"account": desk.account, "symbol": "AAPL", "side": "buy", "qty": "1"}
    key = key or uuid.uuid4().hex  # noqa: TID251  a key nobody else has
    return client.post("/api/v1/orders", json=order, headers={"Idempotency-Key": key, "Prefer": prefer})


def stored(desk: Desk) -> list[uuid.UUID]:
    rows = desk.sql.execute("SELECT order_id FROM trading.orders WHERE account_id = %s", (desk.account_id,)).fetchall()
    return [row["order_id"] for row in rows]


def waiting_in(app: FastAPI) -> Waiting:
    waiting: Waiting = app.state.opitios.waiting
    return waiting


@pytest.mark.requirement("TRD-001", "FR-005")
def test_the_brokers_word_comes_with_the_answer(desk: Desk, app: FastAPI, client: Caller) -> None:
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(place, client, desk, "wait=20")
        until(lambda: len(waiting_in(app)) == 1)
        place_order(desk.ctx, stored(desk)[0])
        answer = coming.result(5)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=20")
    order = answer.json()
    assert order["status"] in {"accepted", "filled"}
    assert [event["event"] for event in order["timeline"]][:3] == ["requested", "submitting", "accepted"]
    assert answer.headers["Location"] == f"/api/v1/orders/{order['order_id']}"
    assert client.get(answer.headers["Location"]).json().keys() == order.keys()


def test_an_order_that_waits_longer_than_its_caller_is_answered_as_stored(desk: Desk, client: Caller) -> None:
    began = time.monotonic()  # noqa: TID251  the caller's own clock
    answer = place(client, desk, "wait=1")
    assert 0.9 < time.monotonic() - began < 3  # noqa: TID251  likewise
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=1")
    assert (answer.json()["status"], answer.json()["order_id"]) == ("requested", str(stored(desk)[0]))


def test_a_settled_order_is_answered_at_once_under_its_key(desk: Desk, client: Caller) -> None:
    assert place(client, desk, "respond-async", key=desk.account).status_code == 202
    place_order(desk.ctx, stored(desk)[0])
    answer = place(client, desk, "wait=30", key=desk.account)
    assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (200, "true")
    assert answer.elapsed.total_seconds() < 5


@pytest.mark.parametrize("status", list(OrderStatus))
def test_unknown_is_not_the_brokers_word(desk: Desk, status: OrderStatus) -> None:
    order_id = desk.request()
    desk.change("status = %s", "order_id = %s", status, order_id)
    with desk.ctx.database.statement() as unit:
        settled = settled_among(unit, [order_id])
    assert (order_id in settled) == (status not in {"requested", "submitting", "unknown"})


WISHES = [
    # the header's values, seconds
    (["wait=5"], 5),
    (['wait="5"'], 5),
    (["WAIT = 5 ; strict"], 5),
    (["respond-async, wait=5"], 5),
    (["respond-async", "wait=5"], 5),
    (["wait=5, wait=9"], 5),
    (["wait=600"], 30),
    (["wait=0"], 0),
    (["wait=-5"], 0),
    (["wait=soon"], 0),
    (["wait"], 0),
    ([""], 0),
    ([], 0),
]


@pytest.mark.parametrize(("values", "seconds"), WISHES, ids=[str(case[0]) for case in WISHES])
def test_a_wish_that_cannot_be_read_is_none(values: list[str], seconds: int) -> None:
    headers = [(b"prefer", value.encode()) for value in values]
    assert wanted_wait(Request({"type": "http", "headers": headers})) == seconds


def test_many_who_wait_hold_no_thread_and_share_one_query(desk: Desk, app: FastAPI, client: Caller) -> None:
    database = CountingDatabase(desk.ctx.settings.app_database_url.get_secret_value())
    app.state.opitios.waiting = waiting = Waiting(database)
    began = time.monotonic()  # noqa: TID251  how often is asked depends on it
    with ThreadPoolExecutor(MANY) as pool:
        coming = [pool.submit(place, client, desk, "wait=20") for _ in range(MANY)]
        until(lambda: len(waiting) == MANY)
        answer = client.get("/api/v1/orders", params={"account": desk.account})
        assert (answer.status_code, len(answer.json()["orders"])) == (200, 50)
        assert answer.elapsed.total_seconds() < 2
        for order_id in stored(desk):
            place_order(desk.ctx, order_id)
        answers = [one.result(20) for one in coming]
    seconds = time.monotonic() - began  # noqa: TID251  likewise
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["order_id"] for answer in answers}) == MANY
    assert database.asked <= 1 + seconds / 0.025
    database.dispose()


def test_one_more_than_may_wait_is_answered_at_once(desk: Desk, app: FastAPI, client: Caller) -> None:
    app.state.opitios.waiting = waiting = Waiting(app.state.opitios.database, most=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(place, client, desk, "wait=20")
        until(lambda: len(waiting) == 1)
        second = place(client, desk, "wait=20")
        for order_id in stored(desk):
            place_order(desk.ctx, order_id)
        assert first.result(5).status_code == 200
    assert (second.status_code, second.elapsed.total_seconds() < 5) == (202, True)
    assert "Preference-Applied" not in second.headers


def test_a_caller_who_leaves_leaves_nothing_behind(desk: Desk, app: FastAPI, client: Caller) -> None:
    waiting = waiting_in(app)
    where = urlsplit(client.base)
    body = f'{{"account": "{desk.account}", "symbol": "AAPL", "side": "buy", "qty": "1"}}'
    lines = [
        "POST /api/v1/orders HTTP/1.1",
        f"Host: {where.netloc}",
        f"Authorization: Bearer {token_of(app)}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Idempotency-Key: gone",
        "Prefer: wait=30",
    ]
    with socket.create_connection((str(where.hostname), where.port or 80)) as caller:
        caller.sendall("\r\n".join([*lines, "", body]).encode())
        until(lambda: len(waiting) == 1)
    until(lambda: len(waiting) == 0, 5)
    until(lambda: done(waiting), 5)
    assert len(stored(desk)) == 1


def done(waiting: Waiting) -> Any:
    """Return whether nobody asks any more."""
    return waiting._asking is not None and waiting._asking.done()
