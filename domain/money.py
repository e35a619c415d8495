"""What an order costs, in USD (ACC-002, R17)."""

from decimal import Decimal

from domain.orders import OrderTerms, Side

ZERO = Decimal(0)
MOST = Decimal(999_999_999_999)
"""The largest amount the tables hold (USD)."""


def order_cost(
    terms: OrderTerms, *, multiplier: Decimal, ask: Decimal | None, collar: Decimal, held_qty: Decimal
) -> Decimal | None:
    """Return what the order may cost in USD, or None when a market buy has no price to be judged by.

    Limit orders cost their limit; market orders the ask plus `collar` (0.02 is 2 %). A sell of what is held costs
    nothing; the part of a sell beyond the holding is costed like a buy, at its limit or the ask.
    """
    exposed = terms.qty if terms.side is Side.BUY else max(ZERO, terms.qty - max(ZERO, held_qty))
    if exposed == 0:
        return ZERO
    price = terms.limit_price
    if price is None:
        if ask is None:
            return None
        price = ask * (1 + collar)
    return exposed * price * multiplier
