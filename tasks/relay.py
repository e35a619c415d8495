"""The relay: a plain loop that hints every due row again, needing no Celery to run (R1).

One relay works at a time, by a lease; a second one stands by. With Redis away the rows stay due and nothing is lost.
"""

import signal
import sys
import threading
from collections.abc import Iterable

from loguru import logger

from config.celery import CANCEL_ORDER, POLL_ORDERS, SETTLE_ORDER, placing_task
from config.logging import setup_logging
from domain.order_state import OrderStatus
from domain.orders import Lane
from models.unit import StoreError
from services.due import DueOrder, take_due, take_due_cancels
from services.leases import drop_lease, take_lease
from services.process_record import STARTED, STOPPED
from tasks.context import Context, context
from tasks.waiting import wait_for_dependencies
from tasks.watching import Watch

PAUSE_S = 0.25
LEASE_S = 5
BATCH = 200
DEEP_QUEUE = 2000
POLL_EVERY_MS = 1000  # two requests each: twice as often would take more than the 200 a minute of an account


def main() -> int:
    """Run until SIGTERM."""
    ctx = context()
    setup_logging(ctx.settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    watch = Watch(ctx)
    watch.start()
    if wait_for_dependencies(ctx, stop):
        ctx.tell(STARTED)
        ctx.live.start()
        logger.info("Relay started")
        while not stop.is_set():
            tick(ctx)
            stop.wait(PAUSE_S)
        _let_go(ctx)
        ctx.tell(STOPPED)
    watch.stop()
    ctx.live.stop()
    ctx.hints.close()
    ctx.database.dispose()
    return 0


def tick(ctx: Context) -> int:
    """Hint what is due; return how many hints left. A database that is away is waited for, never died of."""
    try:
        depths = {lane: ctx.hints.depth(placing_task(lane)) for lane in Lane}
        if None in depths.values():
            return 0  # Redis is away: the rows stay due
        with ctx.database.unit() as unit:
            if not take_lease(unit, "relay", ctx.origin.process, LEASE_S):
                return 0
            # a queue that nobody empties must keep neither the other lane nor unknown and working orders waiting
            placing = [lane for lane, depth in depths.items() if depth is not None and depth <= DEEP_QUEUE]
            due = take_due(unit, BATCH, placing=placing)
            cancels = take_due_cancels(unit, BATCH)
    except StoreError as error:
        logger.warning("Relay waits for the database: {}", type(error).__name__)
        return 0
    hints = [(CANCEL_ORDER, str(order)) for order in cancels] + hints_for(due)
    return sum(_publish(ctx, task, argument) for task, argument in hints)


def hints_for(due: Iterable[DueOrder]) -> list[tuple[str, str]]:
    """Return the task and argument for each due order; polls are one an account."""
    hints: dict[tuple[str, str], None] = {}
    for order in due:
        if order.status is OrderStatus.REQUESTED:
            hints[placing_task(order.lane), str(order.order_id)] = None
        elif order.status in {OrderStatus.SUBMITTING, OrderStatus.UNKNOWN}:
            hints[SETTLE_ORDER, str(order.order_id)] = None
        else:
            hints[POLL_ORDERS, str(order.account_id)] = None
    return list(hints)


def _publish(ctx: Context, task: str, argument: str) -> bool:
    if task == POLL_ORDERS:  # one poll asks for all orders of the account that are due
        ctx.hints.hint(task, argument, every_ms=POLL_EVERY_MS)
        return True
    return ctx.hints.publish(task, [argument])


def _let_go(ctx: Context) -> None:
    try:
        with ctx.database.unit() as unit:
            drop_lease(unit, "relay", ctx.origin.process)
    except StoreError:
        logger.info("The relay's lease runs out by itself")


if __name__ == "__main__":
    sys.exit(main())
