"""Filters leave out what was not asked for; what a report does not have is refused by name."""

import datetime as dt
from typing import Any

import pytest

from domain.errors import InvalidRequest
from reports.filters import own_filters
from tests.reports.conftest import Reader
from tests.support.reports import ROWS


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({"account": "acc-1"}, range(1, ROWS + 1, 2)),
        ({"first_day": dt.date(2026, 3, 5)}, range(4, ROWS + 1, 5)),  # both ends are part of what was asked for
        ({"last_day": dt.date(2026, 3, 1)}, range(5, ROWS + 1, 5)),
        ({"own": {"n": "17"}}, [17]),
        ({"own": {"good": "false"}, "account": "acc-0"}, []),
        ({"own": {"amount": "2.50"}}, [20]),
        ({"own": {"share": "2.5"}}, [10]),
        ({"own": {"id": "00000000-0000-7000-8000-000000000020"}}, [20]),
        ({"own": {"since": "2026-03-01T13:00:00.123456+01:00"}}, range(1, 10)),
        ({"own": {"note": "a' OR 'a'='a"}}, []),
        ({"own": {"note": "%s %(x)s {0}"}}, []),
    ],
)
def test_only_what_was_asked_for_is_there(read: Reader, filters: dict[str, Any], numbers: Any) -> None:
    with read(**filters) as result:
        assert sorted(row[0] for row in result.rows) == list(numbers)


@pytest.mark.parametrize(
    ("filters", "field", "expected"),
    [
        ({"own": {"nothing": "x"}}, "nothing", "no such filter here; sample has account, from, to, note, good"),
        ({"own": {"n": "many"}}, "n", "a whole number"),
        ({"own": {"n": "1" * 600}}, "n", "a whole number"),
        ({"own": {"amount": "NaN"}}, "amount", "a decimal number"),
        ({"own": {"good": "yes"}}, "good", "true or false"),
        ({"own": {"id": "17"}}, "id", "an id"),
        ({"own": {"since": "2026-03-01"}}, "since", "a time with its offset"),
        ({"own": {"note": "a\0b"}}, "note", "a text without a zero byte"),
        ({"first_day": dt.date(2026, 3, 2), "last_day": dt.date(2026, 3, 1)}, "from", "a day not after to"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    read: Reader, filters: dict[str, Any], field: str, expected: str
) -> None:
    with pytest.raises(InvalidRequest) as refused, read(**filters):
        pass
    (problem,) = refused.value.problems
    assert problem.field == field
    assert problem.expected.startswith(expected)


def test_a_filter_is_given_once() -> None:
    with pytest.raises(InvalidRequest) as refused:
        own_filters([("n", "1"), ("n", "2")])
    assert refused.value.problems[0].value == "2"
