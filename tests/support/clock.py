"""A clock that stands still until a test moves it."""

import datetime as dt

from domain.clock import Clock


class HandClock(Clock):
    """Both its faces show `ms`: since 1970 on the wall, since the start for durations."""

    def __init__(self) -> None:
        self.ms = 0.0

    def now(self) -> dt.datetime:
        """Return the epoch plus what has passed."""
        return dt.datetime.fromtimestamp(self.ms / 1000, dt.UTC)

    def monotonic_ms(self) -> float:
        """Return what has passed."""
        return self.ms
