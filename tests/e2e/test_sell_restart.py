"""A sell worker that stands still or is killed: told, started again and on record within half a minute (MON-002)."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.house import House, until

pytestmark = pytest.mark.requirement("MON-002")

WITHIN_S = 30


@pytest.fixture
def selling(running: House) -> Iterator[House]:
    """A house whose seller ticks."""
    control(running, "start")
    until(lambda: health(running)["state"] == "running", 60)
    yield running
    control(running, "stop")
    until(lambda: all(one["resolved_at"] for one in alerts(running)), 30)


def control(house: House, action: str) -> None:
    assert house.call("POST", "/api/v1/sell/control", json={"action": action}).status_code == 200


def health(house: House) -> dict[str, Any]:
    found: dict[str, Any] = house.call("GET", "/api/v1/sell/health").json()
    return found


def alerts(house: House) -> list[dict[str, Any]]:
    page = house.call("GET", "/api/v1/alerts?state=all&limit=200").json()["alerts"]
    return [one for one in page if one["kind"] == "sell_module_stopped"]


def stopped_by(house: House, number: signal.Signals) -> None:
    """Send the worker a signal: within half a minute it is told and another process is there, which is on record."""
    pid = house.servers.pid("worker-sell")
    assert pid is not None
    told, restarts = len(alerts(house)), health(house)["restarts"]["last_day"]
    os.kill(pid, number)
    until(lambda: len(alerts(house)) > told and house.servers.pid("worker-sell") not in {None, pid}, WITHIN_S)
    until(lambda: health(house)["restarts"]["last_day"] == restarts + 1, 60)


def test_a_frozen_and_a_killed_worker_are_started_again(selling: House) -> None:
    stopped_by(selling, signal.SIGSTOP)
    until(lambda: all(one["resolved_at"] for one in alerts(selling)), 60)
    new = selling.servers.pid("worker-sell")
    assert health(selling)["tick_process"] == f"worker-sell:{new}"
    stopped_by(selling, signal.SIGKILL)
    spoken = [(one["severity"], one["subject"]) for one in alerts(selling)]
    assert spoken[:2] == [("critical", "sell_module")] * 2
