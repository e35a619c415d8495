"""The script's door to orders, positions and streams: what happens without a client, and who is listening."""

from collections.abc import Callable
from decimal import Decimal

from aiohttp import web

from exchange.fields import FieldError, Fields, json_body
from exchange.state import ENDS, OPEN, Account, Order
from exchange.world import World

_MOST_GRANTS = 1000
_STATUSES = sorted((OPEN - {"partially_filled", "held"}) | ENDS.keys())


class TradingControl:
    """The control port's routes for orders, positions and streams."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/streams", self.streams),
            web.post("/orders/status", self.set_status),
            web.post("/positions", self.grant),
        ]

    async def streams(self, request: web.Request) -> web.Response:  # noqa: ARG002  aiohttp's shape
        """GET the open trade_updates streams, oldest first."""
        return web.json_response({"streams": [stream.shown() for stream in self._world.streams.all()]})

    async def set_status(self, request: web.Request) -> web.Response:
        """POST {status, account?, symbol?, client_order_id?}: move the open orders that fit, and say so on the stream.

        expired, rejected and canceled end them; any other status keeps them open, `new` puts them back to work.
        """
        fields = Fields(await json_body(request))
        status, fits = fields.text("status"), read_wanted(fields)
        fields.done()
        if status not in _STATUSES:
            raise FieldError("status", f"must be one of {', '.join(_STATUSES)}")
        orders = [order for order in self._world.matcher.open_orders() if fits(order)]
        moved = []
        for order in orders:
            if self._world.engine.set_status(order, status):  # the end of one may have been that of others
                self._world.matcher.consider(order)
                moved.append(order.client_order_id)
        return web.json_response({"orders": moved})

    async def grant(self, request: web.Request) -> web.Response:
        """POST {account, symbol, qty, price}, or {positions: [...]} of at most 1000: give positions without orders.

        `qty` is negative for a short, `price` is the entry's in USD a share; cash stays. One wrong one changes none.
        """
        body = await json_body(request)
        fields = Fields(body)
        listed = fields.several("positions", _MOST_GRANTS) if "positions" in fields else [body]
        grants = [self._read_grant(each) for each in listed]
        if "positions" in fields:
            fields.done()
        for granted in grants:
            self._world.engine.grant(*granted)
        return web.json_response({"granted": len(grants)}, status=201)

    def _read_grant(self, given: object) -> tuple[Account, str, Decimal, Decimal]:
        fields = Fields(given, "positions")
        name, symbol = fields.text("account"), fields.text("symbol")
        qty, price = fields.change("qty"), fields.number("price", above_zero=True)
        fields.done()
        book = self._world.engine.book
        if name not in book.accounts:
            raise FieldError("account", f"there is no account {name!r}")
        if book.market.quote(symbol) is None:
            raise FieldError("symbol", f"{symbol!r} is not listed here")
        return book.accounts[name], symbol, qty, price


def read_wanted(fields: Fields) -> Callable[[Order], bool]:
    """Read which orders are meant: those with the account, symbol and client_order_id that are given."""
    wanted = {name: fields.text(name, None) for name in ("account", "symbol", "client_order_id")}

    def fits(order: Order) -> bool:
        return all(value in {None, getattr(order, name)} for name, value in wanted.items())

    return fits
