"""What can go wrong between a broker and its client: to add a kind, write one small function below.

A kind is a coroutine over a `Call`. `await call.proceed()` lets the exchange do its work and gives its answer; what
the function returns is what the client sees. `answers=False` marks the kinds that leave the client without any.
"""

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from exchange import errors
from exchange.clock import now_ns
from exchange.faults import Place
from exchange.unknown_words import UNKNOWN_FIELDS, UNKNOWN_STATUS

_TRICKLE_S = 0.3
_HIDDEN_S = 1.0
_LOOK_S = 0.05
_GATEWAYS = {502: "502 Bad Gateway", 504: "504 Gateway Time-out"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request that a fault has hit; `headers` are those every answer carries, `memory` is the fault's own."""

    request: web.Request
    proceed: Callable[[], Awaitable[web.StreamResponse]]
    headers: dict[str, str]
    delay_s: float | None
    stopping: asyncio.Event
    memory: dict[str, bytes]

    async def never(self) -> web.StreamResponse:
        """Keep the connection open until the client leaves or the exchange stops; then break it."""
        while (transport := self.request.transport) is not None and not transport.is_closing():
            if self.stopping.is_set():
                break
            await asyncio.sleep(_LOOK_S)
        return self.abort()

    def abort(self) -> web.StreamResponse:
        """Break the connection off (TCP reset); the response returned goes nowhere."""
        if self.request.transport is not None:
            self.request.transport.abort()
        return web.Response(status=503)


Behaviour = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A named behaviour and where it strikes; `answers` is False when the client never sees a status."""

    behave: Behaviour
    answers: bool
    place: Place


KINDS: dict[str, Kind] = {}


def _kind(name: str, *, answers: bool = True, place: Place = Place.REQUEST) -> Callable[[Behaviour], Behaviour]:
    def register(behave: Behaviour) -> Behaviour:
        KINDS[name] = Kind(behave, answers, place)
        return behave

    return register


@_kind("delay")
async def _delay(call: Call) -> web.StreamResponse:
    await asyncio.sleep(call.delay_s or 0)
    return await call.proceed()


@_kind("late")
async def _late(call: Call) -> web.StreamResponse:
    """Answer what was true when the request came, later."""
    answer = await call.proceed()
    await asyncio.sleep(call.delay_s or 0)
    return answer


@_kind("hang", answers=False)
async def _hang(call: Call) -> web.StreamResponse:
    return await call.never()


@_kind("hang_after", answers=False)
async def _hang_after(call: Call) -> web.StreamResponse:
    await call.proceed()
    return await call.never()


@_kind("429")
async def _too_many(call: Call) -> web.StreamResponse:  # noqa: ARG001  kinds share one shape
    error = errors.rate_limited()
    return web.json_response(error.body, status=error.status)


@_kind("502_before")
async def _bad_gateway_before(call: Call) -> web.StreamResponse:  # noqa: ARG001  kinds share one shape
    return _gateway(502)


@_kind("502_after")
async def _bad_gateway_after(call: Call) -> web.StreamResponse:
    await call.proceed()
    return _gateway(502)


@_kind("504_before")
async def _timeout_before(call: Call) -> web.StreamResponse:  # noqa: ARG001  kinds share one shape
    return _gateway(504)


@_kind("504_after")
async def _timeout_after(call: Call) -> web.StreamResponse:
    await call.proceed()
    return _gateway(504)


@_kind("500_before")
async def _empty_before(call: Call) -> web.StreamResponse:  # noqa: ARG001  kinds share one shape
    return web.Response(status=500)


@_kind("500_after")
async def _empty_after(call: Call) -> web.StreamResponse:
    await call.proceed()
    return web.Response(status=500)


@_kind("drop_before", answers=False)
async def _drop_before(call: Call) -> web.StreamResponse:
    return call.abort()


@_kind("drop_after", answers=False)
async def _drop_after(call: Call) -> web.StreamResponse:
    await call.proceed()
    return call.abort()


@_kind("trickle")
async def _trickle(call: Call) -> web.StreamResponse:
    """Answer one byte at a time: each read of the client succeeds, so its read timeout never fires."""
    answer = await call.proceed()
    body = _body(answer)
    slow = web.StreamResponse(status=answer.status, headers=call.headers)
    slow.content_type, slow.content_length = answer.content_type, len(body)
    await slow.prepare(call.request)
    for byte in body:
        if call.stopping.is_set():
            return call.abort()
        await slow.write(bytes([byte]))
        await asyncio.sleep(_TRICKLE_S if call.delay_s is None else call.delay_s)
    await slow.write_eof()
    return slow


@_kind("half_body", answers=False)
async def _half_body(call: Call) -> web.StreamResponse:
    """Announce the whole answer, send half of it, and break off."""
    answer = await call.proceed()
    body = _body(answer)
    half = web.StreamResponse(status=answer.status, headers=call.headers)
    half.content_type, half.content_length = answer.content_type, len(body)
    await half.prepare(call.request)
    await half.write(body[: len(body) // 2])
    call.abort()
    return half


@_kind("close_after")
async def _close_after(call: Call) -> web.StreamResponse:
    """Answer in full and close the connection without having said so: whoever keeps it meets a dead one."""
    answer = await call.proceed()
    answer.headers.update(call.headers)
    await answer.prepare(call.request)
    await answer.write_eof()
    if call.request.transport is not None:
        call.request.transport.close()
    return answer


@_kind("close_on_reuse", answers=False, place=Place.REUSE)
async def _close_on_reuse(call: Call) -> web.StreamResponse:
    """End a kept connection at the very moment its client sends the next request on it: nothing has happened."""
    if call.request.transport is not None:
        call.request.transport.close()
    return web.Response(status=503)


@_kind("stale")
async def _stale(call: Call) -> web.StreamResponse:
    """Answer as the first request of this kind was answered, whatever has happened since."""
    if (asked := call.request.path_qs) not in call.memory:
        call.memory[asked] = _body(await call.proceed())
    return _json(call.memory[asked])


@_kind("hidden")
async def _hidden(call: Call) -> web.StreamResponse:
    """Know nothing yet of orders that are younger than the delay (a second): a replica that lags behind."""
    shown = json.loads(_body(await call.proceed()) or b"null")
    youngest = now_ns() / 1e9 - (_HIDDEN_S if call.delay_s is None else call.delay_s)
    if isinstance(shown, list):
        return _json(json.dumps([each for each in shown if not _is_order(each) or _created(each) <= youngest]).encode())
    if _is_order(shown) and _created(shown) > youngest:
        error = errors.order_not_found(str(shown["id"]))
        return web.json_response(error.body, status=error.status)
    return _json(json.dumps(shown).encode())


@_kind("unknown_status")
async def _unknown_status(call: Call) -> web.StreamResponse:
    """Tell every order's status in a word that nobody has documented."""
    shown = json.loads(_body(await call.proceed()) or b"null")
    for order in _objects(shown):
        if _is_order(order):
            order["status"] = UNKNOWN_STATUS
    return _json(json.dumps(shown).encode())


@_kind("unknown_field")
async def _unknown_field(call: Call) -> web.StreamResponse:
    """Add to every object what nobody has documented."""
    shown = json.loads(_body(await call.proceed()) or b"null")
    for each in _objects(shown):
        each.update(UNKNOWN_FIELDS)
    return _json(json.dumps(shown).encode())


def _gateway(status: int) -> web.Response:
    text = _GATEWAYS[status]
    page = f"<html><head><title>{text}</title></head><body>{text}</body></html>"
    return web.Response(status=status, text=page, content_type="text/html")


def _body(answer: web.StreamResponse) -> bytes:
    return answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def _is_order(shown: Any) -> bool:
    return isinstance(shown, dict) and "client_order_id" in shown


def _objects(shown: Any) -> Iterator[dict[str, Any]]:
    yield from (each for each in (shown if isinstance(shown, list) else [shown]) if isinstance(each, dict))


def _created(order: dict[str, Any]) -> float:
    return dt.datetime.fromisoformat(str(order["created_at"])).timestamp()
