"""The sweep as a task: by beat, every two seconds; a second one finds the rows locked (CFG-002)."""

from loguru import logger

from config.celery import CANCEL_ORDER, SWEEP_ORDERS
from services.order_sweep import sweep_orders
from tasks.app import app
from tasks.context import Context, context


@app.task(name=SWEEP_ORDERS)
def sweep() -> None:
    """Ask for the end of the orders whose time is over."""
    sweep_due(context())


def sweep_due(ctx: Context) -> int:
    """Sweep once and hint the requests; return how many orders were swept. The relay hints what this cannot."""
    with ctx.database.unit() as unit:
        swept = sweep_orders(unit, now=ctx.clock.now(), origin=ctx.origin)
    for order in swept:
        logger.info(
            "Order {} has worked long enough ({:.1f} s over): its end is asked for", order.order_id, order.late_s
        )
        ctx.hints.hint(CANCEL_ORDER, str(order.order_id))
    return len(swept)
