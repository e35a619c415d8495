"""Asking the broker about an account's working orders: one list, one page of fills, item by item (R14-R16)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from loguru import logger

from brokers.protocol import Broker, BrokerUnavailable
from brokers.registry import NoSuchBroker
from config import log_context
from config.celery import CHECK_BALANCE
from config.logging import log_operation
from domain.broker import BrokerFill, BrokerOrder
from domain.order_state import TERMINAL, OrderEvent, OrderStatus
from domain.orders import plain
from domain.timing import OrderLine, Step
from models.unit import StoreAway, StoreError
from services.fills import Heard, Polled, Told, apply_poll, due_for_poll
from tasks.context import Context
from tasks.stopwatch import Stopwatch

OVERLAP = dt.timedelta(seconds=2)  # what our clock and the broker's may differ by before orders are read singly
CLOCK_SLACK = dt.timedelta(seconds=60)  # the mark is by our clock, fills by the broker's
SINGLE_READS = 20
CHECK_EVERY_MS = 1000


def poll_account(ctx: Context, account_id: uuid.UUID) -> None:
    """Poll the account's due orders; what the budget or the broker does not allow now stays due."""
    with ctx.database.statement() as unit:
        account, polled = due_for_poll(unit, account_id)
    if account is None or ctx.budget.take(account, 2):
        return
    log_context.add(account=account)
    watch = Stopwatch(ctx.clock)
    try:
        broker = ctx.broker(account)
        orders, polled = _orders(ctx, broker, account, polled)
        fills = _fills(broker, polled, orders)
    except (BrokerUnavailable, NoSuchBroker) as error:
        logger.warning("Poll of {} put off: {}", account, error)
        return
    told = [Told(order, orders.get(order.broker_order_id), fills.get(order.broker_order_id, [])) for order in polled]
    heard: list[Heard] = []
    if _apply(ctx, told, heard, asked_at=watch.started_at):
        ctx.hints.hint(CHECK_BALANCE, str(account_id), every_ms=CHECK_EVERY_MS)
    network_ms = broker.wire_time().network_ms
    for one in heard:
        log_heard(account, one, watch.elapsed_ms, network_ms)


def log_heard(account: str, heard: Heard, total_ms: float, network_ms: float | None) -> None:
    """Write the line of what a poll has told: `total_ms` is that of the poll, `network_ms` of its last request."""
    order, event = heard.order, heard.event
    size = f"${plain(order.notional)}" if order.qty is None else plain(order.qty)
    line = OrderLine(
        step=Step(event.event_type.value),
        side=order.side,
        symbol=order.symbol,
        size=event.detail.get("qty", size),
        price=event.detail.get("price"),
        order_id=str(order.order_id),
        total_ms=total_ms,
        network_ms=network_ms,
        account=account,
        account_type=order.account_type,
        source=order.source,
        error="broker_rejected" if event.event_type is OrderEvent.REJECTED else None,
    )
    log_operation(line, trace_id=order.trace_id)


def _orders(
    ctx: Context, broker: Broker, account: str, polled: Sequence[Polled]
) -> tuple[dict[str, BrokerOrder], list[Polled]]:
    """Return the broker's orders by their id, and those of ours that were asked for.

    One that the list does not hold is asked for singly (R14), within the budget; the rest stay due, so that they come
    first the next time instead of never.
    """
    listed = broker.orders_after(min(order.submitted_at for order in polled) - OVERLAP)
    orders = {order.broker_order_id: order for order in listed}
    asked = [order for order in polled if order.broker_order_id in orders]
    missing = [order for order in polled if order.broker_order_id not in orders]
    for order in missing[:SINGLE_READS]:
        if ctx.budget.take(account):
            break
        found = broker.find_order(order.broker_client_id)
        asked.append(order)
        if found is not None:
            orders[found.broker_order_id] = found
    return orders, asked


def _fills(broker: Broker, polled: Sequence[Polled], orders: dict[str, BrokerOrder]) -> dict[str, list[BrokerFill]]:
    """Return new fills by the broker's order id, read from where the first order that has some knew all of its own."""
    wanted = [
        _unread_since(order, orders[order.broker_order_id])
        for order in polled
        if order.broker_order_id in orders and orders[order.broker_order_id].filled_qty > order.filled_qty
    ]
    found: dict[str, list[BrokerFill]] = {}
    if wanted:
        for fill in broker.fills_after(min(wanted) - OVERLAP):
            found.setdefault(fill.broker_order_id, []).append(fill)
    return found


def _unread_since(order: Polled, told: BrokerOrder) -> dt.datetime:
    """Return from when this order's fills may be missing: an order of last week is not read from last week on."""
    created = told.created_at or order.submitted_at
    return created if order.fills_known_at is None else max(created, order.fills_known_at - CLOCK_SLACK)


def _apply(ctx: Context, told: Sequence[Told], heard: list[Heard], *, asked_at: dt.datetime) -> bool:
    """Write what was told, many orders in one go, and add what was new to `heard`; return whether one has ended.

    What is left over is written one by one: orders that somebody else was writing, those that were replaced (their
    replacement is another row to lock), and all of them when one spoils the lot.
    """
    together = [one for one in told if one.order is None or one.order.status is not OrderStatus.REPLACED]
    after = _write(ctx, together, heard, asked_at=asked_at, wait=False) if len(together) > 1 else {}
    for one in told:
        if one.polled.order_id not in after:
            after |= _write(ctx, [one], heard, asked_at=asked_at, wait=True)
    return any(status in TERMINAL for status in after.values())


def _write(
    ctx: Context, told: Sequence[Told], heard: list[Heard], *, asked_at: dt.datetime, wait: bool
) -> dict[uuid.UUID, OrderStatus]:
    new: list[Heard] = []
    try:
        with ctx.database.unit() as unit:
            after = apply_poll(unit, told, now=asked_at, ids=ctx.ids, origin=ctx.origin, wait=wait, heard=new)
    except StoreAway:
        raise  # the database is away, or too busy: all of them stay due
    except StoreError as error:
        names = ", ".join(str(one.polled.order_id) for one in told)
        logger.error("What the broker told of {} could not be written: {}", names, type(error).__name__)
        return {}
    heard += new
    return after
