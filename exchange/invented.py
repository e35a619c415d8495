"""The past before an exchange was opened: invented, the same for a symbol and a day on every machine and at every time.

A day's prices run straight from its open to its high and low and on to its close, at minutes that the day chooses. So
a whole day is known without its minutes, and its minutes add up to it.
"""

import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from exchange.bars import MINUTE_NS, TICKS, Bar, Trade
from exchange.sessions import Session

_PARTS = 10_000
_SWING = 500
"""How far a price wanders from the one it is listed at, in parts of ten thousand, over weeks."""
_WEEKS = 16
"""Days from one turn of that wandering to the next."""
_DAILY, _GAP, _REACH = 60, 25, 55
_TRADE_SECONDS = (0, 20, 40, 59)


def _chance(symbol: str, what: str, number: int) -> int:
    return zlib.crc32(f"{symbol} {what} {number}".encode())


def _around(symbol: str, what: str, number: int, most: int) -> int:
    """Give a number between -most and most."""
    return _chance(symbol, what, number) % (2 * most + 1) - most


def _level(symbol: str, ordinal: int) -> int:
    knot, into = divmod(ordinal, _WEEKS)
    before, after = (_around(symbol, "swing", number, _SWING) for number in (knot, knot + 1))
    return before + (after - before) * into // _WEEKS + _around(symbol, "day", ordinal, _DAILY)


@lru_cache(maxsize=8)
def _weights(minutes: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Give each minute's share of a day's volume, more at both ends, and two running sums: of it, of it by minute."""
    weights = tuple(50 + 150 * (2 * minute - minutes) ** 2 // minutes**2 for minute in range(minutes))
    shares = itertools.accumulate(weights, initial=0)
    moments = itertools.accumulate((weight * minute for minute, weight in enumerate(weights)), initial=0)
    return weights, tuple(shares), tuple(moments)


@dataclass(frozen=True, slots=True)
class Day:
    """One session of one stock: `knots` are (minute, price in ticks), `unit` shares stand for a weight of one."""

    session: Session
    symbol: str
    knots: tuple[tuple[int, int], ...]
    grain: int
    unit: int

    def whole(self, at_ns: int) -> Bar:
        """Give the day's bar without making its minutes."""
        prices = [price for _, price in self.knots]
        _, shares, moments = _weights(self.session.minutes)
        value = 0.0
        for (first, start), (last, stop) in itertools.pairwise(self.knots):
            weight, moment = shares[last] - shares[first], moments[last] - moments[first]
            value += start * weight + (stop - start) / (last - first) * (moment + weight * (0.5 - first))
        volume, trades = self.unit * shares[-1], len(_TRADE_SECONDS) * self.session.minutes
        return Bar(at_ns, prices[0], max(prices), min(prices), prices[-1], volume, trades, value * self.unit)

    def minutes(self, until_ns: int) -> Iterator[Bar]:
        """Give the bars of the minutes that have ended at `until_ns`."""
        weights, _, _ = _weights(self.session.minutes)
        highest, lowest = max(price for _, price in self.knots), min(price for _, price in self.knots)
        for (first, start), (last, stop) in itertools.pairwise(self.knots):
            slope, steps = (stop - start) / (last - first), (stop - start) // self.grain
            for minute in range(first, last):
                at_ns = self.session.open_ns + minute * MINUTE_NS
                if at_ns + MINUTE_NS > until_ns:
                    return
                into = minute - first
                opened = start + self.grain * (steps * into // (last - first))
                closed = start + self.grain * (steps * (into + 1) // (last - first))
                wiggle = (self.unit + minute * 7919) % 4
                high = min(highest, max(opened, closed) + self.grain * (1 + wiggle))
                low = max(lowest, min(opened, closed) - self.grain * wiggle)
                volume = self.unit * weights[minute]
                value = volume * (start + slope * (into + 0.5))
                yield Bar(at_ns, opened, high, low, closed, volume, len(_TRADE_SECONDS), value)


def trades_of(bar: Bar) -> list[Trade]:
    """Give the four trades that an invented minute's bar consists of."""
    rising = bar.close >= bar.open
    prices = (bar.open, bar.low if rising else bar.high, bar.high if rising else bar.low, bar.close)
    size, rest = divmod(bar.volume, len(prices))
    sizes = (size + rest, size, size, size)
    moments = (bar.at_ns + second * 1_000_000_000 for second in _TRADE_SECONDS)
    return [Trade(*parts) for parts in zip(moments, prices, sizes, strict=True)]


@lru_cache(maxsize=50_000)
def invented_day(symbol: str, listed_at: int, session: Session) -> Day:
    """Give a stock's day; `listed_at` is the price in ticks that its past wanders around."""
    ordinal = session.day.toordinal()
    grain = TICKS // 100 if listed_at >= TICKS else 1

    def even(price: int) -> int:
        return max(price // grain, 1) * grain

    closed = even(listed_at * (_PARTS + _level(symbol, ordinal)) // _PARTS)
    before = listed_at * (_PARTS + _level(symbol, ordinal - 1)) // _PARTS
    opened = even(before * (_PARTS + _around(symbol, "gap", ordinal, _GAP)) // _PARTS)
    high = even(max(opened, closed) * (_PARTS + 5 + _chance(symbol, "high", ordinal) % _REACH) // _PARTS) + grain
    low = even(min(opened, closed) * (_PARTS - 5 - _chance(symbol, "low", ordinal) % _REACH) // _PARTS)
    first, second = (high, low) if _chance(symbol, "turn", ordinal) % 2 else (low, high)
    part = session.minutes // 8
    turns = (part + _chance(symbol, "one", ordinal) % (2 * part), 4 * part + _chance(symbol, "two", ordinal) % part * 3)
    knots = ((0, opened), (turns[0], first), (turns[1], second), (session.minutes, closed))
    return Day(session, symbol, knots, grain, 200 + _chance(symbol, "unit", ordinal) % 1800)
