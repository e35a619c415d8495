"""JSON bodies read exactly: numbers become Decimal, never float, and NaN is a value to refuse, not a crash.

FastAPI answers 500 to `{"qty": NaN}` and `1e400` by default.
"""

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class ExactRequest(Request):
    """A request whose JSON numbers keep every digit."""

    async def json(self) -> Any:
        """Return the body; NaN and Infinity become decimals that validation refuses by name."""
        if not hasattr(self, "_exact"):
            self._exact = json.loads(await self.body(), parse_float=Decimal, parse_constant=Decimal)
        return self._exact


class ExactRoute(APIRoute):
    """A route that reads its body exactly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the usual handler around an ExactRequest."""
        handle = super().get_route_handler()

        async def exact(request: Request) -> Response:
            return await handle(ExactRequest(request.scope, request.receive))

        return exact
