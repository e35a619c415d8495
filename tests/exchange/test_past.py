"""The past adds up: every timeframe from the same minutes, minutes from trades, and it ends with the quote of now."""

import bisect
import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from exchange.bars import TICKS, Bar, merged
from exchange.past import Past
from exchange.quotes import Market, Quote
from exchange.sessions import midnight_ns, sessions
from exchange.timeframes import Timeframe, parse_timeframe

CALL, PUT = "AAPL271217C00200000", "AAPL271217P00200000"
ALWAYS = (0, 2**62)
MINUTE = Timeframe(1, "Min")


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


OPENED, SCRIPTED, NOW = ns("2026-11-18T17:00:30"), ns("2026-11-18T17:03:10"), ns("2026-11-18T17:05:20")
START = ns("2026-10-01T04:00:00")


@pytest.fixture
def market() -> Market:
    """A market that was opened within a session, and whose AAPL then went from 190 to 200."""
    market = Market(OPENED)
    market.set("AAPL", Quote(Decimal("199.5"), Decimal("200.5"), Decimal(200), SCRIPTED))
    return market


def total(bars: list[Bar]) -> Bar:
    whole = merged(0, bars)
    assert whole is not None
    return whole


@pytest.mark.parametrize("symbol", ["AAPL", "SNDL"])
@pytest.mark.parametrize("length", ["5Min", "59Min", "1Hour", "7Hour", "1Day", "1Month"])
def test_a_timeframe_adds_up_from_its_minutes(market: Market, symbol: str, length: str) -> None:
    past, timeframe = Past(market, symbol, NOW), parse_timeframe(length)
    assert timeframe is not None
    minutes, bars = (list(past.bars(kind, START, NOW)) for kind in (MINUTE, timeframe))
    assert len(minutes) > len(bars) > 1
    assert abs(total(minutes).value - total(bars).value) < 1e-9 * total(bars).value
    stamps = [minute.at_ns for minute in minutes]
    cuts = [bisect.bisect_left(stamps, bar.at_ns) for bar in bars] + [len(minutes)]
    for bar, (first, last) in zip(bars, itertools.pairwise(cuts), strict=True):
        parts = total(minutes[first:last])
        assert (bar.open, bar.high, bar.low, bar.close) == (parts.open, parts.high, parts.low, parts.close)
        assert (bar.volume, bar.trades) == (parts.volume, parts.trades)


@pytest.mark.parametrize("symbol", ["AAPL", "SNDL", "KO", CALL, PUT])
def test_a_minute_is_made_of_its_trades(market: Market, symbol: str) -> None:
    past = Past(market, symbol, NOW)
    within = ns("2026-11-17T20:40:00"), NOW
    trades = list(past.trades(*within))
    for bar in past.bars(MINUTE, *within):
        inside = [trade for trade in trades if bar.at_ns <= trade.at_ns < bar.at_ns + 60 * 10**9]
        prices = [trade.price for trade in inside]
        assert (bar.open, bar.high, bar.low, bar.close) == (prices[0], max(prices), min(prices), prices[-1])
        assert (bar.volume, bar.trades) == (sum(trade.size for trade in inside), len(inside))
        assert bar.low <= bar.value / bar.volume <= bar.high


def test_backwards_is_the_same(market: Market) -> None:
    past, within = Past(market, "AAPL", NOW), (ns("2026-11-16T00:00:00"), NOW)
    for length in ("30Min", "1Day", "1Week"):
        timeframe = parse_timeframe(length)
        assert timeframe is not None
        forth, back = (list(past.bars(timeframe, *within, newest_first=turned)) for turned in (False, True))
        assert forth == back[::-1]
    assert list(past.trades(*within)) == list(past.trades(*within, newest_first=True))[::-1]
    assert list(past.quotes(*within)) == list(past.quotes(*within, newest_first=True))[::-1]


def test_the_past_ends_with_the_quote_of_now(market: Market) -> None:
    past = Past(market, "AAPL", NOW)
    *_, bar = past.bars(MINUTE, OPENED, NOW)
    *_, trade = past.trades(OPENED, NOW)
    *_, quote = past.quotes(OPENED, NOW)
    assert bar == past.minute()
    assert trade.at_ns == bar.at_ns
    assert quote == past.quote == market.quote("AAPL")
    assert bar.close == trade.price == 200 * TICKS
    assert past.last_days()[0] == list(past.bars(Timeframe(1, "Day"), START, NOW))[-1]


def test_what_a_script_did_stays_where_it_was(market: Market) -> None:
    bars = list(Past(market, "AAPL", NOW).bars(MINUTE, ns("2026-11-18T17:00:00"), NOW))
    assert [bar.close // TICKS for bar in bars] == [190, 190, 190, 200, 200, 200]
    (changed,) = (bar for bar in bars if bar.low != bar.high)
    assert (changed.at_ns, changed.open, changed.trades) == (ns("2026-11-18T17:03:00"), 190 * TICKS, 2)


def test_the_invented_past_is_the_same_for_every_exchange_and_moment(market: Market) -> None:
    other = Past(Market(OPENED + 10**15), "AAPL", NOW + 10**15)
    within = START, ns("2026-11-18T05:00:00")
    assert list(Past(market, "AAPL", NOW).bars(MINUTE, *within)) == list(other.bars(MINUTE, *within))
    # a change of these numbers is a change of every client's past
    (bar,) = other.bars(Timeframe(1, "Day"), midnight_ns(date(2024, 1, 3)), midnight_ns(date(2024, 1, 3)))
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (1871800, 1880300, 1847100, 1857400, 67882188)


def test_prices_stay_near_the_listed_one(market: Market) -> None:
    days = list(Past(market, "KO", NOW).bars(Timeframe(1, "Day"), *ALWAYS))
    assert len(days) > 2500
    assert all(Decimal("0.9") < Decimal(day.close) / (70 * TICKS) < Decimal("1.1") for day in days)
    assert len({day.close for day in days}) > 300


def test_bars_keep_new_yorks_days(market: Market) -> None:
    past = Past(market, "AAPL", NOW)

    def stamps(length: str, first: str, last: str) -> list[str]:
        timeframe = parse_timeframe(length)
        assert timeframe is not None
        bars = past.bars(timeframe, ns(first), ns(last))
        return [datetime.fromtimestamp(bar.at_ns // 10**9, tz=UTC).isoformat() for bar in bars]

    # the clocks were set back on 1 November, and 27 November 2025 was Thanksgiving
    assert stamps("1Day", "2026-10-30T00:00:00", "2026-11-03T00:00:00") == [
        "2026-10-30T04:00:00+00:00",
        "2026-11-02T05:00:00+00:00",
    ]
    assert stamps("1Week", "2026-10-25T00:00:00", "2026-11-10T00:00:00") == [
        "2026-10-26T04:00:00+00:00",
        "2026-11-02T05:00:00+00:00",
        "2026-11-09T05:00:00+00:00",
    ]
    assert stamps("6Month", "2026-01-01T00:00:00", "2026-11-10T00:00:00") == [
        "2026-01-01T05:00:00+00:00",
        "2026-07-01T04:00:00+00:00",
    ]
    assert len(stamps("1Min", "2025-11-26T00:00:00", "2025-11-29T00:00:00")) == 390 + 210


def test_a_contract_has_a_past_until_it_expires(market: Market) -> None:
    expired = Past(market, "AAPL260116C00200000", NOW)
    days = list(expired.bars(Timeframe(1, "Day"), *ALWAYS))
    assert days[-1].at_ns == midnight_ns(date(2026, 1, 16))
    assert timedelta(days=700) < timedelta(microseconds=(days[-1].at_ns - days[0].at_ns) // 1000) < timedelta(days=731)


def test_a_scripted_option_leaves_its_stock(market: Market) -> None:
    market.set(CALL, Quote(Decimal(30), Decimal(32), Decimal(31), NOW - 10**9))
    closes = [bar.close for bar in Past(market, CALL, NOW).bars(MINUTE, OPENED, NOW)]
    assert closes[-1] == 31 * TICKS
    assert 0 < closes[0] < closes[-2] < 20 * TICKS


def test_auctions_open_and_close_a_session(market: Market) -> None:
    past = Past(market, "AAPL", NOW)
    held = list(past.auctions(ns("2026-11-17T00:00:00"), NOW))
    (yesterday,) = past.bars(Timeframe(1, "Day"), ns("2026-11-17T00:00:00"), ns("2026-11-17T23:00:00"))
    assert [session.day.day for session, _ in held] == [17, 18]
    assert [trade.price for trade in held[0][1]] == [yesterday.open, yesterday.close]
    assert len(held[1][1]) == 1  # today's session has not ended


@pytest.mark.parametrize(
    "text", ["1Min", "59T", "23H", "1Hour", "1D", "1Day", "1W", "1Week", "1M", "2Month", "3M", "4M", "6Month", "12M"]
)
def test_a_documented_timeframe_is_read(text: str) -> None:
    assert parse_timeframe(text) is not None


@pytest.mark.parametrize(
    "text", ["", "Min", "0Min", "60Min", "24H", "2D", "2W", "5M", "13M", "1Year", "1min", "-1Min", "01Min"]
)
def test_another_timeframe_is_none(text: str) -> None:
    assert parse_timeframe(text) is None


def test_sessions_have_their_early_closes_and_holidays() -> None:
    year = sessions().between(date(2026, 1, 1), date(2026, 12, 31))
    assert len(year) == 251
    assert [session.day for session in year if session.minutes == 210] == [date(2026, 11, 27), date(2026, 12, 24)]
    assert sessions().on(date(2026, 7, 3)) is None
    saturday = ns("2026-11-21T12:00:00")
    assert sessions().next_times(saturday) == (ns("2026-11-23T14:30:00"), ns("2026-11-23T21:00:00"))
    within = ns("2026-11-27T15:00:00")
    assert sessions().next_times(within) == (ns("2026-11-30T14:30:00"), ns("2026-11-27T18:00:00"))
