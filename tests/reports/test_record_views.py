"""What officers read of checks, overrides, incidents and of the record itself."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from services.operations import Operation, record_operation
from tests.support.house import TEST_ORIGIN, Bed

NOW = SYSTEM_CLOCK.now()
Rows = list[dict[str, Any]]


@pytest.fixture
def rows(officer: Any, day: Any) -> Callable[[str], Rows]:
    """Return a view's rows of the day's account, oldest first."""

    def found(view: str) -> Rows:
        every: Rows = officer.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("reports", view))).fetchall()
        when = ("occurred_at", "since", "rejected_at")
        mine = [row for row in every if row.get("account") == day.account]
        return sorted(mine, key=lambda row: next(row[name] for name in when if name in row))

    return found


@pytest.fixture
def trial(quiet: Bed) -> Iterator["psycopg.Connection[dict[str, Any]]"]:
    """A connection that may write anything and keeps nothing."""
    url = quiet.runtime.migrations_database_url.replace("+psycopg", "")
    with psycopg.connect(url, row_factory=dict_row) as connection:
        yield connection
        connection.rollback()


@pytest.mark.requirement("ACC-002")
def test_every_balance_check_says_one_of_four_outcomes(rows: Callable[[str], Rows], day: Any) -> None:
    fates = {order_id: fate for fate, order_id in day.orders.items()}
    outcomes = {fates[row["order_id"]]: row["outcome"] for row in rows("balance_checks")}
    assert outcomes == {
        "filled": "allowed",
        "sold": "exempt",
        "rejected": "rejected",
        "canceled": "allowed",
        "unknown": "allowed",
        "warned": "allowed_with_warning",
        "waited": "allowed_with_warning",
    }


def test_a_rejection_says_who_and_the_numbers(rows: Callable[[str], Rows], day: Any) -> None:
    (row,) = rows("rejections")
    assert (row["order_id"], row["operation"], row["rejected_by"]) == (day.orders["rejected"], "place_order", "opitios")
    assert row["available"] - row["order_cost"] < row["minimum"]
    assert (row["network_ms"], row["account_type_source"]) == (None, "detected")


@pytest.mark.requirement("TRD-001")
def test_a_request_that_never_became_an_order_is_a_rejection_too(officer: Any, day: Any) -> None:
    refused = Operation("place_order", NOW, NOW, 3.5, success=False, source="api", trace_id="refused-once")
    refused = replace(refused, account_name="nobody", reason_code="unknown_account", reason="no account 'nobody'")
    with day.ctx.database.statement() as unit:
        record_operation(unit, refused, TEST_ORIGIN, SYSTEM_IDS)
    (row,) = officer.execute("SELECT * FROM reports.rejections WHERE trace_id = 'refused-once'").fetchall()
    assert (row["account"], row["order_id"], row["reason_code"]) == ("nobody", None, "unknown_account")


def test_what_went_past_a_check_and_what_a_person_switched_stand_together(
    rows: Callable[[str], Rows], day: Any
) -> None:
    found = rows("overrides_and_fail_open")
    warned = [row["order_id"] for row in found if row["reason_code"] == "balance_unavailable"]
    assert warned == [day.orders["warned"], day.orders["waited"]]
    assert [(row["kind"], row["actor"]) for row in found if row["subject"]] == [("account disabled", "anna")]


def test_a_refusal_for_the_number_of_requests_says_how_long_was_waited(rows: Callable[[str], Rows], day: Any) -> None:
    (row,) = rows("rate_limit_incidents")
    assert (row["order_id"], row["kind"]) == (day.orders["waited"], "refused by the broker")
    assert row["wait_ms"] >= 1000


def test_an_exit_says_its_reason_lot_and_outcome(trial: Any, day: Any) -> None:
    order_id, lot_id = day.orders["sold"], SYSTEM_IDS.new()
    trial.execute(
        "INSERT INTO trading.lots (lot_id, account_id, symbol, qty, moves, opened_at, auto_sell_enabled, auto_sell_by) "
        "SELECT %s, account_id, 'SOLD', 4, 1, now(), true, 'order' FROM trading.orders WHERE order_id = %s",
        (lot_id, order_id),
    )
    trial.execute(
        "INSERT INTO trading.exits (lot_id, attempt, order_id, reason, message, price, price_at, price_source, "
        "decided_at) VALUES (%s, 2, %s, 'stop_loss', 'down by 10 %%', 170, now(), 'quote', now())",
        (lot_id, order_id),
    )
    change(trial, "sell_module.stop", {"running": True}, {"running": False})
    told = as_officer(trial, "SELECT * FROM reports.sell_module_activity WHERE order_id = %s", order_id)
    assert [(row["reason"], row["lot_id"], row["attempt"], row["order_status"]) for row in told] == [
        ("stop_loss", lot_id, 2, "filled")
    ]
    (stopped,) = as_officer(trial, "SELECT * FROM reports.sell_module_activity WHERE actor = 'view-test'")
    assert stopped["activity"] == "stop"


def test_a_correction_names_what_it_corrects(trial: Any, day: Any) -> None:
    order_id = day.orders["filled"]
    event(trial, order_id, 1000, "corrected", reason="read wrongly", detail={"price": "1"}, corrects_seq=3)
    (row,) = as_officer(trial, "SELECT * FROM reports.corrections WHERE order_id = %s", order_id)
    assert row["detail"] == {"price": "1"}
    assert (row["record"], row["corrects_seq"], row["corrected"], row["reason"], row["actor"]) == (
        *("order event", 3, "accepted", "read wrongly", "anna"),
    )
    events = as_officer(trial, "SELECT seq FROM reports.order_lifecycle WHERE order_id = %s ORDER BY seq", order_id)
    assert [event["seq"] for event in events][-1] == 1000


@pytest.mark.requirement("TRD-001")
def test_an_answer_to_quarantine_is_told_with_who_gave_it(trial: Any, day: Any) -> None:
    order_id = day.orders["waited"]
    event(trial, order_id, 1000, "quarantined", reason_code="not_our_order")
    event(trial, order_id, 1001, "resolved", reason_code="adopt", reason="it is ours", detail={"after": "unknown"})
    (doubt,) = as_officer(trial, "SELECT * FROM reports.unknown_outcomes WHERE order_id = %s", order_id)
    assert (doubt["became"], doubt["reason_code"], doubt["settled_as"]) == ("quarantined", "not_our_order", None)
    assert (doubt["was_quarantined"], doubt["resolved_by"]) == (True, "anna")
    (answer,) = as_officer(trial, "SELECT * FROM reports.overrides_and_fail_open WHERE reason_code = 'adopt'")
    assert (answer["kind"], answer["order_id"], answer["actor"]) == ("quarantine answered", order_id, "anna")


def test_ticks_of_an_hour_are_one_row(trial: Any) -> None:
    trial.execute("DELETE FROM trading.sell_ticks")
    for minute, total_ms, error in ((1, 20, None), (2, 45, "TimeoutError"), (3, 30, None)):
        trial.execute(
            "INSERT INTO trading.sell_ticks (tick_id, begun_at, total_ms, price_ms, degraded, process, accounts, "
            "positions, requests, exits, failures, error) VALUES (%s, %s, %s, 1, false, 'p', 1, 1, 1, 0, '{}', %s)",
            (SYSTEM_IDS.new(), dt.datetime(2026, 11, 20, 15, minute, tzinfo=dt.UTC), total_ms, error),
        )
    (row,) = as_officer(trial, "SELECT * FROM reports.sell_module_activity WHERE activity = 'ticks'")
    assert (row["ticks"], row["failed_ticks"], row["slowest_tick_ms"]) == (3, 1, 45)
    assert row["occurred_at"] == dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)


@pytest.mark.requirement("CFG-001")
def test_a_changed_setting_of_an_account_is_found_by_its_name(trial: Any) -> None:
    change(trial, "accounts.my.fund.minimum_balance", {"value": "5000"}, {"value": "10"})
    (row,) = as_officer(trial, "SELECT * FROM reports.configuration_changes WHERE actor = 'view-test'")
    assert (row["account"], row["old"], row["new"]) == ("my.fund", "5000", "10")
    (row,) = as_officer(trial, "SELECT * FROM reports.overrides_and_fail_open WHERE actor = 'view-test'")
    assert (row["kind"], row["old"], row["new"]) == ("account overridden by configuration", "5000", "10")


def test_processes_sign_ins_and_exports_are_told(trial: Any) -> None:
    operation(trial, "process_started", detail={"version": "0.1.0", "rules_version": "ab12"})
    operation(trial, "login", success=False, reason_code="wrong_password")
    operation(
        trial,
        "report_export",
        detail={
            "report": "blotter",
            "format": "csv",
            "rows": 2,
            "sha256": "ab",
            "as_of": NOW.isoformat(),
            "filters": {"account": "demo-1"},
        },
    )
    (started,) = as_officer(trial, "SELECT * FROM reports.process_starts WHERE actor = 'view-test'")
    (login,) = as_officer(trial, "SELECT * FROM reports.logins WHERE username = 'view-test'")
    (export,) = as_officer(trial, "SELECT * FROM reports.report_exports WHERE actor = 'view-test'")
    assert (started["what"], started["process"], started["version"]) == ("process_started", "p", "0.1.0")
    assert (login["success"], login["reason_code"]) == (False, "wrong_password")
    assert (export["report"], export["account"], export["row_count"], export["as_of"]) == ("blotter", "demo-1", 2, NOW)


def test_clocks_and_seals_are_told_as_they_were_written(trial: Any) -> None:
    trial.execute(
        "INSERT INTO audit.clock_checks (check_id, host, process, occurred_at, source, synchronized, offset_ms, "
        "max_error_ms, database_offset_ms) VALUES (%s, 'view-test', 'p', now(), 'kernel', true, 0.25, 12.5, -1)",
        (SYSTEM_IDS.new(),),
    )
    trial.execute(
        "INSERT INTO audit.seals (seal_no, format, epoch, epoch_began_at, from_xid, to_xid, row_count, parts, root, "
        "previous_hash, hash, signature, key_id, host, sealed_at) "
        "VALUES (900000001, 1, 9, now(), 1, 2, 3, '[]', %s, %s, %s, %s, 'key', 'view-test', %s)",
        (b"\x01" * 32, b"\x02" * 32, b"\xff" * 32, b"\x00", dt.datetime(2026, 11, 20, 23, 59, tzinfo=dt.UTC)),
    )
    (clock,) = as_officer(trial, "SELECT * FROM reports.clock_evidence WHERE host = 'view-test'")
    (seal,) = as_officer(trial, "SELECT * FROM reports.seals WHERE host = 'view-test'")
    assert (clock["clock_source"], clock["synchronized"], str(clock["max_error_ms"])) == ("kernel", True, "12.500")
    assert (seal["row_count"], seal["hash"], seal["day"]) == (3, "ff" * 32, dt.date(2026, 11, 20))


def as_officer(trial: Any, question: str, *values: object) -> Rows:
    trial.execute("SET LOCAL ROLE compliance_ro")
    found: Rows = trial.execute(question, values).fetchall()
    trial.execute("RESET ROLE")
    return found


def event(trial: Any, order_id: Any, seq: int, kind: str, **more: Any) -> None:
    given = {"reason_code": None, "reason": None, "detail": {}, "corrects_seq": None} | more
    trial.execute(
        "INSERT INTO audit.order_events (order_date, order_id, seq, account_id, account_type, account_type_source, "
        "event_type, stage, success, reason_code, reason, occurred_at, source, actor, host, process, trace_id, detail, "
        "corrects_seq) SELECT order_date, order_id, %s, account_id, account_type, account_type_source, %s, 'test', "
        "true, %s, %s, now(), source, 'anna', host, process, trace_id, %s, %s "
        "FROM audit.order_events WHERE order_id = %s AND seq = 1",
        (
            *(seq, kind, given["reason_code"], given["reason"], json.dumps(given["detail"])),
            *(given["corrects_seq"], order_id),
        ),
    )


def change(trial: Any, subject: str, old: object, new: object) -> None:
    trial.execute(
        "INSERT INTO audit.config_changes (change_id, subject, old, new, actor, host, occurred_at) "
        "VALUES (%s, %s, %s, %s, 'view-test', 'h', now())",
        (SYSTEM_IDS.new(), subject, None if old is None else json.dumps(old), json.dumps(new)),
    )


def operation(trial: Any, name: str, **more: Any) -> None:
    given = {"success": True, "reason_code": None, "detail": {}} | more
    trial.execute(
        "INSERT INTO audit.operations (op_date, operation_id, operation, success, reason_code, started_at, "
        "occurred_at, total_ms, source, actor, host, process, trace_id, detail) "
        "VALUES (%s, %s, %s, %s, %s, now(), now(), 1, 'api', 'view-test', 'h', 'p', 't', %s)",
        (NOW.date(), SYSTEM_IDS.new(), name, given["success"], given["reason_code"], json.dumps(given["detail"])),
    )
