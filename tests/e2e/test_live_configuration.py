"""A change of secrets.yml takes effect in every process within five seconds, and a broken one in none (CFG-001)."""

from collections.abc import Iterator
from typing import Any

import pytest

from config.clock import SYSTEM_CLOCK
from tests.support.house import House, until
from tests.support.settings_file import PROCESSES, PROMISED_S, SettingsFile, settings_file

pytestmark = pytest.mark.requirement("CFG-001", "NFR-004")


@pytest.fixture
def file(running: House) -> Iterator[SettingsFile]:
    with settings_file(running) as made:
        yield made


def minimum(house: House, account: str) -> dict[str, Any]:
    found: dict[str, Any] = house.call("GET", f"/api/v1/accounts/{account}").json()["minimum_balance"]
    return found


def outcome(house: House, account: str) -> tuple[str, str | None]:
    order = house.ended(house.placed(account), 10)
    return order["status"], order["reason_code"]


def test_an_order_refused_before_is_accepted_after_without_a_restart(running: House, file: SettingsFile) -> None:
    account = running.account()
    file.change("trading", minimum_balance=1_000_000)
    until(lambda: minimum(running, account) == {"value": "1000000", "source": "global"}, PROMISED_S)
    until(lambda: outcome(running, account) == ("rejected", "insufficient_balance"), PROMISED_S)

    file.change("trading", minimum_balance=4000)
    written = SYSTEM_CLOCK.monotonic_ms()
    until(lambda: minimum(running, account) == {"value": "4000", "source": "global"}, PROMISED_S)
    until(lambda: outcome(running, account) == ("filled", None), PROMISED_S)
    assert SYSTEM_CLOCK.monotonic_ms() - written < PROMISED_S * 1000
