"""One circuit breaker an account for all workers, in Redis: what one of them meets, all of them know (R26).

Redis' own clock and one script a step, as with the budget. While Redis is away each process counts alone.
"""

import threading
from enum import IntEnum
from pathlib import Path

import redis
from loguru import logger

from brokers.breaker import GO, PROBE_MS, Breaker, Gate, LocalBreaker, tell_closed, tell_longer, tell_opened
from config.redis_names import breaker_key
from domain.breaker import MAX_PAUSE_MS, BreakerRules, Contact, contact_of
from domain.clock import Clock

_SCRIPT = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
_PATIENCE_S = 0.25
_AWAY_MS = 1000
_CLEAR_MS = 250  # for so long nobody asks again about a broker that answers: it is what others may learn late


class _Happened(IntEnum):
    NOTHING = 0
    OPENED = 1
    LONGER = 2
    CLOSED = 3
    PROBE = 4


class SharedBreaker(Breaker):
    """The breaker of each account over all processes."""

    def __init__(self, url: str, clock: Clock, rules: BreakerRules) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S)
        self._script = self._redis.register_script(_SCRIPT)
        self._clock = clock
        self._alone = LocalBreaker(clock, rules)
        self._rules = rules
        self._away_until_ms = 0.0
        self._clear_until_ms: dict[str, float] = {}
        self._lock = threading.Lock()

    def met(self, account: str, reason_code: str | None) -> None:
        """Tell all how a call ended; see Breaker."""
        contact = contact_of(reason_code)
        if contact is Contact.SILENT or (contact is Contact.ANSWERED and self._is_clear(account)):
            return
        found = self._run(account, contact.value, str(reason_code))
        if found is None:
            self._alone.met(account, reason_code)
            return
        wait_ms, happened = found
        if happened is _Happened.OPENED:
            tell_opened(account, str(reason_code), wait_ms)
        elif happened is _Happened.LONGER:
            tell_longer(account, str(reason_code), wait_ms)
        elif happened is _Happened.CLOSED:
            tell_closed(account)

    def gate(self, account: str) -> Gate:
        """Ask whether an entry may be tried; see Breaker."""
        if self._is_clear(account):
            return GO
        found = self._run(account, "gate", "")
        if found is None:
            return self._alone.gate(account)
        wait_ms, happened = found
        return Gate(wait_ms / 1000, is_probe=happened is _Happened.PROBE)

    def follow(self, rules: BreakerRules) -> None:
        """Open by these rules from now on; see Breaker."""
        self._rules = rules
        self._alone.follow(rules)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _is_clear(self, account: str) -> bool:
        with self._lock:
            return self._clock.monotonic_ms() < self._clear_until_ms.get(account, 0)

    def _run(self, account: str, step: str, why: str) -> tuple[float, _Happened] | None:
        """Run one step; return the ms to wait and what happened, None while Redis is away."""
        if self._clock.monotonic_ms() < self._away_until_ms:
            return None
        rules, key = self._rules, breaker_key(account)
        figures = (rules.failures, rules.window_ms, rules.pause_ms, MAX_PAUSE_MS, PROBE_MS)
        try:
            is_clear, wait_ms, happened = self._script(keys=[key, f"{key}:failures"], args=[step, *figures, why])
        except redis.RedisError as error:
            self._away_until_ms = self._clock.monotonic_ms() + _AWAY_MS
            logger.warning("The shared circuit breaker is away, counting alone: {}", type(error).__name__)
            return None
        with self._lock:
            self._clear_until_ms[account] = self._clock.monotonic_ms() + _CLEAR_MS if is_clear else 0
        return float(wait_ms), _Happened(happened)
