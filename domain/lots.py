"""Lots: a position from the move that opened it to the one that closed it, folded from fills and corrections (R20).

The entry price is the average cost, as brokers state it: what is added moves it, what is taken away does not.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from domain.money import ZERO

_PRICE = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class LotMove:
    """A change of what is held: negative when sold; USD a share or unit, None where nobody knows.

    `auto_sell` is what the order says of the lot that it opens or adds to, None where it says nothing.
    """

    qty: Decimal
    price: Decimal | None
    at: dt.datetime
    auto_sell: bool | None = None


@dataclass(frozen=True, slots=True)
class FoldedLot:
    """What is held now, since when, at what cost, and what the last order that added to it says of its sale."""

    qty: Decimal
    entry_price: Decimal | None
    opened_at: dt.datetime
    auto_sell: bool | None


def fold(moves: Iterable[LotMove]) -> FoldedLot | None:
    """Return the open lot that moves in the order of their times leave, None when nothing is held."""
    lot: FoldedLot | None = None
    for move in sorted(moves, key=lambda one: one.at):
        lot = _after(lot, move)
    return lot


def _after(lot: FoldedLot | None, move: LotMove) -> FoldedLot | None:
    if move.qty == 0:
        return lot
    if lot is None:
        return FoldedLot(move.qty, move.price, move.at, move.auto_sell)
    qty = lot.qty + move.qty
    if qty == 0:
        return None
    if (qty > 0) != (lot.qty > 0):  # through zero: what is left is another lot
        return FoldedLot(qty, move.price, move.at, move.auto_sell)
    if (move.qty > 0) != (lot.qty > 0):
        return FoldedLot(qty, lot.entry_price, lot.opened_at, lot.auto_sell)
    said = lot.auto_sell if move.auto_sell is None else move.auto_sell
    return FoldedLot(qty, _average(lot, move), lot.opened_at, said)


def _average(lot: FoldedLot, move: LotMove) -> Decimal | None:
    if lot.entry_price is None or move.price is None:
        return lot.entry_price if move.price is None else move.price
    cost = lot.qty * lot.entry_price + move.qty * move.price
    return (cost / (lot.qty + move.qty)).quantize(_PRICE)


def unrealized(qty: Decimal, entry_price: Decimal | None, price: Decimal, multiplier: Decimal) -> Decimal | None:
    """Return what closing at `price` would bring in USD, None without an entry price (US-SYSTEM-003)."""
    return None if entry_price is None else (price - entry_price) * qty * multiplier


def is_same(opened_at: dt.datetime, is_short: bool, lot: FoldedLot) -> bool:  # noqa: FBT001  named by both callers
    """Return whether a lot that was opened then is this one still: nothing closed it in between."""
    return lot.opened_at <= opened_at and is_short == (lot.qty < ZERO)
