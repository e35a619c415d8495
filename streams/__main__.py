"""`python -m streams`: one connection an account, each under a lease; a second process stands by (DESIGN 5)."""

import asyncio
import signal
import sys
import threading

from loguru import logger

from config.logging import setup_logging
from services.process_record import STARTED, STOPPED
from streams.keeper import Keeper
from tasks.context import Context, context
from tasks.waiting import wait_for_dependencies


def main() -> int:
    """Run until SIGTERM."""
    ctx = context()
    setup_logging(ctx.settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if wait_for_dependencies(ctx, stop):
        ctx.tell(STARTED)
        ctx.live.start()
        logger.info("Streams started")
        asyncio.run(_run(ctx))
        ctx.tell(STOPPED)
    ctx.live.stop()
    ctx.close()
    return 0


async def _run(ctx: Context) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Keeper(ctx).run(stop)


if __name__ == "__main__":
    sys.exit(main())
