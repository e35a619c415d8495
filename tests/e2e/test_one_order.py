"""One order through the whole house: real processes, the unmodified SDK, the exchange's ledger as the judge."""

import os
import signal
from decimal import Decimal
from typing import Any

import pytest

from reports.catalog import REPORTS
from reports.query import Filters, run_report
from tests.support.house import House, until


def names(order: dict[str, Any]) -> list[str]:
    return [event["event"] for event in order["timeline"]]


@pytest.mark.requirement("TRD-001", "FR-005", "ACC-001", "FR-001", "NFR-002", "CARD")
def test_a_buy_is_placed_filled_timed_and_reported_as_paper(running: House) -> None:
    account = running.account()
    answer = running.place(account, qty="10")
    assert answer.status_code == 202
    assert answer.headers["Location"] == answer.json()["href"]

    order = running.ended(answer.json()["href"])
    assert (order["status"], order["filled_qty"], order["account_type"]) == ("filled", "10", "paper")
    assert names(order) == ["requested", "submitting", "accepted", "filled"]
    accepted = order["timeline"][2]
    assert 0 < Decimal(accepted["network_ms"]) <= Decimal(accepted["total_ms"])
    assert len(running.in_ledger(account, order)) == 1

    url = running.settings.compliance_database_url.get_secret_value()
    with run_report(url, REPORTS["order-timing"], Filters(account=account)) as result:
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    assert [(row["account_type"], row["account_type_source"], row["outcome"]) for row in rows] == [
        ("paper", "detected", "accepted")
    ]
    assert 0 < rows[0]["network_ms"] <= rows[0]["total_ms"]
    with run_report(url, REPORTS["orders-by-account-type"], Filters(account=account)) as result:
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    assert [(row["account_type"], row["status"], row["orders"]) for row in rows] == [("paper", "filled", 1)]


@pytest.mark.requirement("TRD-001", "FR-005")
def test_every_attempt_writes_the_documented_line(running: House) -> None:
    account = running.account()
    order = running.ended(running.placed(account, symbol="MSFT", qty="2"))
    log = running.servers.home.logs / "app" / "worker-entries.log"
    placed = f"Order placed: BUY MSFT qty=2 | order_id={order['order_id']} "
    line = until(lambda: next((line for line in log.read_text().splitlines() if placed in line), None))
    stamp, level, head, *fields = line.split(" | ")
    assert len(stamp) == len("2025-01-15 14:30:25.123")
    assert (level, head) == ("INFO", "Order placed: BUY MSFT qty=2")
    assert fields[0] == f"order_id={order['order_id']}"
    assert fields[1].startswith("duration=")
    assert fields[1].endswith("ms")
    assert fields[2] == "success=true"
    assert fields[3].startswith(f"account={account} account_type=paper network=")
    assert fields[3].endswith("ms source=api")
    assert f"trace_id={order['trace_id']}" in fields[4]


def test_what_was_bought_can_be_sold_again(running: House) -> None:
    account = running.account()
    running.ended(running.placed(account, qty="3"))
    order = running.ended(running.placed(account, side="sell", qty="3"))
    assert order["status"] == "filled"
    assert running.exchange.ledger(account)["positions"] == []


def test_an_option_is_bought_by_contracts(running: House) -> None:
    account = running.account()
    order = running.ended(running.placed(account, symbol="AAPL280121C00150000", qty="1"))
    assert (order["status"], order["asset_class"]) == ("filled", "us_option")


@pytest.mark.requirement("ACC-002", "FR-002")
def test_a_buy_below_the_minimum_is_refused_with_the_four_numbers(running: House) -> None:
    account = running.account()
    running.exchange.change_account(account, cash="4999.99")
    database_says = until(lambda: running.cash(account) == "4999.99", 30)
    assert database_says
    order = running.ended(running.placed(account, qty="1", type="limit", limit_price="100"))
    assert (order["status"], order["rejected_by"], order["reason_code"]) == (
        "rejected",
        "opitios",
        "insufficient_balance",
    )
    assert order["reason"] == (
        "available $4,999.99 (reserved $0.00) against minimum $5,000.00, order cost $100.00, rule 'before'"
    )
    numbers = order["timeline"][1]["detail"]["checks"]["minimum_balance"]
    assert (numbers["available"], numbers["reserved"], numbers["minimum"], numbers["order_cost"]) == (
        "4999.99",
        "0",
        "5000",
        "100",
    )
    assert running.in_ledger(account, order) == []


def test_a_gateway_timeout_after_acceptance_is_unknown_and_then_settled_by_our_id(running: House) -> None:
    account = running.account()
    running.exchange.add_fault("504_after", account=account, method="POST", path="/v2/orders")
    order = running.ended(running.placed(account, qty="7"))
    assert order["status"] == "filled"
    assert names(order) == ["requested", "submitting", "unknown", "accepted", "filled"]
    stages = [event["stage"] for event in order["timeline"]]
    assert stages[:-1] == ["request", "claim", "send", "settle"]
    assert stages[-1] in {"stream", "poll"}  # whoever hears of the fill first
    assert order["timeline"][2]["reason_code"] == "http_504"
    found = running.in_ledger(account, order)
    assert [(entry["filled_qty"], entry["attempts"]) for entry in found] == [("7", 1)]


def test_a_gateway_timeout_before_acceptance_is_sent_again_under_the_same_id(running: House) -> None:
    account = running.account()
    running.exchange.add_fault("504_before", account=account, method="POST", path="/v2/orders")
    order = running.ended(running.placed(account, qty="2"))
    assert order["status"] == "filled"
    assert names(order) == ["requested", "submitting", "unknown", "looked_up", "submitting", "accepted", "filled"]
    assert len(running.in_ledger(account, order)) == 1


def test_a_busy_broker_is_tried_again_later(running: House) -> None:
    account = running.account()
    running.exchange.add_fault("429", account=account, method="POST", path="/v2/orders", times=2)
    order = running.ended(running.placed(account))
    assert order["status"] == "filled"
    refused = [event["event"] for event in order["timeline"] if event["reason_code"] == "rate_limited"]
    assert refused == ["deferred", "deferred"]  # in between, the budget itself left the broker alone
    assert len(running.in_ledger(account, order)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        "hang_after",
        "drop_after",
        "hang",
        "drop_before",
        "502_before",
        "502_after",
        "500_before",
        "500_after",
        "half_body",
    ],
)
def test_a_lost_answer_never_makes_two_orders(running: House, fault: str) -> None:
    account = running.account()
    running.exchange.add_fault(fault, account=account, method="POST", path="/v2/orders")
    order = running.ended(running.placed(account, qty="5"))
    assert order["status"] == "filled"
    assert "unknown" in names(order)
    assert [entry["filled_qty"] for entry in running.in_ledger(account, order)] == ["5"]


def test_an_order_that_the_broker_does_not_show_yet_is_not_placed_twice(running: House) -> None:
    account = running.account()
    running.exchange.add_fault("504_after", account=account, method="POST", path="/v2/orders")
    running.exchange.add_fault("hidden", account=account, method="GET", delay_ms=4000, times=None)
    order = running.ended(running.placed(account, qty="3"), seconds=40)
    assert order["status"] == "filled"
    assert [entry["filled_qty"] for entry in running.in_ledger(account, order)] == ["3"]


@pytest.mark.parametrize("fault", ["unknown_status", "unknown_field"])
def test_what_nobody_has_documented_neither_ends_nor_loses_an_order(running: House, fault: str) -> None:
    account = running.account()
    running.exchange.add_fault(fault, account=account, times=6)
    order = running.ended(running.placed(account, qty="2"))
    assert order["status"] == "filled"
    assert [entry["filled_qty"] for entry in running.in_ledger(account, order)] == ["2"]


@pytest.mark.requirement("ACC-001")
def test_an_account_at_an_endpoint_that_counts_as_live_is_refused_and_audited(running: House, trap: Any) -> None:
    order = running.ended(running.placed("live-1"))
    assert (order["status"], order["rejected_by"], order["reason_code"]) == ("rejected", "opitios", "live_not_armed")
    refusal = order["timeline"][-1]
    assert (refusal["event"], refusal["success"]) == ("rejected", False)
    assert refusal["detail"]["checks"]["endpoint"]["endpoint"] == "live"
    assert [line for line in trap.seen if line.startswith("POST")] == []


def test_orders_survive_an_emptied_redis(running: House) -> None:
    account = running.account()
    hrefs = []
    broker = running.servers.broker()
    for _ in range(10):
        hrefs.append(running.placed(account, type="limit", limit_price="200"))
        broker.flushall()
    broker.close()
    orders = [running.ended(href, 30) for href in hrefs]
    assert {order["status"] for order in orders} == {"filled"}
    assert all(len(running.in_ledger(account, order)) == 1 for order in orders)


def test_a_worker_killed_while_the_broker_is_silent_loses_nothing(running: House) -> None:
    account = running.account()
    running.exchange.add_fault("hang_after", account=account, method="POST", path="/v2/orders")
    href = running.placed(account, qty="4")
    until(lambda: running.order(href)["status"] == "submitting")
    pid = running.servers.pid("worker-entries")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    order = running.ended(href, 40)
    assert order["status"] == "filled"
    assert names(order)[:4] == ["requested", "submitting", "lease_expired", "unknown"], order["timeline"]
    assert [entry["filled_qty"] for entry in running.in_ledger(account, order)] == ["4"]


def test_the_same_key_is_the_same_order_and_another_body_is_refused(running: House) -> None:
    account, key = running.account(), "a-key-of-mine"
    first = running.place(account, key=key, qty="1")
    again = running.place(account, key=key, qty="1.0")
    assert (again.status_code, again.json()["order_id"]) == (202, first.json()["order_id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    other = running.place(account, key=key, qty="2")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency_key_reused")
    running.ended(first.json()["href"])
    assert len(running.exchange.ledger(account)["orders"]) == 1
