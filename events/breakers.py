"""How the accounts' circuit breakers stand, for whoever shows it; `brokers/breaker.py` is what the workers ask."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import redis

from config.clock import SYSTEM_CLOCK
from config.redis_names import breaker_key
from domain.breaker import BreakerState

_FIELDS = ("opened_at", "until", "last_opened", "closed_at", "why")
_PATIENCE_S = 0.5
_AWAY_MS = 1000


@dataclass(frozen=True, slots=True)
class BreakerReading:
    """One breaker as it stands; times are epoch ms of Redis' clock, `why` the code of the failure that opened it."""

    state: BreakerState
    last_opened_ms: int | None = None
    closed_ms: int | None = None
    why: str | None = None


class BreakerBoard:
    """Reads the breakers; one that hangs costs half a second, and no more than once a second."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(redis_url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S)
        self._away_until_ms = 0.0
        self._lock = threading.Lock()

    def read(self, accounts: Sequence[str]) -> Mapping[str, BreakerReading] | None:
        """Return each account's breaker, None while Redis is away."""
        with self._lock:
            if SYSTEM_CLOCK.monotonic_ms() < self._away_until_ms:
                return None
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.time()
                for account in accounts:
                    pipe.hmget(breaker_key(account), _FIELDS)
                (seconds, micros), *rows = pipe.execute()
        except redis.RedisError:
            with self._lock:
                self._away_until_ms = SYSTEM_CLOCK.monotonic_ms() + _AWAY_MS
            return None
        now_ms = seconds * 1000 + micros // 1000
        return {account: _reading(row, now_ms) for account, row in zip(accounts, rows, strict=True)}

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


def _reading(row: Sequence[bytes | None], now_ms: int) -> BreakerReading:
    opened_at, until, last_opened, closed_at, why = row
    if opened_at is None:
        state = BreakerState.CLOSED
    else:
        state = BreakerState.OPEN if now_ms < _ms(until or b"0") else BreakerState.HALF_OPEN
    return BreakerReading(
        state,
        last_opened_ms=None if last_opened is None else _ms(last_opened),
        closed_ms=None if closed_at is None else _ms(closed_at),
        why=None if why is None else why.decode(),
    )


def _ms(value: bytes) -> int:
    return int(float(value))
