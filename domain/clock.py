"""The clock port: pure code is told the time, `config/clock.py` knows it."""

import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """What the edges read time from."""

    def now(self) -> dt.datetime:
        """Return the wall clock as aware UTC."""
        ...

    def monotonic_ms(self) -> float:  # float: milliseconds, never money
        """Return milliseconds of a clock that never steps back."""
        ...
