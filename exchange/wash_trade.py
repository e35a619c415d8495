"""The wash-trade rule: an order that could trade against one of the account's own is refused.

Market and stop orders stand against anything on the other side; limits against limits that they would meet. Trailing
stops and orders with exits are exempt.
"""

from exchange import errors
from exchange.order_form import OrderForm
from exchange.state import Account, Order

_UNBOUNDED = frozenset({"market", "stop"})
_EXEMPT = "trailing_stop"


def check_wash_trade(account: Account, form: OrderForm, without: Order | None = None) -> None:
    """Refuse a form that an open order of the other side stands against; raises ApiError 403 naming that order."""
    if form.type == _EXEMPT or form.order_class:
        return
    for order in account.open_orders.values():
        if order is without or order.symbol != form.symbol or order.side == form.side:
            continue
        if order.type == _EXEMPT or order.order_class:
            continue
        if order.type in _UNBOUNDED:
            raise errors.wash_trade(order.id, "market/stop")
        if form.type in _UNBOUNDED or _meet(form, order):
            raise errors.wash_trade(order.id, "limit")


def _meet(form: OrderForm, order: Order) -> bool:
    buy, sell = (form, order) if form.side == "buy" else (order, form)
    return buy.limit_price is not None and sell.limit_price is not None and buy.limit_price >= sell.limit_price
