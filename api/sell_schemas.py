"""What the seller's routes take and answer; money is USD in strings, durations are ms."""

import datetime as dt
import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from api.schemas import Amount
from services.sell_module import SellAction


class ControlIn(BaseModel):
    """What is to be done: start, stop or restart, in letters of either size."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"action": "start"}]})
    action: str


class ControlOut(BaseModel):
    """What was done, by the predecessor's fields; `new_status` is `unchanged` when there was nothing to do."""

    success: Literal[True] = True
    action: SellAction
    message: str
    new_status: Literal["running", "stopped", "unchanged"]
    timestamp: dt.datetime


class AutoSellIn(BaseModel):
    """Whether the seller may close this position; the word holds until the position is closed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"auto_sell_enabled": False}]})
    auto_sell_enabled: bool


class SellPositionOut(BaseModel):
    """An open position; negative when short. `mark_price` is what it could be closed at, `marked_at` when that was.

    `auto_sell_by` says whose word it is: `default` of the settings, `order` that opened it, or `user:NAME`.
    """

    account: str
    symbol: str
    qty: Amount
    side: Literal["long", "short"]
    entry_price: Amount | None
    opened_at: dt.datetime
    auto_sell_enabled: bool
    auto_sell_by: str
    mark_price: Amount | None
    marked_at: dt.datetime | None
    unrealized_pnl: Amount | None


class TickOut(BaseModel):
    """One tick; `price_ms` is what of it was spent on prices."""

    begun_at: dt.datetime
    total_ms: Amount
    price_ms: Amount
    process: str
    degraded: bool
    accounts: int
    positions: int
    requests: int
    exits: int
    error: str | None


class TrendOut(BaseModel):
    """The ticks of one hour, the last one being 0 hours ago."""

    hours_ago: int
    ticks: int
    p95_ms: Amount


class TickTimesOut(BaseModel):
    """How long the ticks of the last hour took, and the trend of the last six."""

    ticks: int
    degraded: int
    p50_ms: Amount | None
    p95_ms: Amount | None
    trend: list[TrendOut]


class SellsOut(BaseModel):
    """The seller's orders of the last day: filled in whole or part, ended without a fill, and open."""

    attempted: int
    succeeded: int
    failed: int
    open: int
    success_rate: Amount | None
    last_at: dt.datetime | None


class FailuresOut(BaseModel):
    """How often by type."""

    last_hour: dict[str, int]
    last_day: dict[str, int]


class StaleOut(BaseModel):
    """A position without a price for three intervals."""

    account: str
    symbol: str
    marked_at: dt.datetime | None


class StalePositionsOut(BaseModel):
    """How many, and the ten that have waited longest."""

    count: int
    positions: list[StaleOut]


class DueCancelOut(BaseModel):
    """An order that is cancelled at `due_at` if it works then."""

    order_id: uuid.UUID
    account: str
    symbol: str
    source: str
    due_at: dt.datetime


class RestartsOut(BaseModel):
    """How often the seller was restarted in the last day without being asked to."""

    last_day: int
    last_at: dt.datetime | None


class SellHealthOut(BaseModel):
    """How the seller is. `since` is when the switch was turned last; `status` and `data` are the predecessor's."""

    state: Literal["running", "stopped", "stale", "never_ran"]
    since: dt.datetime
    changed_by: str
    seconds_since_tick: Amount | None
    tick_begun_at: dt.datetime | None
    tick_ended_at: dt.datetime | None
    tick_process: str | None
    last_tick: TickOut | None
    tick_ms: TickTimesOut
    sells: SellsOut
    price_failures: FailuresOut
    cancel_errors: dict[str, int]
    stale_positions: StalePositionsOut
    next_cancels: list[DueCancelOut]
    restarts: RestartsOut
    status: Literal["success", "warning", "error"]
    data: dict[str, Any]
    timestamp: dt.datetime


class LegacyOut(BaseModel):
    """The predecessor's envelope."""

    status: Literal["success", "warning", "error"]
    data: dict[str, Any]
    timestamp: dt.datetime


class SellStatusOut(BaseModel):
    """The predecessor's status page, with true numbers."""

    service: dict[str, Any]
    health: dict[str, Any]
    config: dict[str, Any]
    statistics: dict[str, Any]
    timestamp: dt.datetime
