"""One budget for all workers, in Redis: a broker counts an account's requests, not a process's (US-SYSTEM-013).

Redis' own clock and one script a step: no two workers see different sums. While Redis is away each process falls back
to a safe share of its own and asks Redis again a second later.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis
from loguru import logger

from brokers.rate_budget import Allowance, LocalRateBudget, Purpose, RateBudget
from domain.clock import Clock

SHARES = {Purpose.PROTECT: 1.0, Purpose.MANUAL: 1.0, Purpose.AUTOMATIC: 0.8, Purpose.UPKEEP: 0.6}

_SCRIPT = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
_PATIENCE_S = 0.25
_AWAY_MS = 1000
_LEASE_MS = 50  # the requests of so long at once, for a fast account's worker: spent before others hear of a refusal
_LEASE_LIFE_MS = 200
_LOW = 0.2


class SharedRateBudget(RateBudget):
    """The account's limit over all processes; `default` is requests a minute of an account without one of its own.

    While Redis does not answer, this one of `processes` counts its own part.
    """

    def __init__(
        self, url: str, clock: Clock, per_minute: Mapping[str, float], *, processes: int, default: float = 200
    ) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S)
        self._script = self._redis.register_script(_SCRIPT)
        self._clock = clock
        self._processes = processes
        self._alone = LocalRateBudget(clock, {}, default / processes)
        self._default = default
        self._away_until_ms = 0.0
        self._leases: dict[tuple[str, Purpose], tuple[int, float]] = {}
        self._lock = threading.Lock()
        self.follow(per_minute)

    def take(self, account: str, weight: int = 1, purpose: Purpose = Purpose.UPKEEP) -> float:
        """Take from what all processes share; see RateBudget."""
        if self._spend(account, weight, purpose):
            return 0
        limit = self._per_minute.get(account, self._default)
        wanted = max(weight, int(limit / 60_000 * _LEASE_MS))
        answer = self._run(account, "take", limit, weight, wanted, purpose.value, SHARES[purpose])
        if answer is None:
            return self._alone.take(account, weight, purpose)
        granted, wait_ms = answer
        if granted > weight:
            with self._lock:
                self._leases[account, purpose] = (granted - weight, self._clock.monotonic_ms() + _LEASE_LIFE_MS)
        return 0 if granted else max(wait_ms, 1) / 1000

    def told(self, account: str, said: Allowance) -> None:
        """Learn from an answer; see RateBudget."""
        if said.refused:
            logger.warning("Rate limit reached, waiting {:.0f}ms", (said.resets_in_s or 1) * 1000)
            self._alone.told(account, said)
            with self._lock:
                for key in [key for key in self._leases if key[0] == account]:
                    del self._leases[key]
            self._run(account, "refuse", int((said.resets_in_s or 0) * 1000))
        elif said.limit and said.remaining is not None and said.remaining < said.limit * _LOW:
            self._run(account, "lower", said.remaining)

    def follow(self, per_minute: Mapping[str, float]) -> None:
        """Grant by these limits from now on; see RateBudget."""
        self._per_minute = dict(per_minute)
        self._alone.follow({account: limit / self._processes for account, limit in per_minute.items()})

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _spend(self, account: str, weight: int, purpose: Purpose) -> bool:
        with self._lock:
            left, until_ms = self._leases.get((account, purpose), (0, 0.0))
            if left < weight or self._clock.monotonic_ms() >= until_ms:
                return False
            self._leases[account, purpose] = (left - weight, until_ms)
            return True

    def _run(self, account: str, *step: Any) -> tuple[int, float] | None:
        """Run one step; None while Redis is away."""
        if self._clock.monotonic_ms() < self._away_until_ms:
            return None
        try:
            granted, wait_ms = self._script(keys=[f"opitios:budget:{account}"], args=list(step))
        except redis.RedisError as error:
            self._away_until_ms = self._clock.monotonic_ms() + _AWAY_MS
            logger.warning("The shared budget is away, counting alone: {}", type(error).__name__)
            return None
        return int(granted), float(wait_ms)
