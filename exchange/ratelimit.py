"""Requests a minute an account may make, told in Alpaca's three headers; trading and market data count apart."""

from dataclasses import dataclass

WINDOW_S = 60


@dataclass(slots=True)
class _Window:
    ends_at: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """Where a request left its account; `reset` is epoch seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """Give the three headers of every answer."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


class RateLimiter:
    """One window of a minute a caller and family, beginning with its first request."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], _Window] = {}

    def take(self, caller: str, family: str, *, limit: int, now: float) -> Allowance:
        """Count one request at `now` (epoch seconds) against `limit` a minute."""
        window = self._windows.get((caller, family))
        if window is None or not window.ends_at - WINDOW_S <= now < window.ends_at:  # before it: a clock put back
            window = self._windows[caller, family] = _Window(now + WINDOW_S)
        allowed = window.used < limit
        if allowed:
            window.used += 1
        return Allowance(allowed, limit, max(limit - window.used, 0), int(window.ends_at) + 1)
