"""What can go wrong between a broker and its client, on command: to add a kind, write one small function below.

A kind is a coroutine over a `Call`. `await call.proceed()` lets the exchange do its work and gives its answer; what
the function returns is what the client sees. `answers=False` marks the kinds that leave the client without any.
"""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from exchange import errors

_TRICKLE_S = 0.3
_LOOK_S = 0.05
_GATEWAY_TIMEOUT = b"<html><head><title>504 Gateway Time-out</title></head><body>504 Gateway Time-out</body></html>"


@dataclass(frozen=True, slots=True)
class Call:
    """One request that a fault has hit; `headers` are those every answer carries."""

    request: web.Request
    proceed: Callable[[], Awaitable[web.StreamResponse]]
    headers: dict[str, str]
    delay_s: float | None
    stopping: asyncio.Event

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
    """A named behaviour; `answers` is False when the client never sees a status."""

    behave: Behaviour
    answers: bool


KINDS: dict[str, Kind] = {}


def _kind(name: str, *, answers: bool = True) -> Callable[[Behaviour], Behaviour]:
    def register(behave: Behaviour) -> Behaviour:
        KINDS[name] = Kind(behave, answers)
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


@_kind("504_before")
async def _timeout_before(call: Call) -> web.StreamResponse:  # noqa: ARG001  kinds share one shape
    return web.Response(status=504, body=_GATEWAY_TIMEOUT, content_type="text/html")


@_kind("504_after")
async def _timeout_after(call: Call) -> web.StreamResponse:
    await call.proceed()
    return web.Response(status=504, body=_GATEWAY_TIMEOUT, content_type="text/html")


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
    body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
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


@dataclass(slots=True)
class Fault:
    """One fault in wait: whom it hits (None: anybody), how often more (None: until removed), how often it has."""

    id: str
    kind: str
    account: str | None = None
    method: str | None = None
    path: str | None = None
    times: int | None = 1
    delay_ms: int | None = None
    fired: int = 0
    pattern: re.Pattern[str] | None = field(default=None, repr=False)

    def hits(self, account: str, method: str, path: str) -> bool:
        """Whether this request is one of its own; a path that begins with `/` is a prefix, any other a regex."""
        if (self.times is not None and self.fired >= self.times) or self.account not in {None, account}:
            return False
        if self.method not in {None, method}:
            return False
        return self.path is None or (bool(self.pattern.search(path)) if self.pattern else path.startswith(self.path))

    def shown(self) -> dict[str, Any]:
        """Give the fault as the control port prints it."""
        names = ("id", "kind", "account", "method", "path", "times", "delay_ms", "fired")
        return {name: getattr(self, name) for name in names}


class Faults:
    """The faults in wait, oldest first; the first that fits a request takes it. They end with the process."""

    def __init__(self) -> None:
        self._waiting: dict[str, Fault] = {}
        self._numbers = itertools.count(1)

    def add(self, kind: str, **where: Any) -> Fault:
        """Set a fault of a known kind up; `re.error` when its path is a broken pattern."""
        path = where.get("path")
        fault = Fault(str(next(self._numbers)), kind, **where)
        if path is not None and not path.startswith("/"):
            fault.pattern = re.compile(path)
        self._waiting[fault.id] = fault
        return fault

    def take(self, account: str, method: str, path: str) -> Fault | None:
        """Give the fault that this request runs into, counted as fired."""
        for fault in self._waiting.values():
            if fault.hits(account, method, path):
                fault.fired += 1
                return fault
        return None

    def all(self) -> list[Fault]:
        """Every fault set up since the start or the last removal, spent ones included."""
        return list(self._waiting.values())

    def remove(self, fault_id: str | None) -> int:
        """Remove one fault, or all (None); gives how many."""
        gone = [fault_id] if fault_id in self._waiting else [] if fault_id is not None else list(self._waiting)
        for key in gone:
            del self._waiting[key]
        return len(gone)
