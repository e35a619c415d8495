"""W3C trace-context: the caller's `traceparent` is kept, else a new trace begins; the answer says which."""

import re
from typing import Any

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config import log_context
from config.clock import SYSTEM_CLOCK
from config.ids import trace_id

_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Tracing:
    """ASGI middleware: puts trace id and time of receipt into the scope, the id into the answer's headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = _given(scope["headers"]) or trace_id()
        scope["opitios.trace_id"] = trace
        scope["opitios.started_at"] = SYSTEM_CLOCK.now()
        scope["opitios.started_ms"] = SYSTEM_CLOCK.monotonic_ms()

        async def traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).append((b"x-trace-id", trace.encode()))
            await send(message)

        with log_context.scope(trace_id=trace):
            await self._app(scope, receive, traced)


def trace_of(request: Request) -> str:
    """Return the request's trace id."""
    return str(request.scope.get("opitios.trace_id", ""))


def _given(headers: Any) -> str | None:
    for name, value in headers:
        if name == b"traceparent" and (match := _TRACEPARENT.fullmatch(value)) is not None:
            return str(match[1].decode())
    return None
