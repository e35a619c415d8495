"""The budget of requests an account may send; taken before a claim, never waited for (R5).

One process's share of the broker's limit, counted locally. The port is what a shared budget will stand behind.
"""

import threading
from typing import Protocol

from domain.clock import Clock


class RateBudget(Protocol):
    """Permission to send."""

    def take(self, account: str, weight: int = 1) -> float:
        """Take `weight` requests; return 0 when granted, else the seconds until it is worth asking again."""
        ...


class LocalRateBudget(RateBudget):
    """A token bucket an account: `per_minute` requests, at most a tenth of them at once beyond the steady flow."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._rate = per_minute / 60_000  # requests a ms
        self._burst = max(1, per_minute / 10)
        self._state: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, account: str, weight: int = 1) -> float:
        """Take from the account's bucket; see RateBudget."""
        with self._lock:
            now = self._clock.monotonic_ms()
            tokens, since = self._state.get(account, (self._burst, now))
            tokens = min(self._burst, tokens + (now - since) * self._rate)
            if tokens >= weight:
                self._state[account] = (tokens - weight, now)
                return 0
            self._state[account] = (tokens, now)
            return (weight - tokens) / self._rate / 1000
