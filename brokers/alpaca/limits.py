"""What Alpaca says of its limit: three headers on every answer, `X-RateLimit-Reset` in epoch seconds.

https://docs.alpaca.markets/docs/usage-limits; no Retry-After is documented, and one that comes is honoured.
"""

import datetime as dt
from collections.abc import Mapping

from brokers.rate_budget import Allowance

_TOO_MANY = 429


def allowance(status: int, headers: Mapping[str, str], now: dt.datetime) -> Allowance:
    """Read an answer's headers; what is missing or unreadable is None.

    A refusal with requests left in the minute is of another limit (a burst): its end is not said.
    """
    limit, remaining = _number(headers.get("X-RateLimit-Limit")), _number(headers.get("X-RateLimit-Remaining"))
    waits, resets = _number(headers.get("Retry-After")), _number(headers.get("X-RateLimit-Reset"))
    if waits is None and resets is not None and not remaining:
        waits = resets - int(now.timestamp())
    return Allowance(status == _TOO_MANY, limit, remaining, None if waits is None else max(waits, 1))


def _number(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() else None
