"""An entry whose broker does not work: due again later, and refused once its time is over (R26)."""

import uuid

from brokers.breaker import Gate
from config.celery import CHECK_BALANCE
from config.logging import log_operation
from domain.order_state import OrderEvent
from domain.orders import OrderTerms
from domain.timing import OrderLine, Step
from services.order_claim import Brief, defer
from services.order_hold import UNAVAILABLE, give_up
from services.order_transition import After, Event
from tasks.context import Context
from tasks.stopwatch import Stopwatch


def hold_entry(ctx: Context, order_id: uuid.UUID, brief: Brief, *, gate: Gate, watch: Stopwatch) -> float | None:
    """Put the order off until the breaker's pause or its own time is over; past that, reject it.

    Return the seconds after which it is worth another hint, None when the order has ended. Whoever comes first after
    the pause has the account read: an answer closes the breaker, and the entries are woken.
    """
    if gate.is_probe:
        ctx.hints.hint(CHECK_BALANCE, str(brief.account_id))
    is_over = brief.left_s <= 0
    wait_s = min(gate.wait_s, max(brief.left_s, 0) + 0.1)
    event = Event(
        OrderEvent.REJECTED if is_over else OrderEvent.DEFERRED,
        "claim",
        watch.now(),
        success=False,
        started_at=watch.started_at if is_over else None,
        total_ms=watch.elapsed_ms if is_over else None,
        reason_code=UNAVAILABLE,
        reason="the broker has not answered call after call: entries wait until it does, or until their time is over",
        detail={} if is_over else {"retry_in_s": round(wait_s, 3)},
    )
    with ctx.database.statement() as unit:
        if not is_over:
            defer(unit, order_id, event, wait=After(wait_s), origin=ctx.origin)
            return wait_s
        refused = give_up(unit, order_id, event, origin=ctx.origin)
    if refused is not None:
        _log(order_id, brief, refused, watch)
    return None


def _log(order_id: uuid.UUID, brief: Brief, terms: OrderTerms, watch: Stopwatch) -> None:
    line = OrderLine(
        step=Step.PLACE,
        side=terms.side,
        symbol=terms.symbol,
        size=terms.size,
        order_id=str(order_id),
        total_ms=watch.elapsed_ms,
        network_ms=None,
        account=brief.account,
        account_type=brief.account_type,
        source=brief.source,
        error=UNAVAILABLE,
    )
    log_operation(line)
