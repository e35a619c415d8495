"""When New York trades: its real sessions with holidays and early closes, loaded when first asked for.

The calendar package pulls pandas and takes most of a second, so nothing that trades may wait for it: call `sessions`
from a thread.
"""

import bisect
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache

from exchange.clock import NEW_YORK

FIRST_DAY = date(1970, 1, 1)
"""Alpaca's calendar begins here and ends with 2029 (https://docs.alpaca.markets/reference/legacycalendar)."""
_LAST_YEAR = 2029
_SECOND = 1_000_000_000
_LOADING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Session:
    """One regular session; `open_ns` and `close_ns` are ns since the epoch."""

    day: date
    open_ns: int
    close_ns: int

    @property
    def minutes(self) -> int:
        """How long it is: 390 minutes, 210 with an early close."""
        return (self.close_ns - self.open_ns) // (60 * _SECOND)


class Sessions:
    """All sessions, oldest first."""

    def __init__(self, sessions: list[Session]) -> None:
        self._all = sessions
        self._days = [session.day for session in sessions]

    def on(self, day: date) -> Session | None:
        """Give the session of a day, None on a holiday or weekend."""
        index = bisect.bisect_left(self._days, day)
        return self._all[index] if index < len(self._all) and self._days[index] == day else None

    def between(self, first: date, last: date) -> list[Session]:
        """Give the sessions of the days from `first` to `last`, both included."""
        return self._all[bisect.bisect_left(self._days, first) : bisect.bisect_right(self._days, last)]

    def upto(self, day: date) -> Session:
        """Give the last session that is not after a day."""
        return self._all[bisect.bisect_right(self._days, day) - 1]

    def after(self, day: date) -> Iterator[Session]:
        """Give the sessions after a day."""
        yield from self._all[bisect.bisect_right(self._days, day) :]

    def next_times(self, at_ns: int) -> tuple[int, int]:
        """Give the next open and close after a moment, ns since the epoch; LookupError where the calendar ends."""
        ahead = self._all[max(bisect.bisect_left(self._days, new_york_day(at_ns)) - 1, 0) :]
        opens = next((session.open_ns for session in ahead if session.open_ns > at_ns), None)
        closes = next((session.close_ns for session in ahead if session.close_ns > at_ns), None)
        if opens is None or closes is None:
            raise LookupError(f"the calendar ends with {_LAST_YEAR}")
        return opens, closes


def sessions() -> Sessions:
    """Give New York's sessions; the first call takes most of a second, several at once wait for one loading."""
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> Sessions:
    import exchange_calendars  # noqa: PLC0415  pulls pandas; most exchanges are never asked for a session

    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST_DAY.isoformat(), end=f"{_LAST_YEAR}-12-31")
    columns = zip(calendar.schedule.index, calendar.opens, calendar.closes, strict=True)
    return Sessions([Session(day.date(), opens.value, closes.value) for day, opens, closes in columns])


def new_york_day(at_ns: int) -> date:
    """Give the date in New York at a moment."""
    return datetime.fromtimestamp(at_ns // _SECOND, tz=NEW_YORK).date()


@lru_cache(maxsize=50_000)
def midnight_ns(day: date) -> int:
    """Give a day's first moment in New York, ns since the epoch: the stamp of its daily bar."""
    return int(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp()) * _SECOND


def settlement_day(session: Session) -> date:
    """Give the day on which trades of a session settle: the next session since 2024-05-28, two later before."""
    days = 1 if session.day >= date(2024, 5, 28) else 2
    later = sessions().after(session.day)
    for _ in range(days - 1):
        next(later, None)
    settled = next(later, None)
    return settled.day if settled else session.day + timedelta(days=days)
