"""An account's figures: what the claim judges by is what callers are shown (ACC-001, ACC-002).

One expression for what is reserved and one rule for which threshold is in force, used by both.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar

from config.settings import AccountSettings, TradingSettings
from domain.balance import BalanceRule, OnBalanceError
from models.unit import Row, Unit

T = TypeVar("T")

# of account `a`: what open orders may still cost and what fills cost that the stored balance may not show yet (USD);
# an order that is being replaced reserves until it has ended, so of the two the larger counts (R27)
RESERVED = """(
         SELECT coalesce(sum(r.reserved + r.spent - CASE WHEN r.replaces IS NULL THEN 0 ELSE coalesce((
                  SELECT least(r.reserved, p.reserved) FROM trading.orders p WHERE p.order_id = r.replaces), 0) END), 0)
           FROM trading.orders r WHERE r.account_id = a.account_id AND (r.reserved > 0 OR r.spent > 0))"""

# of balance `b`: seconds since it was read, by the database's clock
BALANCE_AGE_S = "extract(epoch FROM clock_timestamp() - b.read_at)"


class ThresholdSource(StrEnum):
    """Where a threshold comes from: the account's own section, `trading` in secrets.yml, or nobody's word."""

    ACCOUNT = "account"
    GLOBAL = "global"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Threshold(Generic[T]):
    """A threshold in force and its source."""

    value: T
    source: ThresholdSource


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the balance rule holds an account to; `minimum_balance` in USD."""

    minimum_balance: Threshold[Decimal]
    balance_check_enabled: Threshold[bool]
    balance_rule: Threshold[BalanceRule]
    on_balance_error: Threshold[OnBalanceError]


_READ = f"""
SELECT a.*, b.cash, b.buying_power, b.read_at AS balance_read_at, {BALANCE_AGE_S} AS balance_age_s,
       {RESERVED} AS reserved
  FROM trading.accounts a LEFT JOIN trading.balances b USING (account_id)
 WHERE %(name)s::text IS NULL OR a.name = %(name)s
 ORDER BY a.name
"""  # noqa: S608  the parts are ours


def read_figures(unit: Unit, name: str | None = None) -> Sequence[Row]:
    """Return accounts with balance and reservations, disabled ones too, by name; only `name` where it is given."""
    return unit.rows(_READ, {"name": name})


def limits_of(account: AccountSettings | None, trading: TradingSettings) -> dict[str, Threshold[Decimal]]:
    """Return the thresholds that stand in no table: an account's own, else those for all; `_s` is seconds."""
    found = {}
    for name in ("balance_max_age", "market_collar", "market_place_before", "limit_place_before"):
        own = getattr(account, name, None)
        value = getattr(trading, name) if own is None else own
        source = _source(name, trading) if own is None else ThresholdSource.ACCOUNT
        lasts = isinstance(value, dt.timedelta)
        seconds = Decimal(value // dt.timedelta(milliseconds=1)) / 1000 if lasts else value
        found[f"{name}_s" if lasts else name] = Threshold(seconds, source)
    return found


def _source(name: str, trading: TradingSettings) -> ThresholdSource:
    return ThresholdSource.GLOBAL if name in trading.model_fields_set else ThresholdSource.DEFAULT


def thresholds_of(account: Row, trading: TradingSettings) -> Thresholds:
    """Return what is in force for an account's row: its own value, else the one for all."""

    def in_force(name: str, kind: Callable[[Any], T]) -> Threshold[T]:
        own = getattr(account, name)
        if own is not None:
            return Threshold(kind(own), ThresholdSource.ACCOUNT)
        return Threshold(kind(getattr(trading, name)), _source(name, trading))

    return Thresholds(
        minimum_balance=in_force("minimum_balance", Decimal),
        balance_check_enabled=in_force("balance_check_enabled", bool),
        balance_rule=in_force("balance_rule", BalanceRule),
        on_balance_error=in_force("on_balance_error", OnBalanceError),
    )
