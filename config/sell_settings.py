"""The section `sell_module`: when the seller sells, how, and when it gives an order up (TRD-002, CFG-002)."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from config.sections import Patience, Section, Share
from domain.exits import ExitRules, MarketHours, ShortsMode
from domain.orders import AssetClass, OrderType
from domain.prices import PriceRules

DEFAULT_MINUTES = "default"
_MOST_MINUTES = Decimal(10_080)
_MINUTES_KEYS = frozenset(
    {DEFAULT_MINUTES, *OrderType, *AssetClass, *(f"{kind}.{name}" for kind in AssetClass for name in OrderType)}
)
_SOURCES = frozenset({"api", "external", "sell_module"})


class ExitOrderType(StrEnum):
    """How the seller's orders are priced."""

    MARKET = "market"
    LIMIT = "limit"


def _rate(value: object) -> object:
    if isinstance(value, bool):
        message = "expected a number"
        raise ValueError(message)  # noqa: TRY004  pydantic turns a ValueError alone into a sentence of its own
    return str(value) if isinstance(value, float) else value  # float: YAML's 1.1 is meant as it is written


def _minutes(value: object) -> object:
    """Return one number for everything as a map of it; an empty key is no map."""
    return value if isinstance(value, Mapping) else {} if value is None else {DEFAULT_MINUTES: value}


def _given(value: object) -> object:
    """Return an empty section as one in which nothing is given."""
    if value is None:
        return {}
    if not isinstance(value, Mapping | Section):
        message = f"expected a mapping, found {type(value).__name__}"
        raise ValueError(message)  # noqa: TRY004  as above
    return value


_Rate = Annotated[Decimal, BeforeValidator(_rate), Field(max_digits=10, decimal_places=6)]
ProfitRate = Annotated[_Rate, Field(ge=1, le=1000)]
StopLossRate = Annotated[_Rate, Field(gt=0, le=1)]
Minutes = Annotated[Decimal, BeforeValidator(_rate), Field(ge=0, le=_MOST_MINUTES)]


class StrategyOneSettings(Section):
    """Take profit and stop loss as multiples of what was paid; null switches one of them off.

    A profit below 1 or a stop above it would close a position as soon as it is opened: 0.1 was meant as 1.1.
    """

    enabled: bool = True
    profit_rate: ProfitRate | None = Decimal("1.1")
    stop_loss_rate: StopLossRate | None = Decimal("0.8")


class TimeLimitSettings(Section):
    """How long a position is held at most; without minutes, for ever."""

    enabled: bool = False
    max_hold_minutes: Annotated[Minutes, Field(gt=0)] | None = None


class SellSettings(Section):
    """The seller. `order_cancel_minutes` is a number, or a map by order type, asset class or `us_option.limit`."""

    enabled: bool = False
    check_interval: Annotated[Patience, Field(ge=dt.timedelta(seconds=1), le=dt.timedelta(hours=1))] = dt.timedelta(
        seconds=5
    )
    auto_sell_default: bool = False
    stocks: bool = False
    shorts: ShortsMode = ShortsMode.NONE
    market_hours: MarketHours = MarketHours.AUTO
    strategy_one: Annotated[StrategyOneSettings, BeforeValidator(_given)] = StrategyOneSettings()
    position_time_limit: Annotated[TimeLimitSettings, BeforeValidator(_given)] = TimeLimitSettings()
    zero_day_handling: bool = True
    zero_day_minutes: Minutes = Decimal(60)
    closing_window_minutes: Minutes = Decimal(10)
    order_type: ExitOrderType = ExitOrderType.MARKET
    limit_offset: Share = Decimal(0)
    reprice_times: int = Field(default=3, ge=0, le=100)
    order_cancel_minutes: Annotated[Mapping[str, Minutes], BeforeValidator(_minutes)] = {DEFAULT_MINUTES: Decimal(3)}
    cancel_sources: tuple[str, ...] = ("sell_module",)
    max_price_age: Patience = dt.timedelta(seconds=60)
    max_spread: Share = Decimal("0.5")

    @field_validator("order_cancel_minutes")
    @classmethod
    def _known_keys(cls, minutes: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        strange = sorted(set(minutes) - _MINUTES_KEYS)
        if strange:
            message = f"expected {', '.join(sorted(_MINUTES_KEYS))} as keys, found {', '.join(strange)}"
            raise ValueError(message)
        return {DEFAULT_MINUTES: Decimal(3)} | dict(minutes)

    @field_validator("cancel_sources", mode="before")
    @classmethod
    def _listed(cls, sources: Any) -> Any:
        return (
            tuple(part.strip() for part in sources.split(",") if part.strip()) if isinstance(sources, str) else sources
        )

    @field_validator("cancel_sources")
    @classmethod
    def _known_sources(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        strange = sorted(set(sources) - _SOURCES)
        if strange:
            message = f"expected {', '.join(sorted(_SOURCES))}, found {', '.join(strange)}"
            raise ValueError(message)
        return sources

    @property
    def price_rules(self) -> PriceRules:
        """What prices are judged by."""
        return PriceRules(self.max_price_age, self.max_spread)

    @property
    def rules(self) -> ExitRules:
        """What the decider judges by."""
        one, limit = self.strategy_one, self.position_time_limit
        held = limit.max_hold_minutes if limit.enabled else None
        return ExitRules(
            profit_rate=one.profit_rate if one.enabled else None,
            stop_loss_rate=one.stop_loss_rate if one.enabled else None,
            max_hold=None if held is None else _span(held),
            zero_day_before_close=_span(self.zero_day_minutes) if self.zero_day_handling else None,
            closing_window=_span(self.closing_window_minutes) if self.closing_window_minutes else None,
            stocks=self.stocks,
            shorts=self.shorts,
        )

    def cancel_after(self, source: str, asset_class: AssetClass, order_type: OrderType) -> dt.timedelta | None:
        """Return how long an order of this kind may work before it is cancelled, None: as long as it likes."""
        if source not in self.cancel_sources:
            return None
        keys = (f"{asset_class}.{order_type}", str(order_type), str(asset_class), DEFAULT_MINUTES)
        minutes = next(self.order_cancel_minutes[key] for key in keys if key in self.order_cancel_minutes)
        return _span(minutes) if minutes else None


def _span(minutes: Decimal) -> dt.timedelta:
    return dt.timedelta(milliseconds=int(minutes * 60_000))
