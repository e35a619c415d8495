import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, LiteralString

import pytest

from bench.record.export import Exported, export_csv
from bench.record.fill import fill_months_before, fill_this_month, months_before, prepare, settle
from bench.record.inserts import copy_bare, inserts_per_s
from bench.record.measure import FULL, Pair, RecordFigures
from bench.record.questions import QUESTIONS, Asked, ask
from bench.record.report import record_rows
from bench.record.sealing import Sealed, all_sealed, sealing, verify
from bench.record.server import Server, record_server
from config.clock import SYSTEM_CLOCK

FIGURES = RecordFigures(
    plan=FULL,
    machine={"cores": "2", "python": "3", "postgres": "18"},
    pairs=[Pair(1000, 950), Pair(1000, 900), Pair(1000, 700)],
    sealed=Sealed(2_000_000, 2_000_000),
    verify_s=50,
    asked=[Asked(QUESTIONS[0], [1.0] * 19 + [9.0], [68] * 20)],
    csv=Exported(1_000_000, 400_000_000, seconds=20, peak_mb=200),
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with record_server() as made:
        prepare(made)
        yield made


def lines(of: RecordFigures) -> dict[str, tuple[str, bool | None]]:
    return {row.what.strip(): (row.figure, row.reached) for row in record_rows(of)}


def test_a_record_that_keeps_its_goals_just_so_is_said_to() -> None:
    assert all(reached is not False for _, reached in lines(FIGURES).values())


@pytest.mark.parametrize(
    ("what", "broken"),
    [
        ("one account's day: every attempt, p50 / p95", {"asked": [Asked(QUESTIONS[0], [1.0] * 18 + [9.0] * 2, [68])]}),
        ("CSV of 1,000,000 rows, 400 MB", {"csv": replace(FIGURES.csv, seconds=20.1)}),
        ("peak memory of the command", {"csv": replace(FIGURES.csv, peak_mb=201)}),
        ("for a million events", {"verify_s": 50.1}),
        ("record / bare, pair by pair", {"pairs": [Pair(1000, 950), Pair(1000, 890), Pair(1000, 700)]}),
        ("every event sealed exactly once", {"sealed": Sealed(2_000_001, 2_000_000)}),
    ],
)
def test_a_goal_that_is_missed_is_said_to_be(what: str, broken: dict[str, Any]) -> None:
    missed = [name for name, (_, reached) in lines(replace(FIGURES, **broken)).items() if reached is False]
    assert missed == [what]


def test_a_short_file_has_no_goal_for_its_seconds() -> None:
    assert (
        lines(replace(FIGURES, csv=replace(FIGURES.csv, rows=1000, seconds=3)))["CSV of 1,000 rows, 400 MB"][1] is None
    )


def test_months_go_back_over_the_turn_of_a_year() -> None:
    began = months_before(dt.datetime(2027, 2, 14, 9, tzinfo=dt.UTC), 4)
    assert [f"{month:%Y-%m-%d}" for month in began] == ["2026-11-01", "2026-12-01", "2027-01-01", "2027-02-01"]


def test_what_many_writers_wrote_is_sealed_once_and_a_changed_row_is_found(server: Server) -> None:
    fill_this_month(server, 1000, SYSTEM_CLOCK.now())
    copy_bare(server)

    assert inserts_per_s(server, bare=True, seconds=2, writers=5) > 0
    assert server.rows("SELECT count(*) FROM audit.order_events") == [(1000,)]
    assert inserts_per_s(server, bare=False, seconds=2, writers=5) > 0
    with sealing(server):
        sealed = all_sealed(server)

    assert sealed.once
    assert sealed.written > 1000
    verify(server)
    with server.superuser() as intruder:
        intruder.execute("ALTER TABLE audit.order_events DISABLE TRIGGER refuse_change")
        intruder.execute("UPDATE audit.order_events SET actor = 'somebody' WHERE seq = 6")
    with pytest.raises(RuntimeError, match="does not hold"):
        verify(server)


def test_a_year_is_made_as_orders_are_and_can_be_asked(server: Server) -> None:
    now = SYSTEM_CLOCK.now()
    fill_months_before(server, 11_000, now, beyond=1_000_000)
    settle(server)

    ((orders, events, months),) = server.rows(
        "SELECT count(DISTINCT e.order_id), count(*), count(DISTINCT date_trunc('month', e.order_date)) "
        "FROM audit.order_events e JOIN trading.orders o USING (order_id, order_date) "
        "WHERE o.client_order_id ~ '^record' AND e.order_date < date_trunc('month', now() AT TIME ZONE 'UTC')"
    )
    assert (orders, events, months) == (2200, 11_000, 11)
    wrong = server.rows(
        "SELECT order_id FROM audit.order_events e JOIN trading.orders o USING (order_id) "
        "GROUP BY order_id, o.last_seq, o.status HAVING max(e.seq) <> o.last_seq OR count(*) <> o.last_seq "
        "OR o.status <> (array_agg(e.event_type ORDER BY e.seq DESC))[1]"
    )
    assert wrong == []
    asked = ask(server, 11, now)
    assert [len(answers.ms) for answers in asked] == [11] * len(QUESTIONS)
    assert asked[-1].rows == [2] * 11  # a month knows both kinds of accounts
    assert export_csv(server, 1000, now).rows == 1000


@pytest.mark.parametrize(
    ("asked", "found_by"),
    [
        ("SELECT * {day} AND account_id = md5('account 7')::uuid", "Index Scan using {part}_account_id_order_date"),
        ("SELECT * {day} AND event_type = 'canceled'", "Index Scan using {part}_event_type_order_date"),
        ("SELECT * {day} AND reason_code = 'rate_limited'", "Index Scan using {part}_reason_code_order_date"),
        (
            "SELECT max(total_ms) {month} AND total_ms IS NOT NULL AND event_type NOT IN ('requested', 'submitting')",
            "Index Only Scan using {part}_account_type_order_date",
        ),
    ],
)
def test_what_is_asked_of_the_trail_has_its_index(server: Server, asked: LiteralString, found_by: str) -> None:
    (month,) = months_before(SYSTEM_CLOCK.now(), 2)[:1]
    day = f"FROM audit.order_events WHERE order_date = '{month:%Y-%m}-07'"
    whole = f"FROM audit.order_events WHERE order_date BETWEEN '{month:%Y-%m}-01' AND '{month:%Y-%m}-28'"
    with server.superuser() as connection:
        connection.execute("SET enable_seqscan = off")  # a test's months are short enough to read through
        connection.execute("SET enable_bitmapscan = off")
        plan = connection.execute("EXPLAIN " + asked.format(day=day, month=whole)).fetchall()
    assert found_by.format(part=f"order_events_{month:%Y%m}") in "\n".join(line for (line,) in plan)
