"""What a reconcile reads at the broker: all of it, or nothing follows (R14)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from brokers.protocol import Broker, BrokerUnavailable
from brokers.rate_budget import Purpose
from domain.broker import BrokerFill, BrokerOrder, BrokerPosition
from services.reconcile import Begun, renew, unknown_fills
from tasks.context import Context

T = TypeVar("T")

SINGLE_READS = 20
_RENEWED_MS = 5000


@dataclass
class Reading:
    """Positions, orders and new fills of an account; `network_ms` is the time on the wire of all its requests.

    `unread` counts orders with new fills that one reconcile has no requests for: the next one goes on with them.
    `kept_ms` is when the account was last kept from others, by the monotonic clock.
    """

    broker: Broker
    kept_ms: float  # float: milliseconds
    positions: list[BrokerPosition] = field(default_factory=list)
    orders: dict[str, BrokerOrder] = field(default_factory=dict)
    fills: dict[str, list[BrokerFill]] = field(default_factory=dict)
    network_ms: float = 0.0
    requests: int = 0
    unread: int = 0


def read_broker(ctx: Context, begun: Begun) -> Reading:
    """Read the account. Raises BrokerUnavailable, also without budget, and NoSuchBroker.

    Positions come first: whatever they show, the orders and fills that are read after them explain it.
    """
    section, broker = ctx.brokers.connection(begun.account)
    if section.identity != begun.identity:
        raise BrokerUnavailable("account_changed", "the account's endpoint or key was changed")
    reading = Reading(broker, ctx.clock.monotonic_ms())
    reading.positions = list(asked(ctx, begun, reading, broker.positions))
    listed = [
        *asked(ctx, begun, reading, lambda: broker.every_order_after(begun.since)),
        *asked(ctx, begun, reading, broker.open_orders),
    ]
    reading.orders = {order.broker_order_id: order for order in listed}
    fills = asked(ctx, begun, reading, lambda: broker.fills_after(begun.since))
    with ctx.database.statement() as unit:
        new = unknown_fills(unit, begun.account_id, fills)
    for fill in new:
        reading.fills.setdefault(fill.broker_order_id, []).append(fill)
    unlisted = [found for found in reading.fills if found not in reading.orders]
    reading.unread = max(0, len(unlisted) - SINGLE_READS)
    for broker_order_id in unlisted[:SINGLE_READS]:
        _read_one(ctx, begun, reading, broker_order_id)
    return reading


def asked(
    ctx: Context, begun: Begun, reading: Reading, call: Callable[[], T], *, purpose: Purpose = Purpose.UPKEEP
) -> T:
    """Return the answer to one request, within the account's budget and while the account is this reconcile's."""
    _keep(ctx, begun, reading)
    if ctx.budget.take(begun.account, purpose=purpose):
        raise BrokerUnavailable("rate_budget", "no request left in this minute's budget")
    answer = call()
    reading.requests += 1
    reading.network_ms += reading.broker.wire_time().network_ms or 0
    return answer


def _read_one(ctx: Context, begun: Begun, reading: Reading, broker_order_id: str) -> None:
    order = asked(ctx, begun, reading, lambda: reading.broker.order_by_id(broker_order_id))
    if order is not None:
        reading.orders[broker_order_id] = order


def _keep(ctx: Context, begun: Begun, reading: Reading) -> None:
    now_ms = ctx.clock.monotonic_ms()
    if now_ms - reading.kept_ms < _RENEWED_MS:
        return
    with ctx.database.statement() as unit:
        if not renew(unit, begun):
            raise BrokerUnavailable("overtaken", "another reconcile of the account has begun: this one took too long")
    reading.kept_ms = now_ms
