"""What the market says of a symbol, and whether a position may be judged by it: pure (TRD-002, US-SYSTEM-003).

A reading becomes a price to judge by, or the reason why it is none: never both, never a guess.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.exits import Mark

AHEAD = dt.timedelta(seconds=5)
"""A price from further in the future than two clocks may differ is as useless as an old one."""
CLOSEST = Decimal("0.05")
"""USD: the larger of the steps in which cheap options are quoted. A quote so close is not wide, however small it is."""


class PriceFailure(StrEnum):
    """Why a symbol has no price to judge by; counted by type, and never a sale (MON-002)."""

    MISSING = "missing"  # the broker knows nothing of the symbol
    STALE = "stale"
    CROSSED = "crossed"  # bid above ask
    ONE_SIDED = "one_sided"  # nobody bids, or nobody offers
    WIDE = "wide"  # further apart than `max_spread` of their middle, and than one step
    UNREADABLE = "unreadable"
    UNAVAILABLE = "unavailable"  # the broker did not answer


@dataclass(frozen=True, slots=True)
class QuoteReading:
    """The last quote: USD a share or unit of the underlying, 0 where that side is empty."""

    bid: Decimal
    ask: Decimal
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class TradeReading:
    """The last trade, in USD."""

    price: Decimal
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class SnapshotReading:
    """What a snapshot holds of a symbol; None what it lacks."""

    quote: QuoteReading | None
    trade: TradeReading | None


@dataclass(frozen=True, slots=True)
class PriceRules:
    """How old a price may be, and how wide a quote as a share of its middle."""

    max_age: dt.timedelta
    max_spread: Decimal


def judge(
    quote: QuoteReading | None, *, is_short: bool, now: dt.datetime, rules: PriceRules, source: str = "quote"
) -> Mark | PriceFailure:
    """Return what a position could be closed at, the bid for a long one and the ask for a short one, or why not."""
    if quote is None:
        return PriceFailure.MISSING
    if not _is_fresh(quote.at, now, rules):
        return PriceFailure.STALE
    if quote.bid <= 0 or quote.ask <= 0:
        return PriceFailure.ONE_SIDED
    if quote.bid > quote.ask:
        return PriceFailure.CROSSED
    if _is_wide(quote, rules):
        return PriceFailure.WIDE
    return Mark(price=quote.ask if is_short else quote.bid, at=quote.at, source=source)


def judge_trade(
    trade: TradeReading | None, *, now: dt.datetime, rules: PriceRules, source: str = "trade"
) -> Mark | PriceFailure:
    """Return the last trade's price where it is fresh, or why not."""
    if trade is None:
        return PriceFailure.MISSING
    if not _is_fresh(trade.at, now, rules):
        return PriceFailure.STALE
    if trade.price <= 0:
        return PriceFailure.UNREADABLE
    return Mark(price=trade.price, at=trade.at, source=source)


def _is_fresh(at: dt.datetime, now: dt.datetime, rules: PriceRules) -> bool:
    return -AHEAD <= now - at <= rules.max_age


def _is_wide(quote: QuoteReading, rules: PriceRules) -> bool:
    spread = quote.ask - quote.bid
    return spread > CLOSEST and 2 * spread > rules.max_spread * (quote.bid + quote.ask)
