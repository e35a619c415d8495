"""Whether a position is to be closed now, and why: pure, in Decimals, one strategy a file (TRD-002, US-SYSTEM-003).

`may_trade` says whether an account's market is one to sell in now. `decide` asks the strategies of
`domain/exit_strategies` in their order; the first that speaks decides. A lot whose owner has opted out is never sold by
any of them, and without a price nothing is (docs/decisions/0022-selling.md).
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from domain.orders import AssetClass
from domain.venue import EndpointKind


class ExitReason(StrEnum):
    """Why a position is closed; the name stands on the exit's record."""

    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    TIME_LIMIT = "time_limit"
    ZERO_DAY = "zero_day"
    CLOSING_WINDOW = "closing_window"
    SHORT_COVER = "short_cover"


class ShortsMode(StrEnum):
    """What is done about shorts: nothing, the strategies mirrored, or every short bought back at once."""

    NONE = "none"
    THRESHOLDS = "thresholds"
    COVER = "cover"


class MarketHours(StrEnum):
    """When is sold: in New York's sessions, at any hour, or `auto`: in sessions but at the simulated exchange."""

    AUTO = "auto"
    SESSION = "session"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRules:
    """The thresholds in force; None switches one off. Rates are multiples of the entry price.

    `zero_day_before_close`: an option is sold so long before the close of its last day. `closing_window`: everything
    that may be sold is, so long before any close.
    """

    profit_rate: Decimal | None = Decimal("1.1")
    stop_loss_rate: Decimal | None = Decimal("0.8")
    max_hold: dt.timedelta | None = None
    zero_day_before_close: dt.timedelta | None = dt.timedelta(minutes=60)
    closing_window: dt.timedelta | None = None
    stocks: bool = False
    shorts: ShortsMode = ShortsMode.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLot:
    """A position since it last was nothing: the quantity is negative when short, the price USD a share or unit.

    `busy_qty` is what working orders are closing of it already. `opened_at` is when its first fill was.
    """

    lot_id: uuid.UUID
    account_id: uuid.UUID
    symbol: str
    asset_class: AssetClass
    qty: Decimal
    entry_price: Decimal | None
    opened_at: dt.datetime
    auto_sell_enabled: bool
    busy_qty: Decimal = Decimal(0)

    @property
    def is_short(self) -> bool:
        """Whether it was sold before it was bought."""
        return self.qty < 0

    @property
    def free_qty(self) -> Decimal:
        """How much of it may still be closed: never negative."""
        return max(Decimal(0), abs(self.qty) - self.busy_qty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a position could be closed at: the bid for a long one, the ask for a short one, in USD. `at` is its time."""

    price: Decimal
    at: dt.datetime
    source: str


@dataclass(frozen=True, slots=True)
class Session:
    """One regular session of the market, by aware times; `day` is its date in the market's own time zone.

    `next_day` is the date of the session after it, None where that is not known.
    """

    day: dt.date
    opens: dt.datetime
    closes: dt.datetime
    next_day: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, and the session that now belongs to: None on a day without one."""

    now: dt.datetime
    session: Session | None

    @property
    def in_session(self) -> bool:
        """Whether the market is open: from its opening on, its close not included."""
        return self.session is not None and self.session.opens <= self.now < self.session.closes

    def is_within(self, span: dt.timedelta) -> bool:
        """Whether the market is open and closes in `span` or less."""
        return self.session is not None and self.in_session and self.now >= self.session.closes - span


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a strategy has seen: the reason, a sentence with the numbers, and the numbers."""

    reason: ExitReason
    message: str
    inputs: Mapping[str, str] = field(default_factory=dict)


Strategy = Callable[[OpenLot, Mark, Moment, ExitRules], Trigger | None]


@dataclass(frozen=True, slots=True)
class ExitDecision:
    """A lot to be closed: so much of it, and why."""

    lot: OpenLot
    mark: Mark
    qty: Decimal
    trigger: Trigger


def may_trade(moment: Moment, hours: MarketHours, endpoint: EndpointKind) -> bool:
    """Return whether exits may be sent now: a market order sent while it is closed waits for an unknown price.

    The simulated exchange trades at any hour.
    """
    any_hour = hours is MarketHours.ALWAYS or (hours is MarketHours.AUTO and endpoint is EndpointKind.SIMULATED)
    return any_hour or moment.in_session


def decide(
    lot: OpenLot, mark: Mark | None, moment: Moment, rules: ExitRules, *, strategies: Sequence[Strategy]
) -> ExitDecision | None:
    """Return what is to be closed of a lot, None for nothing."""
    if mark is None or not is_watched(lot, rules) or lot.free_qty == 0:
        return None
    for strategy in strategies:
        trigger = strategy(lot, mark, moment, rules)
        if trigger is not None:
            return ExitDecision(lot, mark, lot.free_qty, trigger)
    return None


def is_watched(lot: OpenLot, rules: ExitRules) -> bool:
    """Return whether the seller has anything to do with a lot: its owner's word first, then the kind of position."""
    if not lot.auto_sell_enabled or lot.qty == 0:
        return False
    if lot.asset_class is AssetClass.STOCK and not rules.stocks:
        return False
    return not lot.is_short or rules.shorts is not ShortsMode.NONE
