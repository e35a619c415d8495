"""Orders: new, read by either id, listed, replaced, canceled."""

import itertools
import uuid
from collections.abc import Iterable, Iterator

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import query
from exchange.gate import answer
from exchange.state import OPEN, Account, Order
from exchange.wire import order_json
from exchange.world import ACCOUNT, BODY, CLIENT_ORDER_ID, RECEIVED_US, World

_DEFAULT_LIMIT, _LARGEST_LIMIT = 50, 500
_END_OF_TIME = 2**63


class OrderRoutes:
    """The routes under /v2/orders."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.post("/v2/orders", self.submit),
            web.get("/v2/orders", self.list_orders, allow_head=False),
            web.get("/v2/orders:by_client_order_id", self.get_by_client_order_id, allow_head=False),
            web.get("/v2/orders/{order_id}", self.get, allow_head=False),
            web.patch("/v2/orders/{order_id}", self.replace),
            web.delete("/v2/orders/{order_id}", self.cancel),
            web.delete("/v2/orders", self.cancel_all),
        ]

    async def submit(self, request: web.Request) -> web.Response:
        """POST: the answer says accepted, the order is new from then on and fills after its delay."""
        engine = self._world.engine
        order = engine.submit(request[ACCOUNT], request[BODY], request[CLIENT_ORDER_ID], request[RECEIVED_US])
        self._world.matcher.consider(order)
        return answer(order_json(order, "accepted"))

    async def list_orders(self, request: web.Request) -> web.Response:
        """GET: newest first unless direction=asc; after and until exclude their own moment."""
        account = request[ACCOUNT]
        limit = query.whole(request, "limit", default=_DEFAULT_LIMIT, largest=_LARGEST_LIMIT)
        newest_first = query.choice(request, "direction", ("desc", "asc")) == "desc"
        found = _between(request, _candidates(request, account), newest_first=newest_first)
        return answer([order_json(order) for order in itertools.islice(_matching(request, found), limit)])

    async def get(self, request: web.Request) -> web.Response:
        """GET by the exchange's id."""
        return answer(order_json(_find(request)))

    async def get_by_client_order_id(self, request: web.Request) -> web.Response:
        """GET by the caller's id."""
        wanted = request.query.get("client_order_id", "")
        order = request[ACCOUNT].by_client_order_id.get(wanted)
        if order is None:
            raise errors.order_not_found(wanted)
        return answer(order_json(order))

    async def replace(self, request: web.Request) -> web.Response:
        """PATCH: a new order with a new id takes the place of a working one."""
        order = self._world.engine.replace(
            request[ACCOUNT],
            _find(request).id,
            request[BODY],
            client_order_id=request[CLIENT_ORDER_ID],
            received_us=request[RECEIVED_US],
        )
        self._world.matcher.consider(order)
        return answer(order_json(order, "accepted"))

    async def cancel(self, request: web.Request) -> web.Response:
        """DELETE: 204, and canceled at once or after the scripted time; 422 when the order has ended before."""
        order = _find(request)
        if order.status not in OPEN:
            raise errors.not_cancelable(order.status)
        self._world.matcher.end(order)
        return web.Response(status=204)

    async def cancel_all(self, request: web.Request) -> web.Response:
        """DELETE all: 207 with one entry an order."""
        ended = list(request[ACCOUNT].open_orders.values())
        for order in ended:
            self._world.matcher.end(order)
        return answer([{"id": order.id, "status": 200} for order in ended], 207)


def _find(request: web.Request) -> Order:
    order_id = request.match_info["order_id"]
    try:
        canonical = str(uuid.UUID(order_id))
    except ValueError:
        raise errors.invalid("order_id is missing") from None
    order = request[ACCOUNT].orders.get(canonical)
    if order is None:
        raise errors.order_not_found(order_id)
    return order


def _candidates(request: web.Request, account: Account) -> list[Order]:
    """Oldest first; an account's open orders are few where all its orders may be many."""
    status = query.choice(request, "status", ("open", "closed", "all"))
    if status == "open":
        return list(account.open_orders.values())
    return [order for order in account.orders.values() if status == "all" or order.status not in OPEN]


def _between(request: web.Request, found: list[Order], *, newest_first: bool) -> Iterator[Order]:
    after = query.moment(request, "after", default=0)
    until = query.moment(request, "until", default=_END_OF_TIME)
    ordered: Iterable[Order] = reversed(found) if newest_first else found
    return (order for order in ordered if after < order.at_ns < until)


def _matching(request: web.Request, found: Iterator[Order]) -> Iterator[Order]:
    side = query.choice(request, "side", ("", "buy", "sell"))
    wanted = frozenset(query.symbols(request))
    return (o for o in found if (not side or o.side == side) and (not wanted or o.symbol in wanted))
