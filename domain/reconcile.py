"""What a comparison with the broker concludes: pure, from our orders and what was listed (R12, R14, R17, R19)."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from domain.broker import BrokerOrder
from domain.order_state import TERMINAL, WORKING, OrderStatus


@dataclass(frozen=True, slots=True)
class OurOrder:
    """An order as our record has it; `given_up` when it was rejected while nobody knew whether it had arrived (R12)."""

    order_id: uuid.UUID
    status: OrderStatus
    broker_client_id: str
    broker_order_id: str | None
    filled_qty: Decimal
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """`told`: the broker says more than we have; `missing`: ours, to be asked for singly; the others by their names."""

    told: tuple[tuple[OurOrder, BrokerOrder], ...] = ()
    missing: tuple[OurOrder, ...] = ()
    external: tuple[BrokerOrder, ...] = ()
    reappeared: tuple[tuple[OurOrder, BrokerOrder], ...] = ()


def compare(ours: Iterable[OurOrder], listed: Iterable[BrokerOrder], *, fresh: Collection[str]) -> Comparison:
    """Compare our orders with the broker's; `fresh` are the broker's ids of orders with fills that we lack.

    What is submitting, unknown or quarantined is left to those who settle it.
    """
    known = {order.broker_client_id: order for order in ours}
    pairs = [(known[order.client_order_id], order) for order in listed if order.client_order_id in known]
    strange = [order for order in listed if order.client_order_id not in known]
    seen = {order.order_id for order, _ in pairs}
    return Comparison(
        told=tuple((order, said) for order, said in pairs if _says_more(order, said, fresh)),
        missing=tuple(o for o in known.values() if o.status in WORKING and o.order_id not in seen),
        external=tuple(strange),
        reappeared=tuple((order, said) for order, said in pairs if order.given_up and said.status in WORKING),
    )


def _says_more(order: OurOrder, said: BrokerOrder, fresh: Collection[str]) -> bool:
    if order.status not in WORKING | TERMINAL:
        return False
    has_ended = order.status in WORKING and said.status in TERMINAL
    return has_ended or said.broker_order_id in fresh or said.filled_qty > order.filled_qty


class Word(Enum):
    """What is done about a difference of what is held."""

    LEAVE = "leave"  # an order or a fill is about to explain it: seen anew from the beginning
    REMEMBER = "remember"  # seen once
    CORRECT = "correct"  # seen twice, the same


@dataclass(frozen=True, slots=True)
class HoldingDifference:
    """A symbol of which ledger and broker say different quantities; `seen` is the pair that the read before saw."""

    symbol: str
    ledger_qty: Decimal
    broker_qty: Decimal
    price: Decimal | None
    is_in_flight: bool
    has_filled: bool
    seen: tuple[Decimal, Decimal] | None


def judge(difference: HoldingDifference) -> Word:
    """Return what is done: corrected is only what nothing in flight explains and two reads agree on (R19)."""
    if difference.is_in_flight or difference.has_filled:
        return Word.LEAVE
    if difference.seen == (difference.ledger_qty, difference.broker_qty):
        return Word.CORRECT
    return Word.REMEMBER
