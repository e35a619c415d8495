"""A sell worker that stands still or is killed: told, started again and on record within half a minute (MON-002)."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from config.clock import SYSTEM_CLOCK
from tests.support.house import House, until

pytestmark = pytest.mark.requirement("MON-002")

WITHIN_S = 30


@pytest.fixture
def selling(running: House) -> Iterator[House]:
    """A house whose seller ticks."""
    control(running, "start")
    until(lambda: health(running)["state"] == "running", 30)
    yield running
    control(running, "stop")
    until(lambda: all(one["resolved_at"] for one in alerts(running)), 20)


def control(house: House, action: str) -> None:
    assert house.call("POST", "/api/v1/sell/control", json={"action": action}).status_code == 200


def health(house: House) -> dict[str, Any]:
    found: dict[str, Any] = house.call("GET", "/api/v1/sell/health").json()
    return found


def alerts(house: House) -> list[dict[str, Any]]:
    page = house.call("GET", "/api/v1/alerts?state=all&limit=200").json()["alerts"]
    return [one for one in page if one["kind"] == "sell_module_stopped"]


def stopped_by(house: House, number: signal.Signals) -> None:
    """Send the worker a signal; alert, another process, its record and a tick must be there within half a minute."""
    pid = house.servers.pid("worker-sell")
    assert pid is not None
    told, restarts = len(alerts(house)), health(house)["restarts"]["last_day"]
    deadline_ms = SYSTEM_CLOCK.monotonic_ms() + WITHIN_S * 1000
    os.kill(pid, number)

    def left() -> float:
        return max(0.0, deadline_ms - SYSTEM_CLOCK.monotonic_ms()) / 1000

    until(lambda: len(alerts(house)) > told, left())
    until(lambda: house.servers.pid("worker-sell") not in {None, pid}, left())
    until(lambda: health(house)["restarts"]["last_day"] == restarts + 1, left())
    new = house.servers.pid("worker-sell")
    until(lambda: health(house)["tick_process"] == f"worker-sell:{new}", 20)
    until(lambda: all(one["resolved_at"] for one in alerts(house)), 20)
    assert health(house)["state"] == "running"


def test_a_frozen_and_a_killed_worker_are_started_again(selling: House) -> None:
    stopped_by(selling, signal.SIGSTOP)
    stopped_by(selling, signal.SIGKILL)
    spoken = [(one["severity"], one["subject"]) for one in alerts(selling)]
    assert spoken[:2] == [("critical", "sell_module")] * 2
