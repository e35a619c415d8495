"""Take profit and stop loss, as multiples of what was paid (`sell_module.strategy_one`, US-SYSTEM-003).

Exact: a price is compared with a product, and nothing is divided. At 1.1 a price of exactly +10 % is a profit, at 0.8
one of exactly -20 % is a loss. A short is the mirror: 1.1 takes its profit at -10 %, 0.8 stops it at +20 %.
"""

from collections.abc import Mapping
from decimal import Decimal

from domain.exits import ExitReason, ExitRules, Mark, Moment, OpenLot, Trigger
from domain.orders import plain

_BOTH_SIDES = 2  # a short's level lies as far from the entry price as a long's, on the other side


def strategy_one(lot: OpenLot, mark: Mark, _moment: Moment, rules: ExitRules) -> Trigger | None:
    """Speak at or past a threshold; without an entry price there is nothing to compare with."""
    entry, price = lot.entry_price, mark.price
    if entry is None or entry <= 0:
        return None
    for reason, rate in ((ExitReason.TAKE_PROFIT, rules.profit_rate), (ExitReason.STOP_LOSS, rules.stop_loss_rate)):
        if rate is None:
            continue
        level = entry * (_BOTH_SIDES - rate if lot.is_short else rate)
        is_above = (reason is ExitReason.TAKE_PROFIT) is not lot.is_short
        if price >= level if is_above else price <= level:
            return _trigger(reason, {"price": price, "entry_price": entry, "rate": rate, "level": level})
    return None


def _trigger(reason: ExitReason, numbers: Mapping[str, Decimal]) -> Trigger:
    inputs = {name: plain(number) for name, number in numbers.items()}
    return Trigger(
        reason, "{price} has reached {level}: entry price {entry_price}, rate {rate}".format(**inputs), inputs
    )
