"""The prices of a tick: every symbol once, a hundred a request, several requests at a time (TRD-002).

A quote that is missing or old, or an endpoint that fails, is made up for by the last trade, then by the snapshot. One
that contradicts itself is not: it says that nobody knows the price. What has none in the end is counted by type.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from typing import TypeVar

from brokers.protocol import MOST_SYMBOLS, BrokerUnavailable
from brokers.registry import NoSuchBroker
from domain.exits import Mark, OpenLot
from domain.orders import AssetClass
from domain.prices import PriceFailure, PriceRules, SnapshotReading, judge, judge_trade
from tasks.context import Context

T = TypeVar("T")
Wanted = tuple[str, bool]
"""A symbol, and whether it is held short: the two are closed at different sides of the quote."""

_AT_ONCE = 8
_SLOW_MS = 1500
_MADE_UP_FOR = {PriceFailure.MISSING, PriceFailure.STALE, PriceFailure.UNAVAILABLE, PriceFailure.UNREADABLE}


@dataclass
class Prices:
    """What the market said: a mark or a failure for each that was wanted; `requests` counts what was sent."""

    marks: dict[Wanted, Mark] = field(default_factory=dict)
    failed: dict[Wanted, PriceFailure] = field(default_factory=dict)
    requests: int = 0
    total_ms: float = 0.0  # float: milliseconds

    def of(self, lot: OpenLot) -> Mark | None:
        """Return what a lot could be closed at."""
        return self.marks.get((lot.symbol, lot.is_short))

    def failures(self, lots: Iterable[OpenLot]) -> Counter[str]:
        """Count these lots' failures by type."""
        wanted = ((lot.symbol, lot.is_short) for lot in lots)
        return Counter(self.failed[one].value for one in wanted if one in self.failed)


@dataclass(frozen=True, slots=True)
class Priced:
    """A lot to be priced, and an account whose keys may ask for it."""

    account: str
    lot: OpenLot


class PriceReader:
    """Reads prices with threads of its own, so that one that hangs does not keep the others waiting."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="prices")

    def read(self, ctx: Context, lots: Sequence[Priced], rules: PriceRules) -> Prices:
        """Return the prices of these lots."""
        began = ctx.clock.monotonic_ms()
        found = Prices()
        asked: list[Future[Prices]] = [
            self._pool.submit(_Batch(ctx, account, asset_class, rules).read, wanted)
            for account, asset_class, wanted in _batches(ctx, lots)
        ]
        for answer in asked:
            part = answer.result()
            found.marks |= part.marks
            found.failed |= part.failed
            found.requests += part.requests
        found.total_ms = ctx.clock.monotonic_ms() - began
        return found

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _batches(ctx: Context, lots: Sequence[Priced]) -> Iterator[tuple[str, AssetClass, Sequence[Wanted]]]:
    """Divide what is wanted: by where it is asked for and what it is; the accounts of one place take turns."""
    accounts: dict[str, set[str]] = defaultdict(set)
    wanted: dict[tuple[str, AssetClass], set[Wanted]] = defaultdict(set)
    for one in lots:
        section = ctx.settings.account(one.account)
        place = "" if section is None else section.data_url
        accounts[place].add(one.account)
        wanted[place, one.lot.asset_class].add((one.lot.symbol, one.lot.is_short))
    for (place, asset_class), symbols in wanted.items():
        turns = cycle(sorted(accounts[place]))
        ordered = sorted(symbols)
        for start in range(0, len(ordered), MOST_SYMBOLS):
            yield next(turns), asset_class, ordered[start : start + MOST_SYMBOLS]


@dataclass
class _Batch:
    """Up to a hundred symbols, asked for with one account's keys."""

    ctx: Context
    account: str
    asset_class: AssetClass
    rules: PriceRules
    found: Prices = field(default_factory=Prices)

    def read(self, wanted: Sequence[Wanted]) -> Prices:
        """Return marks and failures of all that is wanted."""
        try:
            broker = self.ctx.broker(self.account)
        except (NoSuchBroker, BrokerUnavailable):
            self.found.failed = dict.fromkeys(wanted, PriceFailure.UNAVAILABLE)
            return self.found
        now, rules = self.ctx.clock.now(), self.rules
        self._ask(broker.latest_quotes, wanted, lambda said, short: judge(said, is_short=short, now=now, rules=rules))
        self._again(broker.latest_trades, lambda said, _: judge_trade(said, now=now, rules=rules))
        self._again(broker.snapshots, lambda said, short: _of_snapshot(said, is_short=short, now=now, rules=rules))
        return self.found

    def _again(
        self,
        call: Callable[[Sequence[str], AssetClass], Mapping[str, T]],
        judged: Callable[[T | None, bool], Mark | PriceFailure],
    ) -> None:
        missing = [one for one, failure in self.found.failed.items() if failure in _MADE_UP_FOR]
        if missing and self.found.total_ms < _SLOW_MS:  # who hangs is not asked twice more in one tick
            self._ask(call, missing, judged)

    def _ask(
        self,
        call: Callable[[Sequence[str], AssetClass], Mapping[str, T]],
        wanted: Sequence[Wanted],
        judged: Callable[[T | None, bool], Mark | PriceFailure],
    ) -> None:
        began = self.ctx.clock.monotonic_ms()
        try:
            answer = call(sorted({symbol for symbol, _ in wanted}), self.asset_class)
        except BrokerUnavailable as error:
            is_unreadable = error.reason_code == "unreadable_answer"
            why = PriceFailure.UNREADABLE if is_unreadable else PriceFailure.UNAVAILABLE
            for one in wanted:
                self.found.failed.setdefault(one, why)
        else:
            for one in wanted:
                self._take(one, judged(answer.get(one[0]), one[1]))
        self.found.requests += 1
        self.found.total_ms += self.ctx.clock.monotonic_ms() - began

    def _take(self, one: Wanted, said: Mark | PriceFailure) -> None:
        if isinstance(said, Mark):
            self.found.marks[one] = said
            self.found.failed.pop(one, None)
        else:
            self.found.failed.setdefault(one, said)


def _of_snapshot(
    found: SnapshotReading | None, *, is_short: bool, now: dt.datetime, rules: PriceRules
) -> Mark | PriceFailure:
    if found is None:
        return PriceFailure.MISSING
    quoted = judge(found.quote, is_short=is_short, now=now, rules=rules, source="snapshot")
    if isinstance(quoted, Mark) or quoted not in _MADE_UP_FOR:
        return quoted
    return judge_trade(found.trade, now=now, rules=rules, source="snapshot")
