"""Cancelling through the API: a wish that is taken at once, and an order that ends when the broker says so."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.house import House, until

NOBODYS = "/api/v1/orders/01900000-0000-7000-8000-000000000000"


def working(running: House, account: str, **terms: Any) -> str:
    """Return the href of an order the market does not reach, once the broker has it."""
    href = running.placed(account, **({"type": "limit", "limit_price": "1"} | terms))
    until(lambda: running.order(href)["status"] == "accepted")
    return href


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_working_order_ends_by_the_brokers_word(running: House) -> None:
    account = running.account()
    href = working(running, account)
    answer = running.call("DELETE", href)
    assert (answer.status_code, answer.json()["href"]) == (202, href)
    found = running.ended(href)
    assert (found["status"], found["cancel_reason"]) == ("canceled", "asked for by admin")
    events = [event["event"] for event in found["timeline"]]
    assert events == ["requested", "submitting", "accepted", "cancel_requested", "cancel_sent", "canceled"]
    assert next(event for event in found["timeline"] if event["event"] == "cancel_requested")["actor"] == "admin"
    assert [order["status"] for order in running.in_ledger(account, found)] == ["canceled"]
    again = running.call("DELETE", href)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/not_cancelable")


def test_an_order_nobody_has_cannot_be_cancelled(running: House) -> None:
    assert running.call("DELETE", NOBODYS).status_code == 404
    assert running.call("DELETE", "/api/v1/orders/x").json()["errors"][0]["field"] == "order_id"


@pytest.mark.requirement("TRD-001")
def test_all_orders_that_are_meant_end_and_no_other(running: House) -> None:
    account, other = running.account(), running.account()
    meant = [working(running, account), working(running, account)]
    spared = [working(running, account, symbol="MSFT"), working(running, other)]
    answer = running.call("DELETE", f"/api/v1/orders?account={account}&symbol=AAPL&side=buy")
    assert answer.status_code == 202
    assert sorted(order["href"] for order in answer.json()["orders"]) == sorted(meant)
    assert [running.ended(href)["status"] for href in meant] == ["canceled", "canceled"]
    assert [running.order(href)["status"] for href in spared] == ["accepted", "accepted"]
    assert running.call("DELETE", f"/api/v1/orders?account={account}&symbol=AAPL").json() == {"orders": []}


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [("account=nobodys", 404, "account"), ("side=hold", 422, "side"), ("symbol=%00", 422, "symbol")],
)
def test_a_filter_that_cannot_be_is_named(running: House, query: str, status: int, field: str) -> None:
    answer = running.call("DELETE", f"/api/v1/orders?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)


def test_a_storm_of_cancels_ends_an_order_once(running: House) -> None:
    account = running.account()
    href = working(running, account)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: running.call("DELETE", href).status_code, range(16)))
    assert set(answers) <= {202, 409}
    found = running.ended(href)
    assert [event["event"] for event in found["timeline"]].count("cancel_requested") == 1
