"""Positions: read, and closed by a market order of the other side."""

import uuid
from decimal import ROUND_DOWN, Decimal

from aiohttp import web

from exchange import errors
from exchange.assets import asset_id
from exchange.decimals import to_decimal
from exchange.exercise import check_do_not_exercise, exercise
from exchange.gate import answer
from exchange.options import Contract, parse_contract
from exchange.state import Account, Order, Position
from exchange.wire import order_json, position_json
from exchange.world import ACCOUNT, RECEIVED_US, World

_HUNDRED = Decimal(100)
_SMALLEST_SHARE = Decimal("0.000000001")


class PositionRoutes:
    """The routes under /v2/positions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._quote = world.engine.book.market.quote

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/v2/positions", self.positions, allow_head=False),
            web.get("/v2/positions/{symbol}", self.position, allow_head=False),
            web.delete("/v2/positions", self.close_all),
            web.delete("/v2/positions/{symbol}", self.close),
            web.post("/v2/positions/{symbol}/exercise", self.exercise),
            web.post("/v2/positions/{symbol}/do-not-exercise", self.do_not_exercise),
        ]

    async def positions(self, request: web.Request) -> web.Response:
        """GET /v2/positions: all of them."""
        account = request[ACCOUNT]
        return answer([position_json(account, held, self._quote) for held in account.positions.values()])

    async def position(self, request: web.Request) -> web.Response:
        """GET one position by symbol or asset id; 404 without one."""
        return answer(position_json(request[ACCOUNT], _find(request), self._quote))

    async def close(self, request: web.Request) -> web.Response:
        """DELETE ?qty= or ?percentage=: sell what is held, or buy a short back; the order that does it."""
        position = _find(request)
        return answer(order_json(self._close(request, position, _wanted(request, abs(position.qty))), "accepted"))

    async def close_all(self, request: web.Request) -> web.Response:
        """DELETE ?cancel_orders=: 207 with one entry a position."""
        account: Account = request[ACCOUNT]
        if request.query.get("cancel_orders", "").lower() == "true":
            while account.open_orders:  # one may end others
                self._world.engine.cancel(account, next(iter(account.open_orders)))
        closed = [self._closed(request, position) for position in list(account.positions.values())]
        return answer(closed, 207)

    async def exercise(self, request: web.Request) -> web.Response:
        """POST: every contract that no open sell holds becomes stock at once."""
        exercise(self._world.engine, request[ACCOUNT], _contract(request))
        return web.Response()

    async def do_not_exercise(self, request: web.Request) -> web.Response:
        """POST: nothing expires here, so there is nothing that would have been exercised."""
        check_do_not_exercise(request[ACCOUNT], _contract(request))
        return web.Response()

    def _closed(self, request: web.Request, position: Position) -> dict[str, object]:
        try:
            order = self._close(request, position, abs(position.qty))
        except errors.ApiError as error:
            return {"symbol": position.symbol, "status": error.status, "body": error.body}
        return {"symbol": position.symbol, "status": 200, "body": order_json(order, "accepted")}

    def _close(self, request: web.Request, position: Position, qty: Decimal) -> Order:
        side = "sell" if position.qty > 0 else "buy"
        body = {"symbol": position.symbol, "side": side, "type": "market", "time_in_force": "day", "qty": qty}
        engine = self._world.engine
        order = engine.submit(request[ACCOUNT], body, str(uuid.uuid4()), request[RECEIVED_US])
        self._world.matcher.consider(order)
        return order


def _find(request: web.Request) -> Position:
    account, wanted = request[ACCOUNT], request.match_info["symbol"]
    for symbol, held in account.positions.items():
        if wanted in {symbol, asset_id(symbol)}:
            return held
    raise errors.no_position()


def _contract(request: web.Request) -> Contract:
    """Read the contract by its symbol, or by the id of one that is held."""
    wanted = request.match_info["symbol"]
    held = (symbol for symbol in request[ACCOUNT].positions if asset_id(symbol) == wanted)
    contract = parse_contract(next(held, wanted))
    if contract is None:
        raise errors.refused("invalid symbol")
    return contract


def _wanted(request: web.Request, held: Decimal) -> Decimal:
    given = {name: request.query[name] for name in ("qty", "percentage") if name in request.query}
    if not given:
        return held
    if len(given) > 1:
        raise errors.invalid("only one of qty or percentage is accepted")
    ((name, text),) = given.items()
    number = to_decimal(text)
    if number is None or number <= 0 or (name == "percentage" and number > _HUNDRED):
        raise errors.invalid(f"{name} must be a number above 0")
    return number if name == "qty" else (held * number / _HUNDRED).quantize(_SMALLEST_SHARE, ROUND_DOWN)
