"""The budget of requests an account may send; taken before a claim, never waited for (R5).

One process's share of the broker's limit, counted locally. The port is what a shared budget will stand behind.
"""

import threading
from collections.abc import Mapping
from typing import Protocol

from domain.clock import Clock


class RateBudget(Protocol):
    """Permission to send."""

    def take(self, account: str, weight: int = 1) -> float:
        """Take `weight` requests; return 0 when granted, else the seconds until it is worth asking again."""
        ...

    def follow(self, per_minute: Mapping[str, float]) -> None:
        """Grant by these limits from now on."""
        ...


MAX_WAIT_S = 20.0


class LocalRateBudget(RateBudget):
    """A token bucket an account: its requests a minute, at most a tenth of them at once beyond the steady flow.

    Whoever is refused is told a moment of his own, one after the other: told the same moment, three hundred orders came
    back together for one free request, again and again.
    """

    def __init__(self, clock: Clock, per_minute: Mapping[str, float], default: float = 100) -> None:
        self._clock = clock
        self._per_minute = dict(per_minute)
        self._default = default
        self._state: dict[str, tuple[float, float]] = {}
        self._promised_ms: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, account: str, weight: int = 1) -> float:
        """Take from the account's bucket; see RateBudget."""
        per_minute = self._per_minute.get(account, self._default)
        rate, burst = per_minute / 60_000, max(2.0, per_minute / 10)  # requests a ms, requests
        with self._lock:
            now = self._clock.monotonic_ms()
            tokens, since = self._state.get(account, (burst, now))
            tokens = min(burst, tokens + (now - since) * rate)
            granted = tokens >= weight
            self._state[account] = (tokens - weight if granted else tokens, now)
            return 0 if granted else self._promise(account, now, (weight - tokens) / rate, weight / rate)

    def follow(self, per_minute: Mapping[str, float]) -> None:
        """Grant by these limits from now on; see RateBudget."""
        self._per_minute = dict(per_minute)

    def _promise(self, account: str, now: float, free_in_ms: float, takes_ms: float) -> float:
        moment = max(self._promised_ms.get(account, now), now + free_in_ms)
        moment = min(moment, now + max(free_in_ms, MAX_WAIT_S * 1000))
        self._promised_ms[account] = moment + takes_ms
        return (moment - now) / 1000
