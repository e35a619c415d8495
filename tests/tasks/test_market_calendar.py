"""New York's sessions as the seller sees them: holidays, early closes, changes of the clocks, no package at hand."""

import datetime as dt
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pytest

from domain.exit_strategies import STRATEGIES
from domain.exits import ExitRules, Moment, Session, decide
from tasks.market_calendar import AHEAD, CalendarUnknown, MarketCalendar
from tests.domain.lots import lot, mark

DAY = dt.timedelta(days=1)
MONDAY = dt.datetime(2026, 11, 23, 17, tzinfo=dt.UTC)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+00:00")


@cache
def calendar(_month: int, *, late: bool) -> MarketCalendar:  # noqa: ARG001  half a month has one
    """Return a calendar that is asked of a fortnight alone: it loads anew when it is asked back and forth."""
    return MarketCalendar()


def moment(now: dt.datetime) -> Moment:
    return calendar(now.month, late=now.day > 15).moment(now)


def session(day: dt.date) -> Session | None:
    """Return the session of a day, asked for at its noon in New York."""
    return moment(dt.datetime(day.year, day.month, day.day, 17, tzinfo=dt.UTC)).session


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2026-11-23", "14:30", "21:00"),
        ("2026-11-27", "14:30", "18:00"),  # the day after Thanksgiving: an early close
        ("2026-12-24", "14:30", "18:00"),  # Christmas Eve: likewise
        ("2026-11-26", None, None),  # Thanksgiving
        ("2026-12-25", None, None),
        ("2026-11-21", None, None),  # a Saturday
        ("2026-03-06", "14:30", "21:00"),  # the Friday before the clocks go forward, on 2026-03-08
        ("2026-03-08", None, None),
        ("2026-03-09", "13:30", "20:00"),
        ("2026-10-30", "13:30", "20:00"),  # the Friday before they go back, on 2026-11-01
        ("2026-11-01", None, None),
        ("2026-11-02", "14:30", "21:00"),
    ],
)
def test_a_day_has_its_session_or_none(day: str, opens: str | None, closes: str | None) -> None:
    found = session(dt.date.fromisoformat(day))

    if opens is None:
        assert found is None
    else:
        assert found is not None
        assert (found.opens, found.closes) == (utc(f"{day} {opens}"), utc(f"{day} {closes}"))


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-24 03:00", "2026-11-23"),  # Tuesday in London and Shanghai, Monday evening in New York
        ("2026-11-24 04:59", "2026-11-23"),
        ("2026-11-24 05:00", "2026-11-24"),
        ("2026-03-08 06:59", "2026-03-08"),  # 1:59, a minute before the clocks go forward
        ("2026-03-09 03:59", "2026-03-08"),  # 23:59 of a day of 23 hours
        ("2026-03-09 04:00", "2026-03-09"),
        ("2026-11-02 04:59", "2026-11-01"),  # 23:59 of a day of 25 hours
        ("2026-11-02 05:00", "2026-11-02"),
    ],
)
def test_the_day_is_new_yorks(now: str, day: str) -> None:
    found = moment(utc(now)).session
    assert found == session(dt.date.fromisoformat(day))
    assert found is None or found.day == dt.date.fromisoformat(day)


def test_the_session_after_is_known_over_holidays() -> None:
    day: dt.date | None = dt.date(2026, 11, 24)
    followed = []
    for _ in range(3):
        assert day is not None
        found = session(day)
        assert found is not None
        followed.append(day := found.next_day)
    assert followed == [dt.date(2026, 11, 25), dt.date(2026, 11, 27), dt.date(2026, 11, 30)]


@pytest.mark.parametrize(
    ("expires", "first", "last"),
    [
        ("261123", "2026-11-23 20:00", "2026-11-23 20:59"),  # an hour before a normal close
        ("261127", "2026-11-27 17:00", "2026-11-27 17:59"),  # an early one
        ("261224", "2026-12-24 17:00", "2026-12-24 17:59"),
        ("261126", "2026-11-25 20:00", "2026-11-25 20:59"),  # on a holiday: the day before
        ("260309", "2026-03-09 19:00", "2026-03-09 19:59"),  # the first day of summer time
        ("261102", "2026-11-02 20:00", "2026-11-02 20:59"),  # the first after it
    ],
)
def test_an_option_is_closed_in_the_last_hour_of_its_last_session(expires: str, first: str, last: str) -> None:
    held = lot(symbol=f"AAPL{expires}C00150000")
    asked = [utc(first) - dt.timedelta(seconds=1), utc(first), utc(last), utc(last) + dt.timedelta(minutes=1)]

    decided = [decide(held, mark("10"), moment(now), ExitRules(), strategies=STRATEGIES) is not None for now in asked]

    assert decided == [False, True, True, False]


@pytest.mark.parametrize("close", ["2026-11-23 21:00", "2026-11-27 18:00", "2026-03-09 20:00"])
def test_the_closing_window_ends_at_the_real_close(close: str) -> None:
    rules = ExitRules(closing_window=dt.timedelta(minutes=10))
    asked = [utc(close) - dt.timedelta(minutes=minutes) for minutes in (11, 10, 1, 0)]

    decided = [decide(lot(), mark("10"), moment(now), rules, strategies=STRATEGIES) is not None for now in asked]

    assert decided == [False, True, True, False]


def kept(now: dt.datetime = MONDAY) -> Any:
    """Return what a file holds of a calendar that was asked at `now`."""
    made = MarketCalendar()
    made.moment(now)
    return json.loads(json.dumps(made.as_json()))


def test_what_was_kept_says_the_same() -> None:
    file = kept()
    again = MarketCalendar.from_json(file)

    assert again.as_json() == file
    fresh = MarketCalendar()
    for days in range(15):
        assert again.moment(MONDAY + days * DAY) == fresh.moment(MONDAY + days * DAY)


@pytest.mark.usefixtures("nothing_installed")
def test_a_fortnight_goes_on_without_the_package_and_then_nobody_knows() -> None:
    file = {"first": "2026-11-16", "last": "2026-12-07", "sessions": [SPAN]}
    again = MarketCalendar.from_json(file)

    assert again.moment(MONDAY).in_session
    assert again.moment(MONDAY + AHEAD).session is None  # known to have none
    with pytest.raises(CalendarUnknown, match="2026-12-08 is not known"):
        again.moment(MONDAY + AHEAD + DAY)
    with pytest.raises(CalendarUnknown):
        MarketCalendar().moment(MONDAY)


SPAN = {"opens": "2026-11-23T14:30:00+00:00", "closes": "2026-11-23T21:00:00+00:00"}


def test_a_fortnight_ahead_is_always_known(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = MarketCalendar()
    for days in range(0, 45, 15):
        asked.moment(MONDAY + days * DAY)
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)

    assert asked.moment(MONDAY + 30 * DAY + AHEAD).session is not None


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {"first": "2026-11-16", "last": "2026-12-07"},
        {"first": "soon", "last": "2026-12-07", "sessions": []},
        {"first": "2026-11-16", "last": "2026-12-07", "sessions": [{"opens": "2026-11-23T14:30:00+00:00"}]},
        {"first": "2026-11-16", "last": "2026-12-07", "sessions": [SPAN | {"closes": "2026-11-23T21:00:00"}]},
        {"first": "2026-11-16", "last": "2026-12-07", "sessions": [SPAN | {"closes": 7}]},
    ],
)
def test_what_cannot_be_read_is_refused(broken: Any) -> None:
    with pytest.raises(ValueError, match="sessions of the market: expected what as_json wrote"):
        MarketCalendar.from_json(broken)


def test_many_threads_may_ask_at_once() -> None:
    asked = MarketCalendar()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(asked.moment, [MONDAY] * 16))
    assert len(set(answers)) == 1


def test_no_process_loads_pandas_before_it_asks() -> None:
    script = "import sys, tasks.app, tasks.market_calendar as m; m.MarketCalendar(); print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
