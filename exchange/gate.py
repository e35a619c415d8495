"""What every request to the brokers' API passes: keys, the minute's allowance, faults, headers, counters."""

import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from exchange import errors
from exchange.clock import now_ns
from exchange.decimals import parse_json
from exchange.fault_kinds import KINDS, Call
from exchange.faults import REQUESTS, Fault, Moment, Place
from exchange.order_form import client_order_id_of
from exchange.state import Account
from exchange.world import ACCOUNT, BODY, CLIENT_ORDER_ID, RECEIVED_US, STREAM_PATH, UNANSWERED, World

_LOG = logging.getLogger("exchange")
NOBODY = "-"
"""Who asks without keys that are known."""
_NOBODYS_LIMIT = 200
_DATA_PATHS = ("/v2/stocks/", "/v1beta1/", "/v1/corporate-actions")
_FIRST = frozenset({Place.REQUEST})
_JSON = {"Content-Type": "application/json; charset=UTF-8"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(body: Any, status: int = 200) -> web.Response:
    """Make a JSON answer."""
    return web.Response(body=json.dumps(body, separators=(",", ":")).encode(), status=status, headers=_JSON)


class Gate:
    """The middleware of the brokers' API."""

    def __init__(self, world: World) -> None:
        self._world = world

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve one request: a fault, a refusal or the handler's answer, with the headers of all answers."""
        if request.path == STREAM_PATH:
            return await _handled(request, handler)  # its keys come in its first message
        account = self._identify(request)
        body = await request.read()
        request[RECEIVED_US] = now_ns() // 1000
        headers = {"X-Request-ID": uuid.uuid4().hex}
        if account is None:
            response: web.StreamResponse = _refusal(errors.unauthorized())
            allowed = self._world.limiter.take(NOBODY, "", limit=_NOBODYS_LIMIT, now=now_ns() / 1e9)
            headers.update(allowed.headers())
        else:
            request[ACCOUNT] = account
            response = await self._serve(request, handler, body, headers)
        if not request.get(UNANSWERED):
            self._count(request, str(response.status))
        if not response.prepared:
            response.headers.update(headers)
        return response

    def _identify(self, request: web.Request) -> Account | None:
        headers = request.headers
        keys = headers.get("APCA-API-KEY-ID", ""), headers.get("APCA-API-SECRET-KEY", "")
        return self._world.engine.book.account_of(*keys)

    async def _serve(
        self, request: web.Request, handler: Handler, body: bytes, headers: dict[str, str]
    ) -> web.StreamResponse:
        account = request[ACCOUNT]
        if request.path.startswith("/v2/orders") and request.method in {"POST", "PATCH"}:
            self._note_attempt(request, account, body)
        family = "data" if request.path.startswith(_DATA_PATHS) else "trading"
        allowed = self._world.limiter.take(account.name, family, limit=account.rate_limit, now=now_ns() / 1e9)
        headers.update(allowed.headers())
        if not allowed.allowed:
            return _refusal(errors.rate_limited())
        moment = Moment(self._places(request), account.name, request.method, request.path)
        fault = self._world.faults.take(moment)
        if fault is None:
            return await _handled(request, handler)
        return await self._broken(fault, request, handler, headers)

    def _places(self, request: web.Request) -> frozenset[Place]:
        """Say whether the request reuses a connection: for those who keep one, its end comes at a bad moment."""
        served, transport = self._world.served, request.transport
        if transport is None or transport in served:
            return REQUESTS
        served.add(transport)
        return _FIRST

    def _note_attempt(self, request: web.Request, account: Account, body: bytes) -> None:
        try:
            parsed = parse_json(body)
        except (ValueError, RecursionError):
            parsed = None
        request[BODY] = parsed
        request[CLIENT_ORDER_ID] = client_order_id_of(parsed)
        self._world.engine.note_attempt(account, request[CLIENT_ORDER_ID])

    async def _broken(
        self, fault: Fault, request: web.Request, handler: Handler, headers: dict[str, str]
    ) -> web.StreamResponse:
        kind = KINDS[fault.kind]
        if not kind.answers:
            request[UNANSWERED] = True
            self._count(request, fault.kind)
        delay_s = None if fault.delay_ms is None else fault.delay_ms / 1000
        call = Call(request, lambda: _handled(request, handler), headers, delay_s, self._world.stopping, fault.memory)
        return await kind.behave(call)

    def _count(self, request: web.Request, status: str) -> None:
        account = request.get(ACCOUNT)
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "(unknown)"
        self._world.requests[account.name if account else NOBODY, request.method, route, status] += 1


async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except errors.ApiError as error:
        return _refusal(error)
    except web.HTTPException as error:
        no_method = error.status == web.HTTPMethodNotAllowed.status_code
        return answer({"message": "method not allowed"}, 405) if no_method else _refusal(errors.no_endpoint())
    except OSError:
        _LOG.exception("the journal could not be written")
        return answer({"code": 50010000, "message": "internal server error"}, 500)


def _refusal(error: errors.ApiError) -> web.Response:
    return answer(error.body, error.status)
