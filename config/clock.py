"""The real clock. Everything below receives times as arguments; this is the one place that reads them."""

import datetime as dt
import time

from domain.clock import Clock


class SystemClock(Clock):
    """The machine's clocks: aware UTC for records, CLOCK_BOOTTIME for durations.

    CLOCK_BOOTTIME goes on while the machine sleeps, so a suspended worker sees that its time has run out (R8).
    """

    def now(self) -> dt.datetime:
        """Return the wall clock as aware UTC."""
        return dt.datetime.now(dt.UTC)  # noqa: TID251  the real clock

    def monotonic_ms(self) -> float:
        """Return milliseconds that only grow, also across suspend."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) / 1_000_000


SYSTEM_CLOCK = SystemClock()
