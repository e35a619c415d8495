"""Time as the outside world tells it: nanoseconds since the epoch, and the two spellings Alpaca uses on the wire."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from functools import lru_cache
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
_SATURDAY = 5
_CLOSE_HOUR = 16
_HOUR_S = 3600
_HOUR_NS = _HOUR_S * 1_000_000_000
_GTC_LIFE = timedelta(days=90)


class _Offset:
    """How far this process's clock is ahead of the real one, in nanoseconds: an exchange has one clock."""

    ns = 0


def set_offset(ms: int) -> None:
    """Put the exchange's clock ahead by so many milliseconds from now on, or back; what is stamped stays."""
    _Offset.ns = ms * 1_000_000


def now_ns() -> int:
    """Nanoseconds since the epoch, as far off the real clock as a script wants."""
    return time.time_ns() + _Offset.ns


class Ticker:
    """Stamps that never repeat, and run backwards only when the clock is put back: orders and fills have one order."""

    def __init__(self, last_ns: int = 0) -> None:
        self._last_ns = last_ns  # of the real clock, so that an offset taken back takes the stamps back

    def stamp(self) -> int:
        """Give the next stamp, in nanoseconds since the epoch."""
        self._last_ns = max(time.time_ns(), self._last_ns + 1)
        return self._last_ns + _Offset.ns


def http_date() -> str:
    """Give the moment as a Date header tells it."""
    return formatdate(now_ns() / 1e9, usegmt=True)


def rfc3339(at_ns: int) -> str:
    """UTC with nanoseconds and `Z`, as Alpaca stamps orders: `2026-11-20T14:30:00.123456789Z`."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{_to_the_second(seconds)}.{rest:09d}Z"


@lru_cache(maxsize=1024)
def _to_the_second(seconds: int) -> str:
    """Spell a second once: the hundred prices of an answer share it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


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


def expires_at(at_ns: int, time_in_force: str) -> str:
    """Say when an order of that moment would end by its time in force: the next close, or for gtc after 90 days."""
    return _expiry(at_ns // _HOUR_NS, time_in_force == "gtc")


@lru_cache(maxsize=256)
def _expiry(hour: int, for_long: bool) -> str:  # noqa: FBT001  the key of a cache
    """Reckon by the hour: nothing ends within one, and every order says when it expires."""
    now = datetime.fromtimestamp(hour * _HOUR_S, tz=NEW_YORK)
    end = _next_weekday(now, 16, 0)
    if for_long:
        end = (now + _GTC_LIFE).replace(hour=16, minute=15, second=0, microsecond=0)
    return end.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def previous_close(at_ns: int) -> int:
    """Give the latest close (16:00 in New York, weekends aside) at or before a moment, in ns since the epoch."""
    return _last_close(at_ns // _HOUR_NS)


@lru_cache(maxsize=256)
def _last_close(hour: int) -> int:
    close = datetime.fromtimestamp(hour * _HOUR_S, tz=NEW_YORK)
    if close.hour < _CLOSE_HOUR:
        close -= timedelta(days=1)
    while close.weekday() >= _SATURDAY:
        close -= timedelta(days=1)
    return int(close.replace(hour=_CLOSE_HOUR, minute=0, second=0).timestamp()) * 1_000_000_000


def _next_weekday(now: datetime, hour: int, minute: int) -> datetime:
    moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    while moment <= now or moment.weekday() >= _SATURDAY:
        moment += timedelta(days=1)
    return moment
