"""An account becomes another one at the broker: seen, audited, its entries stopped until an admin says so (ACC-001)."""

import csv
import io
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from config.celery import CHECK_BALANCE
from events.hints import HintPublisher
from tests.support.commands import Answer, Terminal
from tests.support.house import PASSWORD, House, until


@pytest.fixture(scope="module")
def terminal(running: House) -> Iterator[Terminal]:
    yield Terminal(running.servers.home)
    running.exchange.remove_faults()


@pytest.fixture
def account(running: House) -> str:
    return running.account()


class Person:
    """Somebody at a terminal of the running house."""

    def __init__(self, running: House, terminal: Terminal) -> None:
        self._running, self._terminal = running, terminal

    def __call__(self, *words: str, password: str = PASSWORD) -> Answer:
        return self._terminal.opitios(*words, text=f"{password}\n", OPITIOS_API=self._running.url)


@pytest.fixture
def admin(running: House, terminal: Terminal) -> Person:
    return Person(running, terminal)


def health(running: House) -> dict[str, Any]:
    body: dict[str, Any] = requests.get(running.url + "/health", timeout=5).json()
    return body


def alert(running: House, account: str, kind: str) -> dict[str, Any] | None:
    """Return the newest alert of a kind about an account."""
    page = running.call("GET", "/api/v1/alerts?state=all&limit=200").json()["alerts"]
    return next((entry for entry in page if (entry["subject"], entry["kind"]) == (account, kind)), None)


def shown(running: House, account: str) -> dict[str, Any]:
    body: dict[str, Any] = running.call("GET", f"/api/v1/accounts/{account}").json()
    return body


def read_now(running: House, account: str) -> None:
    """Have the account read before the beat says so."""
    ((account_id,),) = rows(running, "SELECT account_id FROM trading.accounts WHERE name = %s", account)
    hints = HintPublisher(running.settings.redis_url.get_secret_value())
    hints.hint(CHECK_BALANCE, str(account_id))
    hints.close()


def rows(running: House, statement: str, *values: str) -> list[tuple[Any, ...]]:
    with running.servers.connect() as connection:
        return connection.execute(statement.encode(), values).fetchall()


def lines(running: House, words: str) -> list[str]:
    """Return the lines of the background worker that hold `words`."""
    log = running.servers.home.logs / "app" / "worker-background.log"
    return [line for line in log.read_text(encoding="utf-8").splitlines() if words in line]


@pytest.mark.requirement("ACC-001", "FR-001")
def test_an_account_with_another_number_takes_exits_alone_until_an_admin_confirms_it(
    running: House, account: str, admin: Person
) -> None:
    running.ended(running.placed(account, qty="3"))
    working = running.placed(account, symbol="MSFT", type="limit", limit_price="100")
    until(lambda: running.order(working)["status"] == "accepted")
    before = shown(running, account)

    running.exchange.change_account(account, account_number="PA9ZZZZZZZ99")
    raised = until(lambda: alert(running, account, "account_number_changed"), 20)  # by the beat alone

    seen = shown(running, account)
    assert (before["entries_blocked"], seen["account_number"]) == (None, "PA...ZZ99")
    assert seen["entries_blocked"] == f"the account number was {before['account_number']} and now is PA...ZZ99"
    assert (raised["severity"], raised["account"], raised["resolved_at"]) == ("critical", account, None)
    counted = {entry["kind"]: entry["open"] for entry in health(running)["alerts"]}
    assert counted["account_number_changed"] >= 1
    assert health(running)["parts"]["accounts"]["number_changed"] >= 1
    assert account not in requests.get(running.url + "/health", timeout=5).text

    assert admin("login", "--password-stdin").code == 0
    assert f"critical account_number_changed {account} open entries blocked" in admin("alerts").said

    refused = running.ended(running.placed(account))
    assert (refused["status"], refused["reason_code"]) == ("rejected", "account_number_changed")
    assert refused["reason"] == seen["entries_blocked"]
    assert running.in_ledger(account, refused) == []
    exit_ = running.ended(running.placed(account, side="sell", qty="2"))
    assert (exit_["status"], exit_["filled_qty"]) == ("filled", "2")
    assert running.call("DELETE", working).status_code == 202
    assert running.ended(working)["status"] == "canceled"

    _restart_background(running)
    until(lambda: (alert(running, account, "account_number_changed") or {})["times"] > raised["times"], 30)
    assert running.ended(running.placed(account))["reason_code"] == "account_number_changed"

    said = admin("admin", "accounts", "confirm", account)
    assert said.code == 0, said.said
    assert f"Account {account}: paper (detected), number PA9ZZZZZZZ99; entries: taken" in said.said
    assert running.ended(running.placed(account))["status"] == "filled"
    assert alert(running, account, "account_number_changed")["resolved_at"] is not None  # type: ignore[index]
    _check_trail(running, account, admin)


def _restart_background(running: House) -> None:
    """Kill the worker that reads accounts; the supervisor starts it again."""
    pid = running.servers.pid("worker-background")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: running.servers.pid("worker-background") not in {None, pid}, 20)


def _check_trail(running: House, account: str, admin: Person) -> None:
    trail = rows(
        running,
        "SELECT subject, actor LIKE 'system:%%', new->>'account_number' FROM audit.config_changes "
        "WHERE new->>'account' = %s ORDER BY recorded_at",
        account,
    )
    assert trail == [("account number changed", True, "PA...ZZ99"), ("account number confirmed", False, "PA...ZZ99")]
    (line,) = until(lambda: lines(running, f"Alert account_number_changed (critical) {account}:"))
    assert " | ERROR | " in line
    assert f"account={account} account_type=paper account_type_source=detected" in line

    report = admin("report", "account-types", "--account", account, "--format", "csv")
    found = list(csv.DictReader(io.StringIO(report.out)))[::-1]
    assert [(entry["account_number"], entry["reason"]) for entry in found[1:]] == [
        ("PA9ZZZZZZZ99", f"the account number was {_masked(found[0])} and now is PA...ZZ99"),
        ("PA9ZZZZZZZ99", "number confirmed"),
    ]
    assert [entry["actor"] for entry in found][-1] == "admin"
    listed = admin("admin", "accounts", "history", account)
    assert listed.said.count("PA9ZZZZZZZ99") == 3
    assert "number confirmed" in listed.said


def _masked(entry: dict[str, str]) -> str:
    return f"PA...{entry['account_number'][-4:]}"


@pytest.mark.requirement("ACC-001", "FR-001")
def test_a_live_number_under_an_account_configured_as_paper_refuses_and_alerts(running: House, account: str) -> None:
    until(lambda: shown(running, account)["account_type_source"] == "detected")
    running.exchange.change_account(account, account_number="123456789")
    read_now(running, account)

    raised = until(lambda: alert(running, account, "account_type_mismatch"))

    said = "configured as paper, the broker's account number says live"
    assert (raised["severity"], raised["message"]) == ("critical", f"entries blocked: {said}")
    assert (raised["account_type"], raised["account_type_source"]) == ("live", "detected")
    (line,) = until(lambda: lines(running, f"Alert account_type_mismatch (critical) {account}:"))
    assert said in line
    refused = running.ended(running.placed(account))
    assert (refused["status"], refused["account_type"], refused["account_type_source"]) == (
        "rejected",
        "live",
        "detected",
    )
    assert said in refused["reason"]
    assert running.in_ledger(account, refused) == []
    parts = health(running)["parts"]["accounts"]
    assert (parts["mismatch"] >= 1, parts["entries_blocked"] >= 1) == (True, True)
    page = running.call("GET", f"/api/v1/orders?account={account}").json()["orders"]
    assert {(entry["account_type"], entry["account_type_source"]) for entry in page} == {("live", "detected")}
    kinds = {(entry["account_type"], entry["account_type_source"]) for entry in refused["timeline"]}
    assert kinds == {("live", "detected")}


@pytest.mark.requirement("ACC-001", "FR-001")
def test_a_detection_that_fails_alerts_and_is_resolved_by_the_next_good_read(running: House, account: str) -> None:
    until(lambda: shown(running, account)["account_type_source"] == "detected")
    fault = running.exchange.add_fault("504_before", account=account, path="/v2/account", times=None)
    read_now(running, account)
    raised = until(lambda: alert(running, account, "account_type_unread"))
    assert raised["severity"] == "warning"
    until(lambda: lines(running, f"Alert account_type_unread (warning) {account}:"))
    assert shown(running, account)["account_type_source"] == "detected"

    running.exchange.control("DELETE", f"/faults/{fault}")
    read_now(running, account)
    until(lambda: (alert(running, account, "account_type_unread") or {})["resolved_at"])
    until(lambda: lines(running, f"Alert account_type_unread resolved: {account}"))


@pytest.mark.requirement("ACC-001", "FR-001")
def test_an_account_that_could_never_be_read_has_paper_rights_marked_as_a_fallback(running: House) -> None:
    raised = until(lambda: alert(running, "live-1", "account_type_unread"))
    assert (raised["severity"], raised["resolved_at"]) == ("critical", None)
    assert "orders wait, paper rights until it is read" in raised["message"]
    assert (raised["account_type"], raised["account_type_source"]) == ("paper", "fallback")
    assert shown(running, "live-1")["account_type_source"] == "fallback"
    found = health(running)
    assert found["account_types"]["fallback"] >= 1
    assert found["parts"]["accounts"]["not_read"] >= 1
    assert found["status"] == "degraded"


@pytest.mark.requirement("ACC-001")
def test_an_account_that_an_admin_has_switched_off_takes_exits_alone(
    running: House, account: str, admin: Person
) -> None:
    running.ended(running.placed(account, qty="2"))
    off = admin("admin", "accounts", "disable", account)
    assert "entries: switched off by admin" in off.said
    refused = running.ended(running.placed(account))
    assert (refused["reason_code"], refused["reason"]) == (
        "account_disabled",
        f"account {account} is switched off by admin: it takes no entries",
    )
    assert running.ended(running.placed(account, side="sell", qty="2"))["status"] == "filled"
    on = admin("admin", "accounts", "enable", account)
    assert "entries: taken" in on.said
    assert running.ended(running.placed(account))["status"] == "filled"
