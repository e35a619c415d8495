"""The Idempotency-Key of a request, and the keys whose order is being stored right now (R22)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Header, Request

from domain.errors import KeyDoubled, KeyInFlight
from domain.orders import FieldProblem
from domain.timing import safe

_HEADER = "Idempotency-Key"


async def _one_key(
    request: Request, _: Annotated[str | None, Header(alias=_HEADER, max_length=255)] = None
) -> str | None:
    given = request.headers.getlist(_HEADER)
    if len(given) > 1:
        problem = FieldProblem(_HEADER, safe(", ".join(given))[:255], "one header")
        raise KeyDoubled("the request carries more than one Idempotency-Key", [problem])
    return given[0] if given else None


KeyHeader = Annotated[str | None, Depends(_one_key)]
"""The request's key, None without one. Raises KeyDoubled."""


class KeysInFlight:
    """The keys this process is storing an order under.

    Another process may store the same key at the same time: its insert waits for ours, and the unique row decides.
    """

    def __init__(self) -> None:
        self._held: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, account: str, key: str) -> Iterator[None]:
        """Keep an account's key to ourselves for the block. Raises KeyInFlight when somebody has it."""
        with self._lock:
            if (account, key) in self._held:
                raise KeyInFlight(f"the key {key!r} is being stored; ask again with the same key and the same order")
            self._held.add((account, key))
        try:
            yield
        finally:
            with self._lock:
                self._held.discard((account, key))
