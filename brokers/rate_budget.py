"""The budget of requests an account may send; taken before a claim, never waited for (R5, US-SYSTEM-013).

Here is the port and the form that one process keeps for itself; `brokers/shared_budget.py` is the one all share.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.clock import Clock


class Purpose(StrEnum):
    """What a request is for: what protects and what a person asked for may use the whole limit, the rest a part."""

    PROTECT = "protect"  # exits, cancels, look-ups of orders nobody knows the end of
    MANUAL = "manual"
    AUTOMATIC = "automatic"
    UPKEEP = "upkeep"  # polls, balances, instruments


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a broker said of its limit with an answer; None where it did not. `resets_in_s` is from now."""

    refused: bool
    limit: int | None = None
    remaining: int | None = None
    resets_in_s: float | None = None


class RateBudget(Protocol):
    """Permission to send."""

    def take(self, account: str, weight: int = 1, purpose: Purpose = Purpose.UPKEEP) -> float:
        """Take `weight` requests; return 0 when granted, else the seconds until it is worth asking again."""
        ...

    def told(self, account: str, said: Allowance) -> None:
        """Learn from an answer: a refusal stops everybody until the broker's limit is free again."""
        ...

    def follow(self, per_minute: Mapping[str, float]) -> None:
        """Grant by these limits from now on."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


MAX_WAIT_S = 20.0
MAX_BLOCK_S = 60.0
BACKOFF_S = (1.0, 2.0, 4.0)  # after a refusal that says no more (US-SYSTEM-013)
FORGIVEN_MS = 10_000
EXITS_FIRST_MS = 250  # after a pause, what protects goes first


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
        self._blocked_ms: dict[str, float] = {}
        self._refusals: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def take(self, account: str, weight: int = 1, purpose: Purpose = Purpose.UPKEEP) -> float:
        """Take from the account's bucket; see RateBudget."""
        per_minute = self._per_minute.get(account, self._default)
        rate, burst = per_minute / 60_000, max(2.0, per_minute / 10)  # requests a ms, requests
        with self._lock:
            now = self._clock.monotonic_ms()
            later = 0 if purpose is Purpose.PROTECT else EXITS_FIRST_MS
            blocked = self._blocked_ms.get(account)
            if blocked is not None and now < blocked + later:
                return (blocked + later - now) / 1000
            tokens, since = self._state.get(account, (burst, now))
            tokens = min(burst, tokens + (now - since) * rate)
            granted = tokens >= weight
            self._state[account] = (tokens - weight if granted else tokens, now)
            return 0 if granted else self._promise(account, now, (weight - tokens) / rate, weight / rate)

    def told(self, account: str, said: Allowance) -> None:
        """Stop after a refusal; see RateBudget."""
        if not said.refused:
            return
        with self._lock:
            now = self._clock.monotonic_ms()
            count, since = self._refusals.get(account, (0, now))
            count = 0 if now - since > FORGIVEN_MS else count
            self._refusals[account] = (count + 1, now)
            pause_s = said.resets_in_s or BACKOFF_S[min(count, len(BACKOFF_S) - 1)]
            until = now + min(pause_s, MAX_BLOCK_S) * 1000
            self._blocked_ms[account] = max(self._blocked_ms.get(account, until), until)

    def follow(self, per_minute: Mapping[str, float]) -> None:
        """Grant by these limits from now on; see RateBudget."""
        self._per_minute = dict(per_minute)

    def close(self) -> None:
        """Have nothing to let go of; see RateBudget."""

    def _promise(self, account: str, now: float, free_in_ms: float, takes_ms: float) -> float:
        moment = max(self._promised_ms.get(account, now), now + free_in_ms)
        moment = min(moment, now + max(free_in_ms, MAX_WAIT_S * 1000))
        self._promised_ms[account] = moment + takes_ms
        return (moment - now) / 1000
