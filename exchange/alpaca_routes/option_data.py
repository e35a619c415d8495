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
from exchange.alpaca_routes.stock_data import read_timeframe, snapshot
from exchange.aside import aside
from exchange.assets import ASSETS
from exchange.chain import listed
from exchange.clock import now_ns
from exchange.data_wire import bar_json, quote_json, trade_json
from exchange.gate import Handler, answer
from exchange.greeks import Terms, greeks, implied, years_until
from exchange.options import Contract, parse_contract
from exchange.past import Past, last_trade
from exchange.sessions import new_york_day
from exchange.timeframes import Timeframe
from exchange.world import World

_MOST_SYMBOLS = 100
_FEEDS = ("", "opra", "indicative")
_DEFAULT_SNAPSHOTS, _MOST_SNAPSHOTS = 100, 1000


class OptionDataRoutes:
    """The routes under /v1beta1/options; both feeds are one."""

    def __init__(self, world: World) -> None:
        self._market = world.engine.book.market

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
        found = {}
        for contract in _named(request):
            quote = self._market.quote(contract.symbol)
            if quote is not None:
                trade = last_trade(contract.symbol, quote, now_ns())
                shown = quote_json(contract.symbol, quote) if kind == "quotes" else trade_json(contract.symbol, trade)
                found[contract.symbol] = shown
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
        pasts = (Past(self._market, contract.symbol, now) for contract in contracts if contract.symbol > after)
        fresh = (past for past in pasts if past.latest_trade().at_ns >= since)
        page = list(itertools.islice(fresh, limit + 1))
        shown = {past.symbol: self._snapshot(past) for past in page[:limit]}
        token = ranges.token(page[limit - 1].symbol) if len(page) > limit else None
        return {"snapshots": shown, "next_page_token": token}

    def _snapshot(self, past: Past) -> dict[str, Any]:
        contract, shown = parse_contract(past.symbol), snapshot(past)
        stock = None if contract is None else self._market.quote(contract.underlying)
        if contract is None or stock is None or not stock.last:
            return shown
        years = years_until((contract.expiry - new_york_day(now_ns())).days)
        terms = Terms(float(stock.last), float(contract.strike), years, contract.right == "C")
        volatility = implied(terms, float(past.quote.last))
        if volatility is None:
            return shown
        return {**shown, "impliedVolatility": volatility, "greeks": greeks(terms, volatility)}


def _named(request: web.Request) -> list[Contract]:
    found = (parse_contract(symbol) for symbol in ranges.symbols_of(request, _MOST_SYMBOLS))
    return [contract for contract in found if contract is not None]
