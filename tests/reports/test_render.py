"""Report rows as text that a spreadsheet shows and never runs."""

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.query import Result
from reports.render import cell, write_csv

LATE = dt.timezone(dt.timedelta(hours=-6))


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
        (dt.date(2026, 3, 2), "2026-03-02"),
        (dt.datetime(2026, 3, 2, 14, 30, 25, 123456, tzinfo=dt.UTC), "2026-03-02 14:30:25.123"),
        (dt.datetime(2026, 3, 2, 20, 30, tzinfo=LATE), "2026-03-03 02:30:00.000"),  # another zone's evening, in UTC
    ],
)
def test_a_value_has_one_way_to_be_written(value: object, text: str) -> None:
    assert cell(value) == text


def written(*rows: tuple[Any, ...], columns: tuple[str, ...] = ("a", "b")) -> list[list[str]]:
    out = io.StringIO()
    assert write_csv(Result(columns, iter(rows)), out) == len(rows)
    return list(csv.reader(io.StringIO(out.getvalue(), newline="")))


def test_a_file_has_a_header_and_a_line_a_row() -> None:
    assert written(("x", 1), (None, Decimal("2.50"))) == [["a", "b"], ["x", "1"], ["", "2.5"]]


def test_a_report_without_rows_still_names_its_columns() -> None:
    assert written() == [["a", "b"]]


def test_a_line_end_inside_a_text_begins_no_row() -> None:
    assert written(("x\r=1+1", "y\r\n=2"))[1] == ["x\r=1+1", "y\r\n=2"]


def test_commas_quotes_and_lines_survive() -> None:
    assert written(('say "no", now', "two\nlines"))[1] == ['say "no", now', "two\nlines"]


@pytest.mark.parametrize("text", ["=1+1", '=cmd|"/c calc"!A1', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_text_that_a_spreadsheet_would_run_is_only_shown(text: str) -> None:
    assert written((text, "x"))[1][0] == f"'{text}"


@pytest.mark.parametrize(("value", "text"), [(Decimal(-5), "-5"), (-5, "-5"), (-0.5, "-0.5")])
def test_a_negative_number_stays_a_number(value: object, text: str) -> None:
    assert written((value, "x"))[1][0] == text


@given(st.text(st.characters(codec="utf-8")))
def test_no_text_begins_like_a_formula(text: str) -> None:
    shown = written((text, "x"))[1][0]
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert shown.removeprefix("'") in {text, text.removeprefix("'")}
