"""A change of secrets.yml takes effect in every process within five seconds, and a broken one in none (CFG-001)."""

import os
import signal
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


def test_an_account_is_held_to_its_own_threshold_from_then_on(running: House, file: SettingsFile) -> None:
    own, other = running.account(), running.account()
    file.change_account(own, minimum_balance=1_000_000)
    until(lambda: minimum(running, own) == {"value": "1000000", "source": "account"}, PROMISED_S)
    assert outcome(running, own) == ("rejected", "insufficient_balance")
    assert outcome(running, other) == ("filled", None)

    file.change_account(own, minimum_balance=1_000_000, balance_check_enabled=False, market_place_before=7)
    until(lambda: outcome(running, own) == ("filled", None), PROMISED_S)

    def shown(name: str) -> Any:
        return running.call("GET", f"/api/v1/accounts/{own}").json()[name]

    until(lambda: shown("market_place_before_s") == {"value": "7", "source": "account"}, PROMISED_S)
    assert shown("balance_check_enabled") == {"value": False, "source": "account"}


def test_a_broken_file_changes_nothing_and_is_shown_until_it_is_healed(running: House, file: SettingsFile) -> None:
    account = running.account()
    file.change("trading", minimum_balance=4000)
    until(lambda: minimum(running, account)["value"] == "4000", PROMISED_S)

    file.change("trading", minimum_balance="canary-much")
    until(lambda: file.refusing() == PROCESSES, PROMISED_S)
    part = file.part()
    assert part["state"] == "degraded"
    assert part["error"] == "secrets.yml: trading.minimum_balance: Input should be a valid decimal"
    assert part["since"] <= running.call("GET", "/health").json()["checked_at"]
    assert running.call("GET", "/health").json()["status"] == "degraded"
    assert minimum(running, account) == {"value": "4000", "source": "global"}
    assert outcome(running, account) == ("filled", None)
    alert = until(lambda: file.open_alerts("configuration_invalid"), PROMISED_S)
    assert [(row["severity"], row["subject"].endswith("secrets.yml")) for row in alert] == [("critical", True)]
    errors = running.servers.home.logs / "errors" / "worker-exits.log"
    assert "trading.minimum_balance: Input should be a valid decimal" in errors.read_text()

    file.change("trading", minimum_balance=3000)
    until(lambda: minimum(running, account)["value"] == "3000", PROMISED_S)
    until(lambda: file.part()["state"] == "healthy" and not file.open_alerts("configuration_invalid"), PROMISED_S)
    assert (file.part()["error"], file.part()["processes"]) == (None, [])


@pytest.mark.parametrize(
    "text", ["trading:\n  minimum_balance: [\n", "accounts: 7\n", "\x00", "trading: {balance_rule: x}"]
)
def test_a_file_that_cannot_be_used_leaves_everything_as_it_was(running: House, file: SettingsFile, text: str) -> None:
    account = running.account()
    file.write_text(text)
    until(lambda: file.refusing() == PROCESSES, PROMISED_S)
    assert outcome(running, account) == ("filled", None)
    file.write_text(file.first)
    until(lambda: file.part()["state"] == "healthy", PROMISED_S)


def test_a_file_that_is_gone_leaves_everything_as_it_was(running: House, file: SettingsFile) -> None:
    account = running.account()
    file.path.unlink()
    until(lambda: file.refusing() == PROCESSES, PROMISED_S)
    assert file.part()["error"] == "secrets.yml: the file is gone"
    assert outcome(running, account) == ("filled", None)
    file.write_text(file.first)
    until(lambda: file.part()["state"] == "healthy", PROMISED_S)


def test_a_change_is_on_record_once_with_old_new_and_who(running: House, file: SettingsFile) -> None:
    account, secret = running.account(), "canary-5d1c-nobody-may-see-this"
    subjects = ["trading.minimum_balance", f"accounts.{account}.minimum_balance", f"accounts.{account}.secret_key"]
    before = len(file.changes(*subjects))
    file.change("trading", minimum_balance=4321)
    until(lambda: minimum(running, account)["value"] == "4321", PROMISED_S)
    file.change_account(account, minimum_balance="77.50", secret_key=secret)
    until(lambda: file.told(f"accounts.{account}.minimum_balance: - -> 77.5") == PROCESSES, PROMISED_S)
    until(lambda: minimum(running, account)["value"] == "77.5", PROMISED_S)

    made = sorted(file.changes(*subjects)[before:], key=lambda row: subjects.index(row["subject"]))
    owner = file.path.owner()
    assert [(row["subject"], row["old"], row["new"], row["actor"]) for row in made] == [
        ("trading.minimum_balance", {"value": "5000"}, {"value": "4321"}, f"file:secrets.yml owner={owner}"),
        (f"accounts.{account}.minimum_balance", None, {"value": "77.5"}, f"file:secrets.yml owner={owner}"),
        (f"accounts.{account}.secret_key", {"value": "***"}, {"value": "***"}, f"file:secrets.yml owner={owner}"),
    ]
    page = running.call("GET", "/api/v1/admin/config/changes", params={"limit": "5"}).json()
    assert {change["subject"] for change in page["changes"]} == {*subjects, "rules.version"}  # one with each change
    assert next(change for change in page["changes"] if change["subject"] == subjects[0])["old"] == "5000"
    older = running.call("GET", "/api/v1/admin/config/changes", params={"cursor": page["next_cursor"]}).json()
    assert page["changes"][-1]["change_id"] > older["changes"][0]["change_id"]
    assert not file.seen_anywhere(secret)


def test_a_new_account_trades_without_a_restart_and_one_switched_off_does_not(
    running: House, file: SettingsFile
) -> None:
    keys = running.exchange.add_account("late-1", cash="100000")
    written = SYSTEM_CLOCK.monotonic_ms()
    file.change_account("late-1", **file.at_exchange(keys))
    until(lambda: running.call("GET", "/api/v1/accounts/late-1").status_code == 200, PROMISED_S)
    assert outcome(running, "late-1") == ("filled", None)
    assert SYSTEM_CLOCK.monotonic_ms() - written < PROMISED_S * 1000

    file.change_account("late-1", enabled=False)
    until(lambda: outcome(running, "late-1") == ("rejected", "account_disabled"), PROMISED_S)
    file.change_account("late-1", enabled=True)
    until(lambda: outcome(running, "late-1") == ("filled", None), PROMISED_S)
    tree = file.tree
    del tree["accounts"]["late-1"]
    file.write(tree)
    # nobody has the keys to ask for an order that left at the last moment: none is placed before the record knows
    until(lambda: running.call("GET", "/api/v1/accounts/late-1").json()["enabled"] is False, PROMISED_S)
    assert outcome(running, "late-1") == ("rejected", "account_disabled")


def test_other_keys_are_another_account_that_is_read_before_it_trades(running: House, file: SettingsFile) -> None:
    account = running.account()
    assert outcome(running, account) == ("filled", None)
    number = f"PA3TEST{int(account.removeprefix('acc-')):05}"  # another number would wait for an admin's word
    keys = running.exchange.add_account("other-keys", cash="100000", account_number=number)
    file.change_account(account, **file.at_exchange(keys))
    until(lambda: file.changes(f"accounts.{account}.api_key"), PROMISED_S)
    order = running.ended(running.placed(account), 10)
    assert order["status"] == "filled"
    assert len(running.in_ledger("other-keys", order)) == 1
    assert not running.in_ledger(account, order)


def test_what_needs_a_restart_is_named_and_keeps_its_value(running: House, file: SettingsFile) -> None:
    file.change("database", pool_max=9)
    until(lambda: file.part()["needs_restart"] == ["database.pool_max"], PROMISED_S)
    health = running.call("GET", "/health").json()
    assert health["parts"]["database"]["pool"]["limit"] == 10
    assert health["parts"]["configuration"]["state"] == "healthy"
    file.change("database", pool_max=None)
    until(lambda: file.part()["needs_restart"] == [], PROMISED_S + 5)


def test_an_order_on_its_way_is_not_broken_by_a_reload(running: House, file: SettingsFile) -> None:
    account = running.account()
    fault = running.exchange.add_fault("delay", account=account, method="POST", path="/v2/orders", delay_ms=2500)
    href = running.placed(account)
    until(lambda: running.order(href)["status"] == "submitting", PROMISED_S)
    file.change_account(account, rate_limit_per_minute=99_999)  # its client is made anew in every worker
    until(lambda: file.told(f"accounts.{account}.rate_limit_per_minute: 100000 -> 99999") == PROCESSES, PROMISED_S)
    assert running.order(href)["status"] == "submitting"

    order = running.ended(href)
    running.exchange.control("DELETE", f"/faults/{fault}")
    assert [event["event"] for event in order["timeline"]] == ["requested", "submitting", "accepted", "filled"]
    assert len(running.in_ledger(account, order)) == 1


def test_a_process_that_starts_on_a_wrong_threshold_takes_the_safe_one(running: House, file: SettingsFile) -> None:
    account = running.account()
    file.change("trading", minimum_balance=1_000_000)
    until(lambda: file.told("trading.minimum_balance: ") == PROCESSES, PROMISED_S)
    until(lambda: outcome(running, account) == ("rejected", "insufficient_balance"), PROMISED_S)
    file.change("trading", minimum_balance="lots")
    until(lambda: file.refusing() == PROCESSES, PROMISED_S)
    assert outcome(running, account) == ("rejected", "insufficient_balance")  # the last good one

    pid = running.servers.pid("worker-entries")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: running.servers.pid("worker-entries") not in {None, pid}, 20)
    until(lambda: outcome(running, account) == ("filled", None), 20)  # $5000
    # what a dead process said last is shown for half a minute; nobody need wait for that here
    running.sql("DELETE FROM trading.process_gauges WHERE process = %s", f"worker-entries:{pid}")
    log = running.servers.home.logs / "errors" / "worker-entries.log"
    assert "safe ones in place of wrong thresholds" in log.read_text()
