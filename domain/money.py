"""What an order costs, in USD (ACC-002, R17)."""

from decimal import ROUND_UP, Decimal

from domain.orders import OrderTerms, Side

ZERO = Decimal(0)
_SMALLEST = Decimal("0.00000001")
MOST = Decimal(999_999_999_999)
"""The largest amount the tables hold (USD)."""


def open_part(reserved: Decimal, *, qty: Decimal, filled_before: Decimal, filled_now: Decimal) -> Decimal:
    """Return what of a reservation (USD) still belongs to the open part after more of the order filled (R17).

    Rounded up to what the tables hold, so that many small fills never free a cent too much.
    """
    left_before, left_now = qty - filled_before, max(ZERO, qty - filled_now)
    if left_before <= 0 or left_now == 0:
        return ZERO
    return (reserved * left_now / left_before).quantize(_SMALLEST, rounding=ROUND_UP)


def spent_on(side: str, *, qty: Decimal, price: Decimal, multiplier: Decimal) -> Decimal:
    """Return what a fill took from the cash, in USD; a sell takes nothing."""
    return qty * price * multiplier if side == Side.BUY else ZERO


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
