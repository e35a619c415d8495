"""What the market says of a symbol, and whether a position may be judged by it: pure (TRD-002, US-SYSTEM-003)."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class PriceFailure(StrEnum):
    """Why a symbol has no price to judge by; counted by type, and never a sale (MON-002)."""

    MISSING = "missing"  # the broker knows nothing of the symbol
    STALE = "stale"
    CROSSED = "crossed"  # bid above ask
    ONE_SIDED = "one_sided"  # nobody bids, or nobody offers
    WIDE = "wide"  # further apart than `max_spread` of their middle
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
