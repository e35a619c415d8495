"""A small cache with an age limit: what rarely changes is not read for every order."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from domain.clock import Clock

K = TypeVar("K")
V = TypeVar("V")

_LIMIT = 1000


class TtlCache(Generic[K, V]):
    """Values kept for `seconds`, at most a thousand; what was not found is never kept."""

    def __init__(self, clock: Clock, seconds: int) -> None:
        self._clock = clock
        self._kept_ms = seconds * 1000
        self._values: dict[K, tuple[float, V]] = {}
        self._lock = threading.Lock()

    def kept(self, key: K) -> V | None:
        """Return the kept value, None when there is none or it is too old."""
        now = self._clock.monotonic_ms()
        with self._lock:
            kept = self._values.get(key)
        return kept[1] if kept is not None and now - kept[0] <= self._kept_ms else None

    def get(self, key: K, load: Callable[[], V | None]) -> V | None:
        """Return the kept value, else what `load` finds."""
        kept = self.kept(key)
        if kept is not None:
            return kept
        now = self._clock.monotonic_ms()
        value = load()
        with self._lock:
            self._values.pop(key, None)
            if value is not None:
                self._values[key] = (now, value)
            if len(self._values) > _LIMIT:
                del self._values[next(iter(self._values))]
        return value
