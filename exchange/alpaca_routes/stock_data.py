"""Stocks in the data API: bars, quotes and trades of the past, the latest of each, snapshots, codes."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import codes, ranges
from exchange.alpaca_routes.ranges import Item, Range
from exchange.aside import aside
from exchange.assets import ASSETS
from exchange.clock import now_ns
from exchange.data_wire import auctions_json, bar_json, quote_json, trade_json
from exchange.gate import Handler, answer
from exchange.past import Past, last_trade
from exchange.quotes import Market, Quote
from exchange.timeframes import Timeframe, parse_timeframe
from exchange.world import World

_LATEST_FEEDS = ("", "sip", "iex", "delayed_sip", "boats", "overnight", "otc")
_PAST_FEEDS = ("sip", "iex", "boats", "otc")
_ADJUSTMENTS = frozenset({"raw", "split", "dividend", "spin-off", "all"})
_KINDS = ("bars", "quotes", "trades")
"""Each of them has a past and a latest one; auctions have a past alone."""


class StockDataRoutes:
    """The routes under /v2/stocks: of several symbols, and the same of one in the path."""

    def __init__(self, world: World) -> None:
        self._market = world.engine.book.market

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        table: dict[str, Handler] = {
            "/v2/stocks/snapshots": self.snapshots,
            "/v2/stocks/{symbol}/snapshot": self.snapshot,
            "/v2/stocks/meta/exchanges": self.exchanges,
            "/v2/stocks/meta/conditions/{ticktype}": self.conditions,
        }
        for kind in (*_KINDS, "auctions"):
            table[f"/v2/stocks/{kind}"] = partial(self.past, kind)
            table[f"/v2/stocks/{{symbol}}/{kind}"] = partial(self.past_of_one, kind)
        for kind in _KINDS:
            table[f"/v2/stocks/{kind}/latest"] = partial(self.latest, kind)
            table[f"/v2/stocks/{{symbol}}/{kind}/latest"] = partial(self.latest_of_one, kind)
        return [web.get(path, handler, allow_head=False) for path, handler in table.items()]

    async def latest(self, kind: str, request: web.Request) -> web.Response:
        """GET the latest of several symbols; unlisted ones, and those without a price, are left out."""
        symbols = _listed(ranges.symbols_of(request))
        money = _latest_terms(request)
        found = {symbol: shown for symbol in symbols if (shown := self._latest(kind, symbol)) is not None}
        return answer({kind: found, **money})

    async def latest_of_one(self, kind: str, request: web.Request) -> web.Response:
        """GET the latest of one symbol."""
        symbol, money = _one(request), _latest_terms(request)
        shown = _priced(symbol, self._latest(kind, symbol))
        return answer({"symbol": symbol, kind.removesuffix("s"): shown, **money})

    async def past(self, kind: str, request: web.Request) -> web.Response:
        """GET the past of several symbols, by symbol; unlisted ones are left out."""
        asked, source, money = self._asked(kind, request, _listed(ranges.symbols_of(request)))
        found, token = await aside(partial(ranges.page, asked, source))
        return answer({kind: found, "next_page_token": token, **money})

    async def past_of_one(self, kind: str, request: web.Request) -> web.Response:
        """GET the past of one symbol."""
        symbol = _one(request)
        asked, source, money = self._asked(kind, request, [symbol])
        found, token = await aside(partial(ranges.page, asked, source))
        return answer({"symbol": symbol, kind: found.get(symbol, []), "next_page_token": token, **money})

    async def snapshots(self, request: web.Request) -> web.Response:
        """GET snapshots by symbol, without a key around them."""
        symbols = _listed(ranges.symbols_of(request))
        _latest_terms(request)
        found = await aside(lambda: {symbol: self._snapshot(symbol) for symbol in symbols})
        return answer({symbol: shown for symbol, shown in found.items() if shown is not None})

    async def snapshot(self, request: web.Request) -> web.Response:
        """GET one symbol's snapshot."""
        symbol, money = _one(request), _latest_terms(request)
        shown = _priced(symbol, await aside(partial(self._snapshot, symbol)))
        return answer({"symbol": symbol, **shown, **money})

    async def exchanges(self, request: web.Request) -> web.Response:  # noqa: ARG002  aiohttp's shape
        """GET the names of exchange codes."""
        return answer(codes.STOCK_EXCHANGES)

    async def conditions(self, request: web.Request) -> web.Response:
        """GET the names of condition codes of one tape's trades or quotes."""
        kind = codes.ticktype(request.match_info["ticktype"])
        tape = request.query.get("tape")
        if tape not in {"A", "B", "C"}:
            raise errors.bad_request("invalid tape: must be A, B or C")
        return answer(codes.STOCK_CONDITIONS[kind])

    def _asked(
        self, kind: str, request: web.Request, symbols: list[str]
    ) -> tuple[Range, ranges.Source, dict[str, str]]:
        _check_past_terms(request, ("sip",) if kind == "auctions" else _PAST_FEEDS)
        timeframe = read_timeframe(request) if kind == "bars" else None
        return ranges.read_range(request, symbols), partial(self._items, kind, timeframe), ranges.currency(request)

    def _items(self, kind: str, timeframe: Timeframe | None, asked: Range, symbol: str) -> Iterator[Item]:
        past, within = Past(self._market, symbol, now_ns()), (asked.start_ns, asked.end_ns)
        if timeframe is not None:
            found = past.bars(timeframe, *within, newest_first=asked.newest_first)
            return ((bar.at_ns, bar_json(bar)) for bar in found)
        if kind == "quotes":
            quotes = past.quotes(*within, newest_first=asked.newest_first)
            return ((quote.at_ns, quote_json(symbol, quote)) for quote in quotes)
        if kind == "auctions":
            days = past.auctions(*within, newest_first=asked.newest_first)
            return ((session.open_ns, auctions_json(symbol, session, held)) for session, held in days)
        trades = past.trades(*within, newest_first=asked.newest_first)
        return ((trade.at_ns, trade_json(symbol, trade)) for trade in trades)

    def _latest(self, kind: str, symbol: str) -> dict[str, Any] | None:
        """Show what is known without a calendar, because prices of now may not wait for its loading."""
        now = now_ns()
        if kind == "bars":
            return bar_json(Past(self._market, symbol, now).minute())
        quote = self._market.shown(symbol, now)
        return None if quote is None else latest(kind, symbol, quote)

    def _snapshot(self, symbol: str) -> dict[str, Any] | None:
        now = now_ns()
        quote = self._market.shown(symbol, now)
        return None if quote is None else {**latest_of_both(symbol, quote), **bars_of_now(self._market, symbol, now)}


def latest(kind: str, symbol: str, quote: Quote) -> dict[str, Any]:
    """Show the latest of `quotes` or `trades` for a quote as the data API shows it."""
    return quote_json(symbol, quote) if kind == "quotes" else trade_json(symbol, last_trade(symbol, quote))


def latest_of_both(symbol: str, quote: Quote) -> dict[str, Any]:
    """Show the part of a snapshot that is as young as the question."""
    return {"latestTrade": latest("trades", symbol, quote), "latestQuote": latest("quotes", symbol, quote)}


def bars_of_now(market: Market, symbol: str, now: int) -> dict[str, Any]:
    """Show the rest of it: the minute and the day of now (ns), and the day before where there was one."""
    past = Past(market, symbol, now)
    today, before = past.last_days()
    bars = {"minuteBar": past.minute(), "dailyBar": today, "prevDailyBar": before}
    return {name: bar_json(bar) for name, bar in bars.items() if bar is not None}


def _listed(symbols: list[str]) -> list[str]:
    return [symbol for symbol in symbols if symbol in ASSETS]


def _one(request: web.Request) -> str:
    symbol = request.match_info["symbol"]
    if symbol not in ASSETS:
        raise errors.bad_request(f"invalid symbol: {symbol}")
    return symbol


def _priced(symbol: str, shown: dict[str, Any] | None) -> dict[str, Any]:
    if shown is None:
        raise errors.bad_request(f"no price for {symbol}")
    return shown


def _latest_terms(request: web.Request) -> dict[str, str]:
    ranges.one_of(request, "feed", _LATEST_FEEDS)
    return ranges.currency(request)


def _check_past_terms(request: web.Request, feeds: tuple[str, ...]) -> None:
    """Check what changes nothing here: all feeds are one, no stock was ever split or renamed."""
    ranges.one_of(request, "feed", feeds)
    adjustment = request.query.get("adjustment", "raw")
    if not set(adjustment.split(",")) <= _ADJUSTMENTS:
        raise errors.bad_request(f"invalid adjustment: {adjustment!r}")
    if request.query.get("asof") != "-":
        ranges.moment(request, "asof", 0)


def read_timeframe(request: web.Request) -> Timeframe:
    """Read the length of bars, which has no default."""
    text = request.query.get("timeframe")
    if text is None:
        raise errors.bad_request("timeframe is required")
    timeframe = parse_timeframe(text)
    if timeframe is None:
        raise errors.bad_request(f"invalid timeframe: {text}")
    return timeframe
