"""Parts of the house or of the world away: what goes on, what waits, what is told, and that all of it ends once."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from config.redis_names import SYSTEM_STATUS_CHANNEL
from domain.system_status import DEGRADED
from tests.support.house import House, until
from tests.support.more_workers import more_workers
from tests.support.stopped import stopped

IN_FLIGHT = 24
THREADS = 16  # of the second worker for entries; the house's own has eight


@pytest.fixture
def wide(running: House) -> Iterator[House]:
    """A house with a second worker for entries one thread for each order in flight."""
    with more_workers(running, ["entries-2"], OPITIOS_WORKER_THREADS=str(THREADS)):
        yield running


@contextmanager
def listening(house: House) -> Iterator[list[dict[str, Any]]]:
    """Collect what the channel says; it is read when the block ends."""
    broker = house.servers.broker()
    pubsub = broker.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis types half of itself
    pubsub.subscribe(SYSTEM_STATUS_CHANNEL)
    pubsub.get_message(timeout=2)
    heard: list[dict[str, Any]] = []
    yield heard
    while (message := pubsub.get_message(timeout=0.5)) is not None:
        heard.append(json.loads(message["data"]))
    pubsub.close()
    broker.close()


def alert(house: House, kind: str, subject: str) -> dict[str, Any] | None:
    """Return the newest alert of a kind about a subject."""
    page = house.call("GET", "/api/v1/alerts?state=all&limit=200").json()["alerts"]
    return next((entry for entry in page if (entry["subject"], entry["kind"]) == (subject, kind)), None)


def in_log(house: House, process: str, words: str) -> bool:
    return any(words in path.read_text() for path in (house.servers.home.logs / "app").glob(f"{process}.log"))


def spooled(house: House) -> str:
    path = house.servers.home.spool / "relay.jsonl"
    return path.read_text() if path.exists() else ""


def brokers(house: House) -> dict[str, Any]:
    part: dict[str, Any] = requests.get(house.url + "/health", timeout=5).json()["parts"]["brokers"]
    return part


def statuses(house: House, hrefs: list[str]) -> Counter[str]:
    return Counter(house.order(href)["status"] for href in hrefs)


def place_many(house: House, account: str, number: int) -> list[str]:
    with ThreadPoolExecutor(8) as callers:
        return list(callers.map(lambda _: house.placed(account), range(number)))


def test_a_broker_that_fails_holds_entries_until_it_answers(running: House) -> None:
    account = running.account()
    running.ended(running.placed(account, symbol="MSFT"))
    running.exchange.add_fault("502_before", account=account, path="^/v2/(orders|account)", times=None)
    with listening(running) as heard:
        tried = place_many(running, account, 5)
        until(lambda: running.call("GET", f"/api/v1/accounts/{account}").json()["breaker"] != "closed")
        held = running.placed(account)
        until(lambda: running.order(held)["timeline"][-1]["reason_code"] == "broker_unavailable")
        sold = running.placed(account, symbol="MSFT", side="sell")
        until(lambda: running.order(sold)["timeline"][-1]["reason_code"] == "http_502")  # what protects is tried
        found = until(lambda: alert(running, "broker_unavailable", account))
        assert (found["severity"], found["resolved_at"]) == ("critical", None)
        counted = brokers(running)
        assert counted["state"] == "degraded"
        assert counted["open"] + counted["half_open"] > 0
        running.exchange.remove_faults()
        for href in (*tried, held, sold):
            assert running.ended(href, 40)["status"] == "filled"
        until(lambda: (alert(running, "broker_unavailable", account) or {})["resolved_at"])
        assert running.call("GET", f"/api/v1/accounts/{account}").json()["breaker"] == "closed"
    assert any(event["message"] == DEGRADED and event["parts"]["brokers_unavailable"] for event in heard)
    for href in (*tried, held, sold):
        assert len(running.in_ledger(account, running.order(href))) == 1


def test_orders_in_flight_when_postgres_dies_and_hangs_end_once(wide: House) -> None:
    account = wide.account()
    wide.ended(wide.placed(account))
    before = len(wide.exchange.ledger(account)["orders"])
    wide.exchange.add_fault("hang_after", account=account, method="POST", path="/v2/orders", times=IN_FLIGHT)
    with listening(wide) as heard:
        hrefs = place_many(wide, account, IN_FLIGHT)
        until(lambda: len(wide.exchange.ledger(account)["orders"]) == before + IN_FLIGHT, 20)
        killed = wide.servers.pid("postgres") or 0
        os.kill(killed, signal.SIGKILL)
        assert wide.servers.answers_again("postgres", killed, seconds=20)
        with stopped(wide.servers.pid("postgres") or 0):
            until(lambda: "database_unavailable" in spooled(wide), 30)
            assert in_log(wide, "relay", "Postgres connection lost")
        until(lambda: statuses(wide, hrefs) == {"filled": IN_FLIGHT}, 60)
        until(lambda: (alert(wide, "database_unavailable", "postgres") or {})["resolved_at"], 20)
    wide.exchange.remove_faults()
    ledger = wide.exchange.ledger(account)
    assert len(ledger["orders"]) == before + IN_FLIGHT
    assert {entry["filled_qty"] for entry in ledger["orders"]} == {"1"}
    assert set(ledger["attempts"].values()) == {1}  # nothing was sent twice, not even to be refused
    assert spooled(wide) == ""
    assert in_log(wide, "relay", "Postgres connection restored")
    assert any(event["message"] == DEGRADED and event["parts"]["database"] == "down" for event in heard)
    assert heard[-1]["parts"]["database"] == "healthy"
