"""What an order costs, in USD (ACC-002, R17)."""

from decimal import ROUND_UP, Decimal

from domain.orders import OrderTerms, OrderType, Side

ZERO = Decimal(0)
_SMALLEST = Decimal("0.00000001")
_SMALLEST_SHARE = Decimal("0.000000001")
_CENT_PERCENT = Decimal(100)
MOST = Decimal(999_999_999_999)
"""The largest amount the tables hold (USD)."""

# Alpaca sends a stop buy as a stop-limit order so far above its stop: https://docs.alpaca.markets/docs/orders-at-alpaca
_STOP_COLLAR, _STOP_COLLAR_CHEAP, _CHEAP = Decimal("0.025"), Decimal("0.04"), Decimal(50)
_NEEDS_ASK = {OrderType.MARKET, OrderType.TRAILING_STOP}


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


def needs_ask(order_type: OrderType) -> bool:
    """Return whether the cost of such an order is judged by the market's price."""
    return order_type in _NEEDS_ASK


def price_at_most(terms: OrderTerms, *, ask: Decimal | None, collar: Decimal) -> Decimal | None:
    """Return the worst price (USD) a fill of the order may have, None while the market's price is needed and unknown.

    A limit holds; a stop buy ends a bounded step above its stop; a trailing stop follows at most from today's ask.
    """
    if terms.limit_price is not None:
        return terms.limit_price
    if terms.stop_price is not None:
        step = _STOP_COLLAR_CHEAP if terms.stop_price < _CHEAP else _STOP_COLLAR
        return terms.stop_price * (1 + max(collar, step))
    if ask is None:
        return None
    if terms.trail_percent is not None:
        ask *= 1 + terms.trail_percent / _CENT_PERCENT
    return (ask + (terms.trail_price or ZERO)) * (1 + collar)


def order_cost(
    terms: OrderTerms, *, multiplier: Decimal, ask: Decimal | None, collar: Decimal, held_qty: Decimal
) -> Decimal | None:
    """Return what the order may cost in USD, or None when there is no price to judge it by.

    Quantity times the worst price, or the notional value. A sell of what is held costs nothing; the part of a sell
    beyond the holding is costed like a buy.
    """
    price = price_at_most(terms, ask=ask, collar=collar)
    held = max(ZERO, held_qty)
    if terms.qty is None:
        return _notional_cost(terms, None if ask is None else ask * (1 - collar), held)
    exposed = terms.qty if terms.side is Side.BUY else max(ZERO, terms.qty - held)
    if exposed == 0:
        return ZERO
    return None if price is None else exposed * price * multiplier


def most_shares(terms: OrderTerms, *, ask: Decimal | None, collar: Decimal) -> Decimal | None:
    """Return how many shares a sell by notional value may take, rounded up, None without a price (R19).

    The price may fall by the collar before it trades.
    """
    if terms.notional is None or ask is None or collar >= 1:
        return None
    return (terms.notional / (ask * (1 - collar))).quantize(_SMALLEST_SHARE, rounding=ROUND_UP)


def _notional_cost(terms: OrderTerms, price: Decimal | None, held: Decimal) -> Decimal | None:
    """Return what an order by notional value may cost; what is held counts at `price`, which it may have fallen to."""
    notional = terms.notional or ZERO
    if terms.side is Side.BUY:
        return notional
    return None if price is None else max(ZERO, notional - held * price)
