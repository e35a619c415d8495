"""Which stocks were traded most and moved furthest today, against the day before."""

from typing import Any

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import ranges
from exchange.aside import aside
from exchange.assets import ASSETS
from exchange.bars import TICKS
from exchange.clock import now_ns, rfc3339
from exchange.gate import answer
from exchange.past import Past
from exchange.world import World

_DEFAULT, _MOST_ACTIVES, _MOST_MOVERS = 10, 100, 50
_ROUNDED = 2


class ScreenerRoutes:
    """The routes under /v1beta1/screener; no crypto is listed here, so none of it moves."""

    def __init__(self, world: World) -> None:
        self._market = world.engine.book.market

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/v1beta1/screener/stocks/most-actives", self.most_actives, allow_head=False),
            web.get("/v1beta1/screener/{market}/movers", self.movers, allow_head=False),
        ]

    async def most_actives(self, request: web.Request) -> web.Response:
        """GET the stocks with the largest volume or the most trades."""
        by = {"volume": "volume", "trades": "trade_count"}[ranges.one_of(request, "by", ("volume", "trades"))]
        top = ranges.count(request, "top", _DEFAULT, _MOST_ACTIVES)
        found = await aside(self._activity)
        found.sort(key=lambda stock: (-stock[by], stock["symbol"]))
        return answer({"most_actives": found[:top], "last_updated": rfc3339(now_ns())})

    async def movers(self, request: web.Request) -> web.Response:
        """GET the stocks that rose and fell most, in percent."""
        market = request.match_info["market"]
        if market not in {"stocks", "crypto"}:
            raise errors.bad_request(f"invalid market_type: {market!r} is neither stocks nor crypto")
        top = ranges.count(request, "top", _DEFAULT, _MOST_MOVERS)
        found = await aside(self._moves) if market == "stocks" else []
        found.sort(key=lambda stock: (-stock["percent_change"], stock["symbol"]))
        gainers = [stock for stock in found if stock["percent_change"] > 0][:top]
        losers = [stock for stock in reversed(found) if stock["percent_change"] < 0][:top]
        shown = {"gainers": gainers, "losers": losers, "market_type": market, "last_updated": rfc3339(now_ns())}
        return answer(shown)

    def _activity(self) -> list[dict[str, Any]]:
        days = ((symbol, Past(self._market, symbol, now_ns()).last_days()[0]) for symbol in ASSETS)
        return [{"symbol": s, "volume": day.volume, "trade_count": day.trades} for s, day in days if day is not None]

    def _moves(self) -> list[dict[str, Any]]:
        moves = []
        for symbol in ASSETS:
            today, before = Past(self._market, symbol, now_ns()).last_days()
            if today is not None and before is not None and before.close:
                change = today.close - before.close
                percent = round(100 * change / before.close, _ROUNDED)
                price = today.close / TICKS
                moves.append({"symbol": symbol, "percent_change": percent, "change": change / TICKS, "price": price})
        return moves
