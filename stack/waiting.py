"""Bounded waiting: nothing in this package waits for ever."""

import time
from collections.abc import Callable

from config.clock import SYSTEM_CLOCK


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._started = SYSTEM_CLOCK.monotonic_ms()

    @property
    def seconds(self) -> float:
        """Return the elapsed seconds."""
        return (SYSTEM_CLOCK.monotonic_ms() - self._started) / 1000


def poll(question: Callable[[], bool], *, seconds: float, pause_s: float = 0.1) -> bool:
    """Ask until the answer is yes; False when it was not within `seconds`."""
    watch = Stopwatch()
    while not question():
        if watch.seconds >= seconds:
            return False
        time.sleep(pause_s)
    return True
