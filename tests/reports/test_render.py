"""Report rows as text that a spreadsheet shows and never runs, and what every output says of itself."""

import csv
import datetime as dt
import hashlib
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from reports.columns import Column
from reports.render import Written, cell, write_csv, write_json
from tests.reports.conftest import Reader
from tests.support.reports import HARMLESS, ROWS, Owner

LATE = dt.timezone(dt.timedelta(hours=-6))
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        (7, "7"),
        (True, "True"),
        (Decimal("190.02000000"), "190.02"),
        (Decimal(100), "100"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.00000000"), "0"),
        (Decimal("-12.50"), "-12.5"),
        ({"a": 1}, '{"a": 1}'),
        (dt.date(2026, 3, 2), "2026-03-02"),
        (dt.datetime(2026, 3, 2, 14, 30, 25, 123456, tzinfo=dt.UTC), "2026-03-02 14:30:25.123"),
        (dt.datetime(2026, 3, 2, 20, 30, tzinfo=LATE), "2026-03-03 02:30:00.000"),  # another zone's evening, in UTC
    ],
)
def test_a_value_has_one_way_to_be_shown(value: object, text: str) -> None:
    assert cell(value) == text


def as_csv(read: Reader, **filters: Any) -> tuple[Written, bytes]:
    out = io.BytesIO()
    with read(**filters) as result:
        return write_csv(result, out), out.getvalue()


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


@pytest.mark.requirement("FR-005")
def test_a_csv_has_every_row_exactly_and_its_count_and_digest_are_true(read: Reader) -> None:
    written, content = as_csv(read)

    rows = rows_of(content)
    assert (written.rows, written.in_all, written.is_whole) == (ROWS, ROWS, True)
    assert written.sha256 == hashlib.sha256(content).hexdigest()
    assert sorted(int(row["n"]) for row in rows) == list(range(1, ROWS + 1))
    third = next(row for row in rows if row["n"] == "20")
    assert third["at"] == "2026-03-01T12:00:02.123456Z"
    assert (third["amount"], third["ratio"], third["share"]) == ("2.5", "6.6666666666666667", "5")
    assert (third["good"], third["big"], third["day"]) == ("true", "9007199254741013", "2026-03-01")
    assert json.loads(third["extra"]) == {"n": 20}


def test_what_a_spreadsheet_would_run_is_only_shown_and_nothing_else_is_touched(read: Reader) -> None:
    with read() as result:
        notes = {row[0]: row[8] for row in result.rows}
    for row in rows_of(as_csv(read)[1]):
        note = notes[int(row["n"])]
        assert row["note"] == (note if note in HARMLESS else f"'{note}")


@pytest.fixture(scope="module")
def texts(owner: Owner) -> Iterator["psycopg.Cursor[Any]"]:
    with owner.cursor() as cursor:
        yield cursor


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1))
def test_no_text_begins_like_a_formula(texts: "psycopg.Cursor[Any]", given_texts: list[str]) -> None:
    shown = sql.SQL("SELECT {} FROM unnest(%s::text[]) WITH ORDINALITY AS r(note, n) ORDER BY r.n")
    for (text,), raw in zip(
        texts.execute(shown.format(Column("note", "text").text), (given_texts,)).fetchall(), given_texts, strict=True
    ):
        assert text == (f"'{raw}" if raw.startswith(FORMULA) else raw)


def test_an_empty_report_still_names_its_columns(read: Reader) -> None:
    written, content = as_csv(read, account="nobody")

    assert written.rows == 0
    assert content.decode() == "n,account,day,at,amount,ratio,share,good,note,extra,id,rank,big\r\n"


def test_a_limit_is_never_silent(read: Reader) -> None:
    written, content = as_csv(read, limit=7)

    assert (written.rows, written.in_all, written.is_whole) == (7, ROWS, False)
    assert len(rows_of(content)) == 7


def test_json_says_what_it_is_and_loses_no_digit(read: Reader) -> None:
    out = io.BytesIO()
    with read(account="acc-0", own={"good": "true"}) as result:
        written = write_json(result, out)
        query = result.query
    said = json.loads(out.getvalue())

    assert (said["report"], said["filters"]) == ("sample", {"account": "acc-0", "good": "true"})
    assert (said["query"], said["row_count"], said["rows_in_all"]) == (query, ROWS // 2, ROWS // 2)
    assert said["sha256"] == written.sha256 == as_csv(read, account="acc-0", own={"good": "true"})[0].sha256
    assert {"name": "amount", "type": "numeric(20,8)", "comment": "What it costs, in USD."} in said["columns"]
    twenty = next(row for row in said["rows"] if row["n"] == 20)
    assert (twenty["amount"], twenty["share"], twenty["good"], twenty["extra"]) == ("2.5", 5, True, {"n": 20})
    assert (twenty["at"], twenty["rank"]) == ("2026-03-01T12:00:02.123456Z", 2)
    assert dt.datetime.fromisoformat(said["as_of"]).utcoffset() == dt.timedelta(0)


def test_every_reading_of_a_result_sees_the_rows_of_one_moment(read: Reader, owner: Owner) -> None:
    with read() as result:
        before = result.count()
        owner.execute("INSERT INTO public.sample (n, account, day, at) VALUES (9999, 'late', '2026-03-01', now())")
        try:
            assert (result.count(), write_csv(result, io.BytesIO()).rows) == (before, before)
            assert sum(1 for _ in result.rows) == before
        finally:
            owner.execute("DELETE FROM public.sample WHERE n = 9999")


def test_the_query_that_is_said_gives_the_same_rows_to_anybody(read: Reader, owner: Owner) -> None:
    with read(account="acc-1", first_day=dt.date(2026, 3, 2), own={"note": "100 % sure"}) as result:
        found = [row[0] for row in result.rows]
        query = result.query

    assert found
    assert [row[0] for row in owner.execute(query.encode()).fetchall()] == found


def test_a_report_can_write_nothing(read: Reader) -> None:
    with read() as result, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        result.connection.execute("CREATE TEMP TABLE mine (n int)")


def test_a_reader_that_takes_its_time_keeps_its_snapshot(read: Reader) -> None:
    with read() as result:
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            assert result.connection.execute("SELECT current_setting(%s)", (setting,)).fetchone() == ("30min",)
