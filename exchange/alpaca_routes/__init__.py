"""Alpaca's routes, one file a family; trading (/v2) and market data (/v2/stocks, /v1beta1) share the port."""

from aiohttp import web

from exchange.alpaca_routes.account import AccountRoutes
from exchange.alpaca_routes.activities import ActivityRoutes
from exchange.alpaca_routes.market_hours import MarketHoursRoutes
from exchange.alpaca_routes.option_data import OptionDataRoutes
from exchange.alpaca_routes.orders import OrderRoutes
from exchange.alpaca_routes.positions import PositionRoutes
from exchange.alpaca_routes.reference import ReferenceRoutes
from exchange.alpaca_routes.screener import ScreenerRoutes
from exchange.alpaca_routes.stock_data import StockDataRoutes
from exchange.alpaca_routes.uneventful import UneventfulRoutes
from exchange.world import World


def routes(world: World) -> list[web.RouteDef]:
    """Every route of the brokers' API."""
    trading = (OrderRoutes, PositionRoutes, AccountRoutes, ActivityRoutes)
    data = (ReferenceRoutes, MarketHoursRoutes, StockDataRoutes, OptionDataRoutes, ScreenerRoutes, UneventfulRoutes)
    return [route for kind in (*trading, *data) for route in kind(world).routes()]
