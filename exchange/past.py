"""What one stock or option was traded and quoted at: invented before the exchange was opened, what happened since.

Everything is derived, nothing is kept: bars of every length add up from the same minutes, trades make up those minutes,
and the last of them is the quote of now.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from exchange.assets import SEEDS
from exchange.bars import MINUTE_NS, TICKS, Bar, Trade, merged
from exchange.decimals import ZERO
from exchange.invented import Day, invented_day, trades_of
from exchange.options import Contract, fair_prices, parse_contract
from exchange.quotes import Market, Quote
from exchange.sessions import Session, midnight_ns, new_york_day, sessions
from exchange.standing import Stand, Standing
from exchange.timeframes import Timeframe

FIRST_DAY = date(2016, 1, 4)
"""Alpaca's history begins with 2016."""
_CONTRACT_DAYS = 730
"""How long before its expiry a contract has a past."""
_STOCK_SIZE, _OPTION_SIZE, _AUCTION_SIZE = 100, 1, 10_000


class Past:
    """One listed symbol up to a moment; stamps in ns since the epoch, both ends of a range included."""

    def __init__(self, market: Market, symbol: str, now_ns: int) -> None:
        self.symbol = symbol
        self._contract = parse_contract(symbol)
        self._stock = symbol if self._contract is None else self._contract.underlying
        self._prints = market.prints(symbol)
        self._opened_ns = self._prints[0].at_ns
        self._now_ns = max(now_ns, self._prints[-1].at_ns)  # a clock that was set back must not take quotes back
        stands = [Stand(quote.at_ns, to_ticks(quote.last)) for quote in self._prints]
        self._standing = Standing(stands, _size(symbol))
        self._first, self._last = _life(self._contract, new_york_day(now_ns))

    def bars(self, timeframe: Timeframe, start_ns: int, end_ns: int, *, newest_first: bool = False) -> Iterator[Bar]:
        """Give the bars whose stamps lie in the range; the last one may still be growing."""
        first = timeframe.first_day(max(new_york_day(start_ns), self._first))
        days = self._days(first, new_york_day(end_ns), newest_first=newest_first)
        if timeframe.length_ns is None:
            found = self._long(timeframe, days)
        else:
            found = self._short(timeframe.length_ns, days, newest_first=newest_first)
        return (bar for bar in found if start_ns <= bar.at_ns <= end_ns)

    def trades(self, start_ns: int, end_ns: int, *, newest_first: bool = False) -> Iterator[Trade]:
        """Give the trades in the range."""
        for day in self._days(new_york_day(start_ns), new_york_day(end_ns), newest_first=newest_first):
            found = list(self._traded(day))
            yield from (t for t in (reversed(found) if newest_first else found) if start_ns <= t.at_ns <= end_ns)

    def quotes(self, start_ns: int, end_ns: int, *, newest_first: bool = False) -> Iterator[Quote]:
        """Give the quotes in the range: one a minute in the invented past, since then each as it was scripted."""
        for day in self._days(new_york_day(start_ns), new_york_day(end_ns), newest_first=newest_first):
            found = list(self._quoted(day))
            yield from (q for q in (reversed(found) if newest_first else found) if start_ns <= q.at_ns <= end_ns)

    def auctions(
        self, start_ns: int, end_ns: int, *, newest_first: bool = False
    ) -> Iterator[tuple[Session, list[Trade]]]:
        """Give the sessions that opened in the range, with their opening auction and, once it was, the closing one."""
        for day in self._days(new_york_day(start_ns), new_york_day(end_ns), newest_first=newest_first):
            session = sessions().on(day)
            if session is not None and start_ns <= session.open_ns <= end_ns:
                at = (moment for moment in (session.open_ns, session.close_ns) if moment <= self._now_ns)
                yield session, [Trade(moment, self._price_at(session, moment), _AUCTION_SIZE) for moment in at]

    @property
    def quote(self) -> Quote:
        """Give the quote of now."""
        return self._prints[-1]

    def minute(self) -> Bar:
        """Give the bar of this minute; every minute since the opening has one."""
        start_ns = self._now_ns // MINUTE_NS * MINUTE_NS
        bar = self._standing.bar(start_ns, start_ns, self._now_ns + 1)
        if bar is None:
            raise ValueError(f"{self.symbol} was not listed at {self._now_ns}")
        return bar

    def last_days(self) -> tuple[Bar | None, Bar | None]:
        """Give the bars of the last day with one and of the one before it."""
        found = self.bars(Timeframe(1, "Day"), 0, self._now_ns, newest_first=True)
        return next(found, None), next(found, None)

    def _days(self, first: date, last: date, *, newest_first: bool) -> Iterator[date]:
        first, last = max(first, self._first), min(last, self._last)
        ordinals = range(first.toordinal(), last.toordinal() + 1)
        return map(date.fromordinal, reversed(ordinals) if newest_first else ordinals)

    def _long(self, timeframe: Timeframe, days: Iterator[date]) -> Iterator[Bar]:
        """Give bars of a day and more, whole ones also where the range cuts through them."""
        for first, _ in itertools.groupby(days, timeframe.first_day):
            period = itertools.takewhile(
                lambda day, begin=first: timeframe.first_day(day) == begin,  # type: ignore[misc]
                (first + timedelta(days=number) for number in itertools.count()),
            )
            bar = merged(midnight_ns(first), (bar for day in period if (bar := self._day(day)) is not None))
            if bar is not None:
                yield bar

    def _day(self, day: date) -> Bar | None:
        if not self._first <= day <= self._last:
            return None
        parts: list[Bar | None] = []
        invented = self._invented(day)
        if invented is not None and invented.session.close_ns <= self._opened_ns:
            parts.append(self._priced(invented.whole(midnight_ns(day))))
        elif invented is not None:
            parts += map(self._priced, invented.minutes(self._opened_ns))
        parts.append(self._stood(midnight_ns(day), midnight_ns(day + timedelta(days=1))))
        return merged(midnight_ns(day), (bar for bar in parts if bar is not None))

    def _short(self, length_ns: int, days: Iterator[date], *, newest_first: bool) -> Iterator[Bar]:
        """Give bars within a day."""
        for day in days:
            bars = self._within(day, length_ns)
            yield from reversed(bars) if newest_first else bars

    def _within(self, day: date, length_ns: int) -> list[Bar]:
        midnight = midnight_ns(day)

        def begin(at_ns: int) -> int:
            return midnight + (at_ns - midnight) // length_ns * length_ns

        groups: dict[int, list[Bar]] = {}
        invented = self._invented(day)
        for bar in () if invented is None else map(self._priced, invented.minutes(self._opened_ns)):
            groups.setdefault(begin(bar.at_ns), []).append(bar)
        ends = min(midnight_ns(day + timedelta(days=1)), self._now_ns + 1)
        for start in range(begin(max(midnight, self._opened_ns)), ends, length_ns):
            stood = self._stood(start, min(start + length_ns, ends))
            groups.setdefault(start, []).extend(() if stood is None else (stood,))
        return [whole for start, parts in groups.items() if (whole := merged(start, parts)) is not None]

    def _traded(self, day: date) -> Iterator[Trade]:
        invented = self._invented(day)
        if invented is not None:
            for bar in invented.minutes(self._opened_ns):
                yield from trades_of(self._priced(bar))
        ends = min(midnight_ns(day + timedelta(days=1)), self._now_ns + 1)
        yield from self._standing.trades(midnight_ns(day), ends)

    def _price_at(self, session: Session, at_ns: int) -> int:
        """Give the price at a session's first or last moment."""
        invented = self._invented(session.day)
        if invented is None or at_ns > self._opened_ns:
            return next(to_ticks(quote.last) for quote in reversed(self._prints) if quote.at_ns <= at_ns)
        return invented.knots[0 if at_ns == session.open_ns else -1][1]

    def _quoted(self, day: date) -> Iterator[Quote]:
        invented = self._invented(day)
        spread = self._prints[0].ask - self._prints[0].bid
        for bar in () if invented is None else map(self._priced, invented.minutes(self._opened_ns)):
            price = Decimal(bar.open) / TICKS
            bid = max(price - spread / 2, ZERO)
            yield Quote(bid, bid + spread, price, bar.at_ns)
        yield from (quote for quote in self._prints if new_york_day(quote.at_ns) == day)

    def _stood(self, start_ns: int, end_ns: int) -> Bar | None:
        return self._standing.bar(start_ns, start_ns, min(end_ns, self._now_ns + 1))

    def _invented(self, day: date) -> Day | None:
        session = sessions().on(day)
        if session is None or session.open_ns >= self._opened_ns:
            return None
        return invented_day(self._stock, to_ticks(SEEDS[self._stock].last), session)

    def _priced(self, bar: Bar) -> Bar:
        """Give an option's bar for its stock's: its price only ever rises, or only falls, with the stock's."""
        if self._contract is None:
            return bar
        prices = [_fair(self._contract, price) for price in (bar.open, bar.high, bar.low, bar.close)]
        average = _fair(self._contract, round(bar.value / bar.volume))
        return replace(
            bar,
            open=prices[0],
            high=max(prices),
            low=min(prices),
            close=prices[3],
            volume=bar.trades,
            value=float(average * bar.trades),
        )


def last_trade(symbol: str, shown: Quote) -> Trade:
    """Give the trade that stands behind a quote as the data API shows it: of the same moment."""
    return Trade(shown.at_ns, to_ticks(shown.last), _size(symbol))


def to_ticks(price: Decimal) -> int:
    """Give a price in USD in ticks."""
    return int(price * TICKS)


def _size(symbol: str) -> int:
    return _STOCK_SIZE if symbol in SEEDS else _OPTION_SIZE


def _fair(contract: Contract, spot: int) -> int:
    return to_ticks(fair_prices(contract, Decimal(spot) / TICKS)[2])


def _life(contract: Contract | None, today: date) -> tuple[date, date]:
    if contract is None:
        return FIRST_DAY, today
    return max(FIRST_DAY, contract.expiry - timedelta(days=_CONTRACT_DAYS)), min(today, contract.expiry)
