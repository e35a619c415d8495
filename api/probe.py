"""Asking a part of the house how it is, without waiting for one that hangs.

A stopped Postgres or Redis keeps its connections and never answers. One question at a time is under way, on a thread of
its own; whoever asks meanwhile shares it, so a part that hangs costs one thread however often health is read.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Probe(Generic[T]):
    """A question that may hang; used by one event loop."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._asked: asyncio.Future[T] | None = None

    async def answer(self, within_s: float) -> T | None:
        """Return the answer, None when there is none in time. Raises what the question raises."""
        if self._asked is None or self._asked.done():
            self._asked = self._begin()
        asked = self._asked
        await asyncio.wait({asked}, timeout=within_s)
        return asked.result() if asked.done() else None

    def _begin(self) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        asked: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            try:
                answer = self._ask()
            except Exception as error:  # noqa: BLE001  it is raised where the answer is read
                _tell(loop, asked.set_exception, error)
            else:
                _tell(loop, asked.set_result, answer)

        threading.Thread(target=run, name="probe", daemon=True).start()  # the process may end while it hangs
        return asked


def _tell(loop: asyncio.AbstractEventLoop, told: Callable[[T], None], what: T) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(told, what)
