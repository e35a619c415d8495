"""Latest quotes and trades of stocks and options; any account's keys open them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import query
from exchange.assets import ASSETS
from exchange.gate import answer
from exchange.wire import quote_json, trade_json
from exchange.world import World

if TYPE_CHECKING:
    from exchange.quotes import Quote

_MOST_OPTIONS = 100


class MarketDataRoutes:
    """The latest-price routes of Alpaca's data API."""

    def __init__(self, world: World) -> None:
        self._market = world.engine.book.market

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/v2/stocks/quotes/latest", self.stock_quotes, allow_head=False),
            web.get("/v2/stocks/trades/latest", self.stock_trades, allow_head=False),
            web.get("/v1beta1/options/quotes/latest", self.option_quotes, allow_head=False),
            web.get("/v1beta1/options/trades/latest", self.option_trades, allow_head=False),
        ]

    async def stock_quotes(self, request: web.Request) -> web.Response:
        """GET quotes by symbol; unlisted symbols are left out."""
        return answer({"quotes": self._shown(_asked(request), quote_json, stock=True)})

    async def stock_trades(self, request: web.Request) -> web.Response:
        """GET trades by symbol; unlisted symbols are left out."""
        return answer({"trades": self._shown(_asked(request), trade_json, stock=True)})

    async def option_quotes(self, request: web.Request) -> web.Response:
        """GET quotes of at most 100 contracts."""
        return answer({"quotes": self._shown(_asked(request, _MOST_OPTIONS), quote_json, stock=False)})

    async def option_trades(self, request: web.Request) -> web.Response:
        """GET trades of at most 100 contracts."""
        return answer({"trades": self._shown(_asked(request, _MOST_OPTIONS), trade_json, stock=False)})

    def _shown(self, symbols: list[str], show: Callable[..., dict[str, Any]], *, stock: bool) -> dict[str, Any]:
        found: dict[str, Quote] = {}
        for symbol in symbols:
            quote = self._market.quote(symbol)
            if quote is not None and (symbol in ASSETS) == stock:
                found[symbol] = quote
        return {symbol: show(quote, stock=stock) for symbol, quote in found.items()}


def _asked(request: web.Request, most: int | None = None) -> list[str]:
    symbols = query.symbols(request)
    if not symbols:
        raise errors.bad_request("symbols is required")
    if most is not None and len(symbols) > most:
        raise errors.bad_request(f"too many symbols: at most {most} are allowed")
    return symbols
