"""What an execution does to an account: cash, position, what the order had reserved, and the record of it."""

import uuid
from decimal import Decimal

from exchange.clock import activity_stamp
from exchange.decimals import ZERO, rounded
from exchange.options import MULTIPLIER, Contract
from exchange.state import OPEN, Account, Activity, Fill, Movement, Order, Position

_SHARE = Decimal(1)
_EXACT = 9
"""Decimals of a part of a cost: thirds have no end, and the last part takes what is left."""


def release(account: Account, order: Order, qty: Decimal) -> None:
    """Give back what `qty` of the order had reserved; the last part gives back all that is left, to the digit."""
    ends = order.status not in OPEN
    reserve = order.reserve_left if ends else rounded(order.reserve * qty / (order.qty or qty), _EXACT)
    hold = order.hold_left if ends else min(order.hold_left, qty)
    order.reserve_left -= reserve
    account.reserved -= reserve
    if hold:
        order.hold_left -= hold
        account.held[order.symbol] -= hold


def trade(account: Account, symbol: str, signed_qty: Decimal, price: Decimal, *, multiplier: Decimal) -> None:
    """Move cash and position; `signed_qty` is negative for a sell."""
    account.cash -= signed_qty * price * multiplier
    _move(account, symbol, signed_qty, price, multiplier=multiplier)


def _move(account: Account, symbol: str, signed_qty: Decimal, price: Decimal, *, multiplier: Decimal) -> None:
    position = account.positions.get(symbol)
    if position is None:
        position = account.positions[symbol] = Position(symbol, multiplier)
    closing = ZERO
    if position.qty * signed_qty < 0:
        closing = (
            max(min(signed_qty, -position.qty), -position.qty) if signed_qty < 0 else min(signed_qty, -position.qty)
        )
        position.cost += rounded(position.cost * closing / position.qty, _EXACT)
    position.qty += signed_qty
    position.cost += (signed_qty - closing) * price * multiplier
    if not position.qty:
        del account.positions[symbol]


def record_fill(account: Account, order: Order, fill_id: str, *, qty: Decimal, price: Decimal, at_ns: int) -> None:
    """Remember an execution that `trade` has carried out."""
    activity_id = f"{activity_stamp(at_ns)}::{fill_id}"
    leaves, side, symbol = order.leaves, order.side, order.symbol
    fill = Fill(activity_id, order.id, symbol, side, qty, price, order.filled_qty, leaves, at_ns, order.multiplier)
    _remember(account, fill)


def pay(account: Account, amount: Decimal, at_ns: int) -> None:
    """Pay money in, or out when negative (USD)."""
    account.cash += amount
    kind = "CSD" if amount > 0 else "CSW"
    _remember(account, Movement(_id(account, at_ns, kind), kind, at_ns, amount))


def grant(
    account: Account, symbol: str, signed_qty: Decimal, price: Decimal, *, multiplier: Decimal, at_ns: int
) -> None:
    """Move a position in from elsewhere, or out when negative, at a cost of `price` (USD a share) and for no cash."""
    _move(account, symbol, signed_qty, price, multiplier=multiplier)
    _remember(account, Movement(_id(account, at_ns, "JNLS"), "JNLS", at_ns, ZERO, symbol, signed_qty, multiplier))


def exercise(account: Account, contract: Contract, contracts: Decimal, at_ns: int) -> None:
    """Turn long options into their stock at the strike, bought by a call and sold by a put.

    What was paid for the options is realized as lost, and the stock's cost is the strike.
    """
    shares = shares_of(contract, contracts)
    trade(account, contract.symbol, -contracts, ZERO, multiplier=MULTIPLIER)
    trade(account, contract.underlying, shares, contract.strike, multiplier=_SHARE)
    gone, come = _id(account, at_ns, "OPEXC"), _id(account, at_ns, "OPTRD")
    cash, stock = -shares * contract.strike, contract.underlying
    _remember(account, Movement(gone, "OPEXC", at_ns, ZERO, contract.symbol, -contracts, MULTIPLIER))
    _remember(account, Movement(come, "OPTRD", at_ns, cash, stock, shares))


def shares_of(contract: Contract, contracts: Decimal) -> Decimal:
    """Give the shares that exercising brings, negative where it takes them."""
    return contracts * MULTIPLIER * (1 if contract.right == "C" else -1)


def _id(account: Account, at_ns: int, kind: str) -> str:
    return f"{activity_stamp(at_ns)}::{uuid.uuid5(uuid.NAMESPACE_OID, f'{account.id}{kind}{at_ns}')}"


def _remember(account: Account, activity: Activity) -> None:
    account.activity_index[activity.id] = len(account.activities)
    account.activities.append(activity)
