"""One operation's time: wall-clock stamps for the record, monotonic ms for the duration (TRD-001)."""

import datetime as dt

from domain.clock import Clock


class Stopwatch:
    """Runs from its construction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.started_at: dt.datetime = clock.now()
        self.started_ms = clock.monotonic_ms()

    @property
    def elapsed_ms(self) -> float:
        """Return the ms since the start."""
        return self._clock.monotonic_ms() - self.started_ms

    def now(self) -> dt.datetime:
        """Return the wall clock."""
        return self._clock.now()
