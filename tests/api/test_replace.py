"""Replacing through the API: a stored order of its own, safe to repeat, refused by name (R22, R27)."""

from typing import Any

import pytest
import requests

from tests.api.test_cancel import NOBODYS, working
from tests.support.house import House, until


def patch(running: House, href: str, key: str = "", **body: Any) -> requests.Response:
    headers = {"Idempotency-Key": key or f"{href[-12:]}-replaced"}
    return running.call("PATCH", href, json=body, headers=headers)


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_working_order_is_replaced_by_one_of_its_own(running: House) -> None:
    account = running.account()
    href = working(running, account, qty="5")
    answer = patch(running, href, limit_price="2")
    assert (answer.status_code, answer.headers["Location"]) == (202, answer.json()["href"])
    new = answer.json()["href"]
    until(lambda: running.order(new)["status"] == "accepted")
    until(lambda: running.order(href)["status"] == "replaced")
    found = running.order(new)
    assert (found["qty"], found["limit_price"], found["type"]) == ("5", "2", "limit")
    assert found["replaces"] == href.rpartition("/")[2]
    assert running.order(href)["replaced_by"] == found["order_id"]


def test_the_same_key_is_the_same_replacement_even_when_it_is_done(running: House) -> None:
    href = working(running, running.account())
    first = patch(running, href, limit_price="2")
    until(lambda: running.order(href)["status"] == "replaced")
    again = patch(running, href, limit_price="2.0")
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    other = patch(running, href, limit_price="3")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "body", "at least one of"),
        ({"limit_price": "1.001"}, "limit_price", "sub-penny"),
        ({"limit_price": "NaN"}, "limit_price", "finite"),
        ({"stop_price": "1"}, "stop_price", "takes none"),
        ({"qty": "0"}, "qty", "above 0"),
        ({"time_in_force": "opg"}, "time_in_force", "day"),
        ({"symbol": "MSFT"}, "symbol", "no such field"),
    ],
)
def test_what_cannot_be_is_named(running: House, body: dict[str, Any], field: str, words: str) -> None:
    href = working(running, "acc-1")
    answer = patch(running, href, **body)
    named = {error["field"]: error["expected"] for error in answer.json()["errors"]}
    assert answer.status_code == 422
    assert words in named[field]
    assert running.order(href)["replaced_by"] is None


def test_an_order_that_has_ended_or_is_ending_is_not_replaced(running: House) -> None:
    href = working(running, running.account())
    running.call("DELETE", href)
    running.ended(href)
    answer = patch(running, href, limit_price="2")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not_replaceable")
    assert patch(running, NOBODYS, limit_price="2").status_code == 404
    keyless = running.call("PATCH", href, json={"limit_price": "2"})
    assert (keyless.status_code, keyless.json()["type"]) == (400, "/problems/idempotency_key_missing")
