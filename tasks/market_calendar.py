"""When New York trades, as the seller must know it: holidays and early closes, also while nothing can be asked.

The calendar package knows the rules without a network but pulls pandas, so it is loaded when first needed, in the sell
worker alone. What it says of the coming weeks stays in memory and goes into the snapshot: with that the seller goes on
for a fortnight without it.
"""

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from domain.exits import Moment, Session

NEW_YORK = ZoneInfo("America/New_York")
AHEAD = dt.timedelta(days=14)
"""At least so much of the future is known after each question."""
_LOADED = dt.timedelta(days=35)
_BEHIND = dt.timedelta(days=7)  # clocks step back, and a session of yesterday may be asked for


class CalendarUnknown(LookupError):
    """Nobody can say whether the market trades on a day: the package is not there, and what was kept has run out."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the days from `first` to `last`: a day among them without a session has none."""

    first: dt.date = dt.date.max
    last: dt.date = dt.date.min
    sessions: Mapping[dt.date, Session] = field(default_factory=dict)

    def covers(self, day: dt.date, ahead: dt.timedelta = dt.timedelta(0)) -> bool:
        """Return whether a day and so many after it are known."""
        return self.first <= day and day + ahead <= self.last


class MarketCalendar:
    """The sessions around today. Safe between threads: what is known is replaced whole."""

    def __init__(self) -> None:
        self._known = _Known()
        self._loading = threading.Lock()

    def moment(self, now: dt.datetime) -> Moment:
        """Return now with its session, by New York's date. The first call loads (most of a second).

        Raises CalendarUnknown.
        """
        day = now.astimezone(NEW_YORK).date()
        if not self._known.covers(day, AHEAD):
            self._load(day)
        return Moment(now, self._known.sessions.get(day))

    def as_json(self) -> dict[str, Any]:
        """Return what is known, for a file."""
        known = self._known
        return {
            "first": known.first.isoformat(),
            "last": known.last.isoformat(),
            "sessions": [
                {"opens": session.opens.isoformat(), "closes": session.closes.isoformat()}
                for session in known.sessions.values()
            ],
        }

    @classmethod
    def from_json(cls, kept: Any) -> "MarketCalendar":
        """Return a calendar that knows what `as_json` gave. Raises ValueError."""
        made = cls()
        try:
            spans = [(_time(entry["opens"]), _time(entry["closes"])) for entry in kept["sessions"]]
            first, last = dt.date.fromisoformat(kept["first"]), dt.date.fromisoformat(kept["last"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"sessions of the market: expected what as_json wrote ({error!r})") from error
        made._known = _Known(first, last, _sessions(spans))
        return made

    def _load(self, day: dt.date) -> None:
        with self._loading:
            if self._known.covers(day, AHEAD):
                return
            try:
                self._known = _load(day - _BEHIND, day + _LOADED)
            except ImportError as error:
                if not self._known.covers(day):
                    raise CalendarUnknown(f"whether the market trades on {day} is not known") from error


def _load(first: dt.date, last: dt.date) -> _Known:
    import exchange_calendars  # noqa: PLC0415  pulls pandas: the sell worker alone asks for sessions

    calendar = exchange_calendars.get_calendar("XNYS", start=first.isoformat(), end=last.isoformat())
    spans = zip(calendar.opens, calendar.closes, strict=True)
    return _Known(first, last, _sessions([(_utc(opens), _utc(closes)) for opens, closes in spans]))


def _sessions(spans: Sequence[tuple[dt.datetime, dt.datetime]]) -> dict[dt.date, Session]:
    """Return the sessions by day, each with the day of the next."""
    made = [Session(opens.astimezone(NEW_YORK).date(), opens, closes) for opens, closes in sorted(spans)]
    followed = [replace(one, next_day=after.day) for one, after in pairwise(made)]
    return {session.day: session for session in (*followed, *made[-1:])}


def _utc(stamp: Any) -> dt.datetime:
    made: dt.datetime = stamp.to_pydatetime()
    return made.astimezone(dt.UTC)


def _time(text: str) -> dt.datetime:
    made = dt.datetime.fromisoformat(text)
    if made.tzinfo is None:
        raise ValueError(f"{text}: expected a time with its zone")
    return made.astimezone(dt.UTC)
