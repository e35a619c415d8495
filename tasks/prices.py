"""Asks for market orders, fetched before the claim and kept one second (DESIGN section 9)."""

import threading
from decimal import Decimal

from domain.clock import Clock

KEPT_MS = 1000
_LIMIT = 1000


class AskCache:
    """The last ask of a symbol, for a second; None (nobody offers) is kept too, a read that failed is not."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asks: dict[str, tuple[float, Decimal | None]] = {}
        self._lock = threading.Lock()

    def get(self, symbol: str) -> tuple[bool, Decimal | None]:
        """Return whether a fresh ask is known, and the ask."""
        with self._lock:
            known = self._asks.get(symbol)
        if known is None or self._clock.monotonic_ms() - known[0] > KEPT_MS:
            return False, None
        return True, known[1]

    def put(self, symbol: str, ask: Decimal | None) -> None:
        """Keep an ask; the oldest goes when a thousand are kept."""
        with self._lock:
            self._asks.pop(symbol, None)
            self._asks[symbol] = (self._clock.monotonic_ms(), ask)
            if len(self._asks) > _LIMIT:
                del self._asks[next(iter(self._asks))]
