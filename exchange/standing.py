"""The past since an exchange was opened: what it quoted, and a trade at the standing price with each minute's start."""

import bisect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exchange.bars import MINUTE_NS, Bar, Trade


@dataclass(frozen=True, slots=True)
class Stand:
    """A price in ticks that stood from a moment on."""

    at_ns: int
    price: int


class Standing:
    """One symbol's prices since the opening, oldest first; `size` is what each trade is made of."""

    def __init__(self, stands: Sequence[Stand], size: int) -> None:
        self._stands = stands
        self._times = [stand.at_ns for stand in stands]
        self._size = size

    def bar(self, at_ns: int, start_ns: int, end_ns: int) -> Bar | None:
        """Give the bar stamped `at_ns` of the trades from `start_ns` to before `end_ns`, None without one."""
        traded = [(price, count) for price, count in self._traded(start_ns, end_ns) if count]
        if not traded:
            return None
        prices = [price for price, _ in traded]
        trades = sum(count for _, count in traded)
        value = float(sum(price * count for price, count in traded) * self._size)
        return Bar(
            at_ns, prices[0], max(prices), min(prices), prices[-1], trades * self._size, trades=trades, value=value
        )

    def trades(self, start_ns: int, end_ns: int) -> Iterator[Trade]:
        """Give the trades from `start_ns` to before `end_ns`, oldest first."""
        for stand, first_ns, last_ns in self._stretches(start_ns, end_ns):
            if stand.at_ns == first_ns:
                yield Trade(stand.at_ns, stand.price, self._size)
            beats = itertools.count(_next_minute(first_ns - (stand.at_ns != first_ns)), MINUTE_NS)
            for beat_ns in itertools.takewhile(lambda at_ns, end=last_ns: at_ns < end, beats):  # type: ignore[misc]
                yield Trade(beat_ns, stand.price, self._size)

    def _traded(self, start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
        """Give each standing price with how often it was traded."""
        for stand, first_ns, last_ns in self._stretches(start_ns, end_ns):
            set_here = stand.at_ns == first_ns
            first_beat = _next_minute(first_ns - (not set_here))
            beats = max(0, -(-(last_ns - first_beat) // MINUTE_NS))
            yield stand.price, beats + set_here

    def _stretches(self, start_ns: int, end_ns: int) -> Iterator[tuple[Stand, int, int]]:
        first = max(bisect.bisect_right(self._times, start_ns) - 1, 0)
        for index in range(first, len(self._stands)):
            begins = max(self._times[index], start_ns)
            ends = min(self._times[index + 1], end_ns) if index + 1 < len(self._times) else end_ns
            if begins >= end_ns:
                return
            if begins < ends:
                yield self._stands[index], begins, ends


def _next_minute(at_ns: int) -> int:
    """Give the first minute's start after a moment."""
    return (at_ns // MINUTE_NS + 1) * MINUTE_NS
