"""The seller in a running house: what it sends is cancelled in time, and an outage sells nothing twice (CFG-002, R21)."""

import datetime as dt
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.house import House, until
from tests.support.selling import CALL, PUT
from tests.support.settings_file import SettingsFile, settings_file
from tests.support.stopped import stopped

MINUTES = "0.05"  # three seconds


@pytest.fixture
def file(running: House) -> Iterator[SettingsFile]:
    """A seller that looks every second, and stops with the test."""
    with settings_file(running) as made:
        made.change("sell_module", check_interval=1)
        yield made
        running.call("POST", "/api/v1/sell/control", json={"action": "stop"})
        running.exchange.remove_faults()
        for symbol in (CALL, PUT):
            running.exchange.set_fills(symbol=symbol, never=None)
            running.exchange.set_price(symbol, "1")


def held(house: House, *symbols: str) -> str:
    """Buy two of each at 1 USD, to be sold by the seller; return the account."""
    account = house.account()
    for symbol in symbols:
        house.exchange.set_price(symbol, "1")
        order = house.ended(house.placed(account, symbol=symbol, qty="2", auto_sell_enabled=True))
        assert order["status"] == "filled"
    return account


def started(house: House) -> None:
    answer = house.call("POST", "/api/v1/sell/control", json={"action": "start"})
    assert answer.status_code == 200, answer.text


def sells(house: House, account: str) -> list[dict[str, Any]]:
    """Return the account's sells as the exchange has them."""
    return [order for order in house.exchange.ledger(account)["orders"] if order["side"] == "sell"]


def exits(house: House, account: str) -> list[dict[str, Any]]:
    """Return the seller's orders of an account, with their timelines, oldest first."""
    page = house.call("GET", f"/api/v1/orders?account={account}&source=sell_module").json()["orders"]
    return [house.order(f"/api/v1/orders/{entry['order_id']}") for entry in reversed(page)]


def watched(house: House, account: str, number: int) -> None:
    """Wait until the seller knows so many positions of an account and their price."""

    def known() -> bool:
        found = house.call("GET", "/api/v1/sell/positions").json()["positions"]
        return sum(one["account"] == account and one["mark_price"] is not None for one in found) == number

    until(known, 20)


@pytest.mark.requirement("CFG-002", "TRD-002")
def test_a_limit_exit_that_nobody_fills_is_cancelled_in_time_and_priced_anew(
    running: House, file: SettingsFile
) -> None:
    file.change("sell_module", order_type="limit", order_cancel_minutes=MINUTES, reprice_times=1)
    account = held(running, CALL)
    running.exchange.set_fills(symbol=CALL, never=True)
    running.exchange.add_fault("502_before", account=account, method="DELETE", path="^/v2/orders/", times=2)
    started(running)
    watched(running, account, 1)
    running.exchange.set_price(CALL, "2")
    first = until(lambda: (found := exits(running, account)) and found[0]["status"] == "canceled" and found[0], 40)
    running.exchange.set_price(CALL, "1.8")
    second = until(lambda: (found := exits(running, account))[1:] and found[1], 20)
    assert (first["limit_price"], second["limit_price"]) in {("2", "1.8"), ("2", "2")}
    timeline = {event["event"]: event for event in first["timeline"]}
    requested = timeline["cancel_requested"]
    assert "unfilled for 0.05 minutes" in requested["reason"]
    tried = [event for event in first["timeline"] if event["event"].startswith("cancel_")]
    assert [event["event"] for event in tried] == ["cancel_requested", "cancel_failed", "cancel_failed", "cancel_sent"]
    assert [event["reason_code"] for event in tried[1:3]] == ["http_502", "http_502"]
    late = stamp(requested) - stamp(timeline["accepted"])
    assert 3 <= late <= 8  # within five seconds of its three
    pauses = [stamp(after) - stamp(before) for before, after in zip(tried[1:], tried[2:], strict=False)]
    assert pauses[1] > pauses[0] > 1  # longer each time


@pytest.mark.requirement("UC-SYSTEM-002", "TRD-002")
@pytest.mark.parametrize("worse", [False, True], ids=["Postgres away", "Redis too, and the worker killed"])
def test_stops_that_are_crossed_while_postgres_is_away_close_once(
    running: House,
    file: SettingsFile,
    worse: bool,  # noqa: FBT001  named by its id
) -> None:
    accounts = [held(running, CALL), held(running, PUT)]
    forbidden = held(running, CALL)
    running.call("PUT", f"/api/v1/sell/positions/{forbidden}/{CALL}", json={"auto_sell_enabled": False})
    started(running)
    for account in accounts:
        watched(running, account, 1)
    running.call("PUT", f"/api/v1/sell/positions/{forbidden}/{CALL}", json={"auto_sell_enabled": False})
    until(lambda: opted_out(running, forbidden), 10)
    snapshot = running.servers.home.spool / "worker-sell.snapshot.json"
    until(lambda: snapshot.exists() and '"auto_sell_enabled": false' in snapshot.read_text(), 10)
    with ExitStack() as away:
        away.enter_context(stopped(running.servers.pid("postgres") or 0))
        if worse:
            away.enter_context(stopped(running.servers.pid("redis") or 0))
        running.exchange.set_price(CALL, "0.5")
        if worse:
            os.kill(running.servers.pid("worker-sell") or 0, signal.SIGKILL)
        until(lambda: sells(running, accounts[0]), 15)
        running.exchange.set_price(PUT, "0.5")
        until(lambda: sells(running, accounts[1]), 10)
        until(lambda: all(order["status"] == "filled" for name in accounts for order in sells(running, name)))
    for account in accounts:
        (order,) = until(lambda name=account: (found := exits(running, name)) and ended(found) and found, 40)
        (sold,) = sells(running, account)
        assert sold["client_order_id"] == "opt-" + order["order_id"].replace("-", "")
        assert (order["status"], order["filled_qty"], sold["qty"]) == ("filled", "2", "2")
        assert [event["event"] for event in order["timeline"]][:3] == ["requested", "submitting", "unknown"]
        until(lambda name=account: not positions(running, name), 20)
    assert sells(running, forbidden) == []
    assert [len(sells(running, name)) for name in accounts] == [1, 1]


def ended(found: list[dict[str, Any]]) -> bool:
    return all(order["status"] == "filled" for order in found)


def positions(house: House, account: str) -> list[dict[str, Any]]:
    found = house.call("GET", "/api/v1/sell/positions").json()["positions"]
    return [one for one in found if one["account"] == account]


def opted_out(house: House, account: str) -> bool:
    (position,) = positions(house, account)
    return not position["auto_sell_enabled"]


def stamp(event: dict[str, Any]) -> float:
    """Return when an event was, in seconds."""
    return dt.datetime.fromisoformat(event["occurred_at"]).timestamp()
