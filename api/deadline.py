"""What writes is answered within two seconds, also while the database stands still (UC-SYSTEM-002)."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from fastapi import Request

from api.state import ApiState
from domain.errors import OutcomeUnknown, StoreUnavailable

T = TypeVar("T")

ANSWER_MS = 1500  # since the request came: what is left is for a busy machine


async def in_time(work: Callable[[], T], request: Request, state: ApiState, *, writes: bool = True) -> T:
    """Run `work` in a thread and return what it returns.

    Raises StoreUnavailable when the time is over and nothing was written, OutcomeUnknown when what `writes` is still at
    work: it ends by itself, within the limits of its connection, and the same request again finds what it did.
    """
    begun = False

    def begin() -> T:
        nonlocal begun
        begun = True
        return work()

    spent_ms = state.clock.monotonic_ms() - request.scope["opitios.started_ms"]
    with anyio.move_on_after((ANSWER_MS - spent_ms) / 1000):
        return await anyio.to_thread.run_sync(begin, abandon_on_cancel=True)
    if begun and writes:
        raise OutcomeUnknown("the database does not answer: send it again with the same key", request.url.path)
    raise StoreUnavailable("the database does not answer: nothing was written")
