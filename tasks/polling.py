"""Asking the broker about an account's working orders: one list, one page of fills, item by item (R14-R16)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from loguru import logger

from brokers.protocol import Broker, BrokerUnavailable
from brokers.registry import NoSuchBroker
from config.celery import CHECK_BALANCE
from domain.broker import BrokerFill, BrokerOrder
from domain.order_state import TERMINAL
from services.fills import Polled, apply_poll, due_for_poll
from tasks.context import Context

OVERLAP = dt.timedelta(seconds=5)
CLOCK_SLACK = dt.timedelta(seconds=60)  # the mark is by our clock, fills by the broker's
SINGLE_READS = 20


def poll_account(ctx: Context, account_id: uuid.UUID) -> None:
    """Poll the account's due orders; what the budget or the broker does not allow now stays due."""
    with ctx.database.statement() as unit:
        polled = due_for_poll(unit, account_id)
        name = unit.row("SELECT name FROM trading.accounts WHERE account_id = %(id)s", {"id": account_id})
    if not polled or name is None or ctx.budget.take(name.name, 2):
        return
    asked_at = ctx.clock.now()
    try:
        broker = ctx.broker(name.name)
        orders, polled = _orders(ctx, broker, name.name, polled)
        fills = _fills(broker, polled, orders)
    except (BrokerUnavailable, NoSuchBroker) as error:
        logger.warning("Poll of {} put off: {}", name.name, error)
        return
    if _apply(ctx, polled, orders, fills, asked_at=asked_at):
        ctx.hints.hint(CHECK_BALANCE, str(account_id))


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


def _apply(
    ctx: Context,
    polled: Sequence[Polled],
    orders: dict[str, BrokerOrder],
    fills: dict[str, list[BrokerFill]],
    *,
    asked_at: dt.datetime,
) -> bool:
    ended = False
    for order in polled:
        with ctx.database.unit() as unit:
            status = apply_poll(
                unit,
                order,
                orders.get(order.broker_order_id),
                fills.get(order.broker_order_id, []),
                now=asked_at,
                ids=ctx.ids,
                origin=ctx.origin,
            )
        ended = ended or status in TERMINAL
    return ended
