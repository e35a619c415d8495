"""Real identifiers: UUIDv7, made here so that the schema needs nothing newer than Postgres 15."""

import os
import secrets
import time
import uuid

from domain.ids import Ids

_RANDOM_BITS = 74


class SystemIds(Ids):
    """Time-ordered UUIDs from the wall clock and the system's randomness."""

    def new(self) -> uuid.UUID:
        """Return a UUIDv7: 48 bits of milliseconds, then randomness (RFC 9562)."""
        millis = time.time_ns() // 1_000_000  # noqa: TID251  ids carry the real time
        chance = int.from_bytes(os.urandom(10), "big") & ((1 << _RANDOM_BITS) - 1)
        high, low = chance >> 62, chance & ((1 << 62) - 1)
        return uuid.UUID(int=(millis & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


SYSTEM_IDS = SystemIds()


def trace_id() -> str:
    """Return a new trace id in the form of W3C trace-context: 32 hex digits."""
    return secrets.token_hex(16)
