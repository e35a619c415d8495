"""The script's door: read the truth, move prices, make accounts; a port apart that no fault reaches."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from exchange.account_form import check_free, read_account, read_account_changes
from exchange.control_faults import FaultControl
from exchange.control_trading import TradingControl, read_wanted
from exchange.decimals import plain, to_decimal
from exchange.fields import FieldError, Fields, json_body
from exchange.oracle import ledger, request_counts
from exchange.state import Account
from exchange.world import World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_SIDES = ("bid", "ask", "last")


def control_app(world: World, token: str | None) -> web.Application:
    """Give the control API; with a `token`, only for callers that send it as X-Control-Token."""
    app = web.Application(middlewares=[_guard(token)])
    app.add_routes(Control(world).routes())
    app.add_routes(TradingControl(world).routes())
    app.add_routes(FaultControl(world).routes())
    return app


def _guard(token: str | None) -> Any:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("X-Control-Token", "")
        if token is not None and not hmac.compare_digest(given.encode(), token.encode()):
            return web.json_response({"message": "X-Control-Token is missing or wrong"}, status=401)
        try:
            return await handler(request)
        except FieldError as error:
            return web.json_response({"field": error.field, "message": str(error)}, status=400)
        except web.HTTPException as error:
            return web.json_response({"message": error.reason}, status=error.status)

    return guard


class Control:
    """The control port's routes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._engine = world.engine
        self._book = world.engine.book

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/health", self.health),
            web.get("/ledger", self.ledger),
            web.get("/requests", self.requests),
            web.get("/prices/{symbol}", self.price),
            web.put("/prices", self.set_prices),
            web.put("/clock", self.set_clock),
            web.post("/accounts", self.create_account),
            web.patch("/accounts/{name}", self.change_account),
            web.get("/fills", self.fill_rules),
            web.post("/fills", self.change_fill_rules),
            web.post("/fills/release", self.release),
        ]

    async def health(self, request: web.Request) -> web.Response:  # noqa: ARG002  aiohttp's shape
        """GET: answers once the journal is replayed and both ports listen."""
        accounts, waiting = len(self._book.accounts), len(self._world.matcher.open_orders())
        return web.json_response({"status": "ok", "accounts": accounts, "open_orders": waiting})

    async def ledger(self, request: web.Request) -> web.Response:
        """GET ?account=NAME&since=EPOCH_SECONDS."""
        name = request.query.get("account")
        if name is not None and name not in self._book.accounts:
            raise FieldError("account", f"there is no account {name!r}")
        since = to_decimal(request.query.get("since", "0"))
        if since is None:
            raise FieldError("since", "must be epoch seconds")
        return web.json_response({"accounts": ledger(self._world, account=name, since_us=int(since * 1_000_000))})

    async def requests(self, request: web.Request) -> web.Response:  # noqa: ARG002  aiohttp's shape
        """GET the counters, since this process started."""
        return web.json_response({"requests": request_counts(self._world)})

    async def price(self, request: web.Request) -> web.Response:
        """GET one symbol's quote."""
        return web.json_response(self._quoted(request.match_info["symbol"]))

    async def set_prices(self, request: web.Request) -> web.Response:
        """PUT {symbol: price | {bid?, ask?, last?, age_ms?, missing?}}: one number is all three prices.

        A price that is left out stays. With `age_ms` the market data API shows quote and trade as that old, and ageing;
        with `missing` it shows none: both until the symbol's next script.
        """
        body = await json_body(request)
        prices = Fields(body)
        wanted = {symbol: self._read_price(symbol, body[symbol], prices) for symbol in body}
        for symbol, price in wanted.items():
            self._engine.set_price(symbol, price)
        self._world.matcher.consider_all()
        return web.json_response({symbol: self._quoted(symbol) for symbol in wanted})

    def _read_price(self, symbol: str, given: object, prices: Fields) -> dict[str, Any]:
        quote = self._book.market.quote(symbol)
        if quote is None:
            raise FieldError(symbol, "is not listed here")
        if not isinstance(given, dict):
            return dict.fromkeys(_SIDES, prices.money(symbol))
        fields = Fields(given)
        price: dict[str, Any] = {side: fields.money(side, plain(getattr(quote, side))) for side in _SIDES}
        if fields.flag("missing", default=False):
            price["missing"] = True
        if (age_ms := fields.count("age_ms", None)) is not None:
            price["age_ms"] = age_ms
        fields.done()
        return price

    def _quoted(self, symbol: str) -> dict[str, str]:
        quote = self._book.market.quote(symbol)
        if quote is None:
            raise FieldError("symbol", f"{symbol!r} is not listed here")
        return {"bid": plain(quote.bid), "ask": plain(quote.ask), "last": plain(quote.last)}

    async def set_clock(self, request: web.Request) -> web.Response:
        """PUT {is_open, is_extended?}: while closed nothing fills but, in extended hours, the orders made for them."""
        fields = Fields(await json_body(request))
        session = {"is_open": fields.flag("is_open"), "is_extended": fields.flag("is_extended", default=False)}
        fields.done()
        self._engine.open_market(**session)
        self._world.matcher.consider_all()
        return web.json_response(session)

    async def create_account(self, request: web.Request) -> web.Response:
        """POST an account like one of the accounts file's."""
        seed = read_account(await json_body(request))
        check_free(self._engine, seed)
        return web.json_response(_named(self._engine.create_account(seed)), status=201)

    async def change_account(self, request: web.Request) -> web.Response:
        """PATCH account_number, cash, rate_limit, status, trading_blocked, shorting_enabled."""
        account = self._account(request.match_info["name"])
        self._engine.change_account(account, read_account_changes(await json_body(request)))
        return web.json_response(_named(account))

    async def fill_rules(self, request: web.Request) -> web.Response:  # noqa: ARG002  aiohttp's shape
        """GET the fill settings."""
        return web.json_response(self._book.rules.shown())

    async def change_fill_rules(self, request: web.Request) -> web.Response:
        """POST {symbol?, delay_ms?, never?, partial?, cancel_delay_ms?}: null takes a setting back to the default."""
        fields = Fields(await json_body(request))
        symbol = fields.text("symbol", None)
        if symbol is not None and self._book.market.quote(symbol) is None:
            raise FieldError("symbol", f"{symbol!r} is not listed here")
        readers = {
            "delay_ms": fields.count,
            "never": fields.flag,
            "partial": _partial(fields),
            "cancel_delay_ms": fields.count,
        }
        changes = {name: read(name, None) for name, read in readers.items() if name in fields}
        fields.done()
        self._engine.change_fill_rule(symbol, changes)
        self._world.matcher.consider_all()
        return web.json_response(self._book.rules.shown())

    async def release(self, request: web.Request) -> web.Response:
        """POST {account?, symbol?, client_order_id?, qty?}: fill the open orders that fit, now."""
        fields = Fields(await json_body(request))
        fits = read_wanted(fields)
        qty = fields.number("qty", None, above_zero=True)
        fields.done()
        orders = [order for order in self._world.matcher.open_orders() if fits(order) and order.status != "held"]
        filled = {order.client_order_id: plain(self._world.matcher.release(order, qty)) for order in orders}
        return web.json_response({"filled": filled})

    def _account(self, name: str) -> Account:
        account = self._book.accounts.get(name)
        if account is None:
            raise FieldError("account", f"there is no account {name!r}")
        return account


def _partial(fields: Fields) -> Callable[..., str | None]:
    def read(name: str, default: None) -> str | None:
        qty = fields.number(name, default, above_zero=True)
        return None if qty is None else plain(qty)

    return read


def _named(account: Account) -> dict[str, str]:
    return {"name": account.name, "id": account.id, "account_number": account.account_number}
