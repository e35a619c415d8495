"""Options in the data API: bars and trades of the past, the latest quotes and trades, snapshots, chains, codes."""

import itertools
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import codes, ranges
from exchange.alpaca_routes.contract_filter import read_filter
from exchange.alpaca_routes.ranges import Item, Range
from exchange.alpaca_routes.stock_data import bars_of_now, latest, latest_of_both, read_timeframe
from exchange.aside import aside
from exchange.assets import ASSETS
from exchange.bars import MINUTE_NS
from exchange.chain import listed
from exchange.clock import now_ns
from exchange.data_wire import bar_json, trade_json
from exchange.gate import Handler, answer
from exchange.greeks import Terms, greeks, implied, years_until
from exchange.options import Contract, parse_contract
from exchange.past import Past
from exchange.quotes import Quote
from exchange.sessions import new_york_day
from exchange.timeframes import Timeframe
from exchange.world import World

_MOST_SYMBOLS = 100
_FEEDS = ("", "opra", "indicative")
_DEFAULT_SNAPSHOTS, _MOST_SNAPSHOTS = 100, 1000
_MOST_KEPT = 20_000
_State = tuple[Quote | None, Quote | None, int]
"""What the kept part of a snapshot was made of: the contract's quote, its stock's, the minute since the epoch."""


class OptionDataRoutes:
    """The routes under /v1beta1/options; both feeds are one."""

    def __init__(self, world: World) -> None:
        self._market = world.engine.book.market
        self._rests: dict[str, tuple[_State, dict[str, Any]]] = {}

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        base = "/v1beta1/options"
        table: dict[str, Handler] = {
            f"{base}/bars": partial(self.past, "bars"),
            f"{base}/trades": partial(self.past, "trades"),
            f"{base}/quotes/latest": partial(self.latest, "quotes"),
            f"{base}/trades/latest": partial(self.latest, "trades"),
            f"{base}/snapshots": self.snapshots,
            f"{base}/snapshots/{{underlying}}": self.chain,
            f"{base}/meta/exchanges": self.exchanges,
            f"{base}/meta/conditions/{{ticktype}}": self.conditions,
        }
        return [web.get(path, handler, allow_head=False) for path, handler in table.items()]

    async def past(self, kind: str, request: web.Request) -> web.Response:
        """GET the past of at most 100 contracts, by symbol."""
        timeframe = read_timeframe(request) if kind == "bars" else None
        asked = ranges.read_range(request, [contract.symbol for contract in _named(request)])
        found, token = await aside(partial(ranges.page, asked, partial(self._items, timeframe)))
        return answer({kind: found, "next_page_token": token})

    async def latest(self, kind: str, request: web.Request) -> web.Response:
        """GET the latest of at most 100 contracts; what is none is left out."""
        ranges.one_of(request, "feed", _FEEDS)
        now = now_ns()
        quotes = {contract.symbol: self._market.shown(contract.symbol, now) for contract in _named(request)}
        found = {symbol: latest(kind, symbol, quote) for symbol, quote in quotes.items() if quote is not None}
        return answer({kind: found})

    async def snapshots(self, request: web.Request) -> web.Response:
        """GET snapshots of at most 100 contracts."""
        contracts = sorted(_named(request), key=lambda contract: contract.symbol)
        return answer(await aside(partial(self._page, request, contracts)))

    async def chain(self, request: web.Request) -> web.Response:
        """GET snapshots of a stock's listed contracts that fit the filters; a stock that is not listed has none."""
        underlying = request.match_info["underlying"]
        wanted = read_filter(request, errors.bad_request)

        def found() -> dict[str, Any]:
            today = new_york_day(now_ns())
            contracts = listed(underlying, today) if underlying in ASSETS else ()
            return self._page(request, (c for c in contracts if c.expiry >= today and wanted.fits(c)))

        return answer(await aside(found))

    async def exchanges(self, request: web.Request) -> web.Response:  # noqa: ARG002  aiohttp's shape
        """GET the names of exchange codes."""
        return answer(codes.OPTION_EXCHANGES)

    async def conditions(self, request: web.Request) -> web.Response:
        """GET the names of condition codes of trades or quotes."""
        return answer(codes.OPTION_CONDITIONS[codes.ticktype(request.match_info["ticktype"])])

    def _items(self, timeframe: Timeframe | None, asked: Range, symbol: str) -> Iterator[Item]:
        past, within = Past(self._market, symbol, now_ns()), (asked.start_ns, asked.end_ns)
        if timeframe is not None:
            found = past.bars(timeframe, *within, newest_first=asked.newest_first)
            return ((bar.at_ns, bar_json(bar)) for bar in found)
        trades = past.trades(*within, newest_first=asked.newest_first)
        return ((trade.at_ns, trade_json(symbol, trade)) for trade in trades)

    def _page(self, request: web.Request, contracts: Iterable[Contract]) -> dict[str, Any]:
        """Give a page of snapshots of contracts in the order of their symbols."""
        ranges.one_of(request, "feed", _FEEDS)
        limit = ranges.count(request, "limit", _DEFAULT_SNAPSHOTS, _MOST_SNAPSHOTS)
        after, since = ranges.after_token(request), ranges.moment(request, "updated_since", 0)
        now = now_ns()
        asked = ((c, self._market.shown(c.symbol, now)) for c in contracts if c.symbol > after)
        fresh = ((c, quote) for c, quote in asked if quote is not None and quote.at_ns >= since)
        page = list(itertools.islice(fresh, limit + 1))
        shown = {c.symbol: {**latest_of_both(c.symbol, quote), **self._rest(c, now)} for c, quote in page[:limit]}
        token = ranges.token(page[limit - 1][0].symbol) if len(page) > limit else None
        return {"snapshots": shown, "next_page_token": token}

    def _rest(self, contract: Contract, now: int) -> dict[str, Any]:
        """Show the rest of a snapshot, which stays the same within a minute until a price moves."""
        state = (self._market.quote(contract.symbol), self._market.quote(contract.underlying), now // MINUTE_NS)
        known = self._rests.get(contract.symbol)
        if known is None or known[0] != state:
            if len(self._rests) >= _MOST_KEPT:
                self._rests.clear()
            rest = {**bars_of_now(self._market, contract.symbol, now), **self._greeks(contract, now)}
            known = self._rests[contract.symbol] = (state, rest)
        return known[1]

    def _greeks(self, contract: Contract, now: int) -> dict[str, Any]:
        quote, stock = self._market.quote(contract.symbol), self._market.quote(contract.underlying)
        if quote is None or stock is None or not stock.last:
            return {}
        years = years_until((contract.expiry - new_york_day(now)).days)
        terms = Terms(float(stock.last), float(contract.strike), years, contract.right == "C")
        volatility = implied(terms, float(quote.last))
        return {} if volatility is None else {"impliedVolatility": volatility, "greeks": greeks(terms, volatility)}


def _named(request: web.Request) -> list[Contract]:
    found = (parse_contract(symbol) for symbol in ranges.symbols_of(request, _MOST_SYMBOLS))
    return [contract for contract in found if contract is not None]
