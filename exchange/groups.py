"""Orders that belong together: an entry with the exits that it triggers, and exits of which one cancels the other."""

from decimal import Decimal

from exchange.decimals import ZERO
from exchange.holdings import release
from exchange.state import Account, Order

_ENTRIES = frozenset({"bracket", "oto"})


def is_entry(order: Order) -> bool:
    """Whether exits wait for the order to fill."""
    return bool(order.legs) and order.order_class in _ENTRIES


def open_others(account: Account, order: Order) -> list[Order]:
    """Give what is open of the order's group, without itself."""
    if not order.order_class:
        return []
    head = order if order.parent is None else account.orders[order.parent]
    return [account.orders[key] for key in (head.id, *head.legs) if key != order.id and key in account.open_orders]


def activate(account: Account, leg: Order, at_ns: int) -> None:
    """Let an exit work: its entry has filled. Of two exits the first holds the shares, for both."""
    leg.status, leg.updated_ns = "new", at_ns
    head = account.orders[leg.parent or leg.id]
    if leg.side == "sell" and leg.id == head.legs[0]:
        free = account.owned(leg.symbol) - account.held.get(leg.symbol, ZERO)
        leg.hold = leg.hold_left = min(leg.leaves, max(free, ZERO))
        account.held[leg.symbol] = account.held.get(leg.symbol, ZERO) + leg.hold


def shrink(account: Account, order: Order, qty: Decimal, at_ns: int) -> None:
    """Take what another exit of the group has traded off this one."""
    if order.qty is not None:
        order.qty -= qty
    release(account, order, qty)
    order.updated_ns = at_ns


def take_place(account: Account, new: Order, old: Order) -> None:
    """Put a replacement into the group of the order that it replaces."""
    new.order_class, new.parent, new.legs = old.order_class, old.parent, old.legs
    if old.parent is not None:
        legs = account.orders[old.parent].legs
        legs[legs.index(old.id)] = new.id
    for key in new.legs:
        account.orders[key].parent = new.id
