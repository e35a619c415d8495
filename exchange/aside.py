"""Long questions are answered in threads of their own: trading does not wait for them, and neither does a stop."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_AT_ONCE = asyncio.Semaphore(4)


async def aside(work: Callable[[], T]) -> T:
    """Give what `work` gives or raise what it raises; asyncio's own threads would hold up the end of the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(report: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(lambda: None if done.done() else report())

    def run() -> None:
        try:
            found = work()
        except Exception as error:  # noqa: BLE001  whatever it is, it belongs to the one who asked
            refused = error
            tell(lambda: done.set_exception(refused))
        else:
            tell(lambda: done.set_result(found))

    async with _AT_ONCE:
        threading.Thread(target=run, daemon=True).start()
        return await done
