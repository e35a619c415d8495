"""Orders: new, read by either id, listed, replaced, canceled."""

import itertools
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import query
from exchange.gate import answer
from exchange.options import parse_contract
from exchange.state import OPEN, Account, Order
from exchange.wire import nested_json, order_json
from exchange.world import ACCOUNT, BODY, CLIENT_ORDER_ID, RECEIVED_US, World

_DEFAULT_LIMIT, _LARGEST_LIMIT = 50, 500
_END_OF_TIME = 2**63
_CANCELABLE = OPEN - {"pending_replace"}
_CLASS_NAMES = (
    "us_equity us_option crypto crypto_perp treasury corporate global_equity us_index us_equity_chain ipo all"
)
_ASSET_CLASSES = frozenset(_CLASS_NAMES.split())


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
        return answer(nested_json(request[ACCOUNT], order, "accepted"))

    async def list_orders(self, request: web.Request) -> web.Response:
        """GET: newest first unless direction=asc; after and until exclude their own moment."""
        account = request[ACCOUNT]
        limit = query.whole(request, "limit", default=_DEFAULT_LIMIT, largest=_LARGEST_LIMIT)
        newest_first = query.choice(request, "direction", ("desc", "asc")) == "desc"
        nested = query.flag(request, "nested")
        found = _between(request, _candidates(request, account), newest_first=newest_first)
        shown = list(itertools.islice(_matching(request, found), limit))
        return answer(_rolled_up(account, shown) if nested else [order_json(order) for order in shown])

    async def get(self, request: web.Request) -> web.Response:
        """GET by the exchange's id."""
        order = _find(request)
        return answer(nested_json(request[ACCOUNT], order) if query.flag(request, "nested") else order_json(order))

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
        return answer(nested_json(request[ACCOUNT], order, "accepted"))

    async def cancel(self, request: web.Request) -> web.Response:
        """DELETE: 204, and canceled at once or after the scripted time; 422 when the order has ended before."""
        order = _find(request)
        if order.status not in _CANCELABLE:
            raise errors.not_cancelable(order.status)
        self._world.matcher.end(order)
        return web.Response(status=204)

    async def cancel_all(self, request: web.Request) -> web.Response:
        """DELETE all: 207 with one entry an order."""
        return answer([self._ended(order) for order in list(request[ACCOUNT].open_orders.values())], 207)

    def _ended(self, order: Order) -> dict[str, object]:
        if order.status == "pending_replace":
            return {"id": order.id, "status": 422, "body": errors.not_cancelable(order.status).body}
        if order.status in OPEN:  # unless the end of another has been its own
            self._world.matcher.end(order)
        return {"id": order.id, "status": 200}


def _rolled_up(account: Account, orders: list[Order]) -> list[dict[str, Any]]:
    """Show orders with their legs, which then do not stand beside them as well."""
    heads = {order.id for order in orders}
    return [nested_json(account, order) for order in orders if order.parent not in heads]


def _find(request: web.Request) -> Order:
    return _known(request, request.match_info["order_id"])


def _known(request: web.Request, order_id: str) -> Order:
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
    after = query.moment(request, "after", default=-1)
    until = query.moment(request, "until", default=_END_OF_TIME)
    before_id, after_id = (request.query.get(name) for name in ("before_order_id", "after_order_id"))
    if before_id and after_id:
        raise errors.invalid("only one of before_order_id or after_order_id is accepted")
    if before_id:
        until = min(until, _known(request, before_id).at_ns)
    if after_id:
        after = max(after, _known(request, after_id).at_ns)
    ordered: Iterable[Order] = reversed(found) if newest_first else found
    return (order for order in ordered if after < order.at_ns < until)


def _matching(request: web.Request, found: Iterator[Order]) -> Iterator[Order]:
    side = query.choice(request, "side", ("", "buy", "sell"))
    classes = frozenset(query.words(request, "asset_class"))
    for unknown in classes - _ASSET_CLASSES:
        raise errors.invalid(f"invalid asset_class: {unknown}")
    wanted = frozenset(query.symbols(request))
    return (
        order
        for order in found
        if (not side or order.side == side)
        and (not classes or "all" in classes or order.asset_class in classes)
        and (not wanted or order.symbol in wanted or ("us_option" in classes and _underlying(order) in wanted))
    )


def _underlying(order: Order) -> str | None:
    contract = parse_contract(order.symbol)
    return None if contract is None else contract.underlying
