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
        """Return the body; NaN and Infinity become decimals that validation refuses by name.

        Raises JSONDecodeError for whatever cannot be read.
        """
        if not hasattr(self, "_exact"):
            body = await self.body()
            try:
                self._exact = json.loads(body, parse_float=Decimal, parse_constant=Decimal)
            except (ValueError, RecursionError) as error:  # not UTF-8, nested too deep, an integer of 5,000 digits
                position = error.pos if isinstance(error, json.JSONDecodeError) else 0
                raise json.JSONDecodeError("not readable as JSON", "", position) from None
        return self._exact


class ExactRoute(APIRoute):
    """A route that reads its body exactly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the usual handler around an ExactRequest."""
        handle = super().get_route_handler()

        async def exact(request: Request) -> Response:
            return await handle(ExactRequest(request.scope, request.receive))

        return exact
