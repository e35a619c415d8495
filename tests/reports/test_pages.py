"""Pages put together are the whole, whatever stands in the columns that order them; only our own cursors are taken."""

import base64
import dataclasses
import json
from typing import Any

import pytest

from domain.errors import InvalidRequest, ReportsUnavailable
from reports.catalog import REPORTS, Report
from reports.pages import read_page
from tests.reports.conftest import Reader
from tests.support.reports import ROWS, SAMPLE, Owner

SECRET = b"of a test"


def page(read: Reader, cursor: str | None, limit: int, report: Report = SAMPLE, **filters: Any) -> Any:
    with read(report, **filters) as result:
        return read_page(result, cursor=cursor, limit=limit, secret=SECRET)


@pytest.mark.parametrize("order", ["rank DESC, at, n", "rank, at DESC, n", "good, rank, n DESC", "at DESC, id"])
def test_pages_put_together_are_the_whole(read: Reader, order: str) -> None:
    report = dataclasses.replace(SAMPLE, order_by=order)
    with read(report) as result:
        whole = [row[0] for row in result.rows]
    found: list[int] = []
    cursor, pages = None, 0
    while cursor is not None or not pages:
        got = page(read, cursor, 60, report)
        found += [json.loads(item)["n"] for item in got.items]
        cursor, pages = got.next_cursor, pages + 1

    assert found == whole
    assert (len(found), pages) == (ROWS, 5)


def test_rows_that_share_a_place_are_neither_lost_nor_doubled(read: Reader) -> None:
    report = dataclasses.replace(SAMPLE, order_by="at")  # ten rows a second
    found: list[int] = []
    cursor, more = None, True
    while more:
        got = page(read, cursor, 25, report)
        found += [json.loads(item)["n"] for item in got.items]
        cursor, more = got.next_cursor, got.next_cursor is not None

    assert sorted(found) == list(range(1, ROWS + 1))
    with pytest.raises(ReportsUnavailable, match="more than 9 rows share one place"):
        page(read, cursor, 9, dataclasses.replace(SAMPLE, order_by="good"))


def test_a_row_that_arrives_meanwhile_moves_nothing(read: Reader, owner: Owner) -> None:
    first = page(read, None, 10)
    owner.execute("INSERT INTO public.sample (n, rank, at) SELECT 9999, 3, min(at) FROM public.sample")
    try:
        second = page(read, first.next_cursor, 10)
    finally:
        owner.execute("DELETE FROM public.sample WHERE n = 9999")
    assert second == page(read, first.next_cursor, 10)
    assert not {*first.items} & {*second.items}


def test_the_last_page_says_that_it_is_the_last(read: Reader) -> None:
    assert page(read, None, ROWS).next_cursor is None
    assert page(read, None, ROWS - 1).next_cursor is not None


def test_a_cursor_of_another_question_is_refused(read: Reader) -> None:
    ours = page(read, None, 10, account="acc-1").next_cursor
    assert page(read, ours, 10, account="acc-1").items
    raw = bytearray(base64.urlsafe_b64decode(ours))
    raw[-4] ^= 1
    changed = base64.urlsafe_b64encode(bytes(raw)).decode()
    other = dataclasses.replace(SAMPLE, name="other")
    refusals: list[tuple[str, dict[str, Any]]] = [
        (changed, {"account": "acc-1"}),
        (ours, {"account": "acc-0"}),
        (ours, {}),
        ("", {"account": "acc-1"}),
        ("not ours", {"account": "acc-1"}),
        (ours, {"account": "acc-1", "report": other}),
    ]
    for cursor, more in refusals:
        with pytest.raises(InvalidRequest) as refused:
            page(read, cursor, 10, **more)
        assert refused.value.problems[0].field == "cursor"


@pytest.mark.parametrize("name", list(REPORTS))
def test_every_report_has_the_columns_that_its_entry_names(read: Reader, name: str) -> None:
    report = REPORTS[name]
    with read(report, limit=1) as result:
        known = set(result.columns)
        assert set(report.shown) <= known
        assert set(report.filters.values()) <= known
        assert len(result.order) == len(set(result.order))
        assert list(result.rows) is not None
    with read(report) as result:
        read_page(result, cursor=None, limit=1, secret=SECRET)


def test_a_report_whose_view_is_missing_says_so(read: Reader) -> None:
    missing = dataclasses.replace(SAMPLE, view="reports.nowhere")
    with pytest.raises(ReportsUnavailable, match=r"no view reports\.nowhere"), read(missing):
        pass
