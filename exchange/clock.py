"""Time as the outside world tells it: nanoseconds since the epoch, and the two spellings Alpaca uses on the wire."""

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


def now_ns() -> int:
    """Nanoseconds since the epoch, from the real clock."""
    return time.time_ns()


class Ticker:
    """Stamps that never repeat and never run backwards, so that orders and fills have one order in time."""

    def __init__(self, last_ns: int = 0) -> None:
        self._last_ns = last_ns

    def stamp(self) -> int:
        """Give the next stamp, in nanoseconds since the epoch."""
        self._last_ns = max(now_ns(), self._last_ns + 1)
        return self._last_ns

    def move_past(self, at_ns: int) -> None:
        """Start after a stamp that a journal gave."""
        self._last_ns = max(self._last_ns, at_ns)


def rfc3339(at_ns: int) -> str:
    """UTC with nanoseconds and `Z`, as Alpaca stamps orders: `2026-11-20T14:30:00.123456789Z`."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"


def activity_stamp(at_ns: int) -> str:
    """Give the first half of an activity's id, `YYYYMMDDhhmmssmmm` in UTC."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{time.strftime('%Y%m%d%H%M%S', time.gmtime(seconds))}{rest // 1_000_000:03d}"


def parse_moment(text: str) -> int:
    """Nanoseconds since the epoch of an RFC 3339 moment or a plain date (midnight UTC); ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
