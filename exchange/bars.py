"""Bars: what was traded in a stretch of time, and how small stretches add up to large ones."""

from collections.abc import Iterable
from dataclasses import dataclass

TICKS = 10_000
"""Prices of the past are whole ten-thousandths of a dollar, so that every timeframe adds up exactly."""
MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Bar:
    """Prices in ticks; `value` is the sum of price times shares in ticks, which gives the average price."""

    at_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int
    value: float


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of the past: price in ticks, size in shares or contracts."""

    at_ns: int
    price: int
    size: int


def merged(at_ns: int, parts: Iterable[Bar]) -> Bar | None:
    """Add up the bars of one stretch, oldest first; None when there are none."""
    bars = list(parts)
    if not bars:
        return None
    return Bar(
        at_ns,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=sum(bar.volume for bar in bars),
        trades=sum(bar.trades for bar in bars),
        value=sum(bar.value for bar in bars),
    )
