"""Alpaca's routes, one file a family; trading (/v2) and market data (/v2/stocks, /v1beta1) share the port."""

from aiohttp import web

from exchange.alpaca_routes.account import AccountRoutes
from exchange.alpaca_routes.activities import ActivityRoutes
from exchange.alpaca_routes.market_data import MarketDataRoutes
from exchange.alpaca_routes.orders import OrderRoutes
from exchange.alpaca_routes.portfolio import PortfolioRoutes
from exchange.alpaca_routes.positions import PositionRoutes
from exchange.alpaca_routes.stream import StreamRoutes
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
    MarketDataRoutes,
)


def routes(world: World) -> list[web.RouteDef]:
    """Every route of the brokers' API."""
    families = [kind(world) for kind in _FAMILIES]
    return [route for family in families for route in family.routes()]
