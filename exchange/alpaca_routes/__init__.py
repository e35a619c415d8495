"""Alpaca's routes, one file a family; trading (/v2) and market data (/v2/stocks, /v1beta1) share the port."""

from aiohttp import web

from exchange.alpaca_routes.account import AccountRoutes
from exchange.alpaca_routes.activities import ActivityRoutes
from exchange.alpaca_routes.market_hours import MarketHoursRoutes
from exchange.alpaca_routes.option_data import OptionDataRoutes
from exchange.alpaca_routes.orders import OrderRoutes
from exchange.alpaca_routes.portfolio import PortfolioRoutes
from exchange.alpaca_routes.positions import PositionRoutes
from exchange.alpaca_routes.reference import ReferenceRoutes
from exchange.alpaca_routes.screener import ScreenerRoutes
from exchange.alpaca_routes.stock_data import StockDataRoutes
from exchange.alpaca_routes.stream import StreamRoutes
from exchange.alpaca_routes.uneventful import UneventfulRoutes
from exchange.alpaca_routes.watchlists import WatchlistRoutes
from exchange.world import World

_FAMILIES = (
    OrderRoutes,
    PositionRoutes,
    AccountRoutes,
    ActivityRoutes,
    PortfolioRoutes,
    WatchlistRoutes,
    StreamRoutes,
    ReferenceRoutes,
    MarketHoursRoutes,
    StockDataRoutes,
    OptionDataRoutes,
    ScreenerRoutes,
    UneventfulRoutes,
)


def routes(world: World) -> list[web.RouteDef]:
    """Every route of the brokers' API."""
    return [route for kind in _FAMILIES for route in kind(world).routes()]
