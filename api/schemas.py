"""What goes over the wire: decimals as strings, times as RFC 3339 in UTC."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from domain.balance import BalanceRule, OnBalanceError
from domain.breaker import BreakerState
from domain.orders import OrderType, PositionIntent, Side, TimeInForce, plain
from domain.venue import EndpointKind
from services.account_figures import ThresholdSource

T = TypeVar("T")
Amount = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="unless-none")]
Number = Annotated[Decimal, Field(max_digits=28)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Symbol = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9./]+$", to_upper=True)]


class LoginIn(BaseModel):
    """Name and password."""

    model_config = ConfigDict(extra="forbid")
    username: Name
    password: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class TokenOut(BaseModel):
    """A bearer token."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105  a word of OAuth 2, not a secret
    expires_at: dt.datetime
    role: str


class OrderIn(BaseModel):
    """An order. `qty` is shares or contracts, `notional` USD instead; prices are USD; decimals best sent as strings.

    `auto_sell_enabled` says whether the seller may close the position that the order opens or adds to; what is not said
    is left to `sell_module.auto_sell_default`.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"account": "demo-1", "symbol": "AAPL", "side": "buy", "qty": "10", "type": "market"}]
        },
    )
    account: Name
    symbol: Symbol
    side: Side
    qty: Number | None = None
    notional: Number | None = None
    type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce = TimeInForce.DAY
    limit_price: Number | None = None
    stop_price: Number | None = None
    trail_price: Number | None = None
    trail_percent: Number | None = None
    extended_hours: bool = False
    position_intent: PositionIntent | None = None
    auto_sell_enabled: bool | None = None
    client_order_id: Key | None = None


class ReplaceIn(BaseModel):
    """What changes: a working order is replaced by one of its own with these terms; the rest stays as it is.

    `qty` is what is still to trade, not counting what has filled.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"limit_price": "189.50"}]})
    qty: Number | None = None
    limit_price: Number | None = None
    stop_price: Number | None = None
    trail_price: Number | None = None
    trail_percent: Number | None = None
    time_in_force: TimeInForce | None = None
    client_order_id: Key | None = None

    def changes(self) -> dict[str, Any]:
        """Return the terms that were given."""
        return self.model_dump(exclude={"client_order_id"}, exclude_none=True)


class CancelAccepted(BaseModel):
    """The order is to end: `status` is where it stands now, and only the broker's word ends what the broker has."""

    order_id: uuid.UUID
    status: str
    href: str


class CancelAllAccepted(BaseModel):
    """Every open order that is to end."""

    orders: list[CancelAccepted]


class OrderAccepted(BaseModel):
    """The order is stored and on its way; ask for it at `href`. The same key again gets the same words."""

    order_id: uuid.UUID
    client_order_id: str
    status: Literal["requested"] = "requested"
    href: str


class EventOut(BaseModel):
    """One event of an order's life; durations in ms. `corrects_seq` names the earlier event that it corrects."""

    seq: int
    corrects_seq: int | None
    event: str
    stage: str
    success: bool
    account_type: str
    account_type_source: str
    occurred_at: dt.datetime
    total_ms: Amount | None
    network_ms: Amount | None
    reason_code: str | None
    reason: str | None
    actor: str
    detail: dict[str, Any]


class OrderSummary(BaseModel):
    """An order as it stands."""

    order_id: uuid.UUID
    client_order_id: str
    broker_order_id: str | None
    account: str
    account_type: str
    account_type_source: str
    symbol: str
    asset_class: str
    side: str
    type: str
    time_in_force: str
    qty: Amount | None
    notional: Amount | None
    limit_price: Amount | None
    stop_price: Amount | None
    trail_price: Amount | None
    trail_percent: Amount | None
    extended_hours: bool
    position_intent: str | None
    replaces: uuid.UUID | None
    cancel_reason: str | None
    status: str
    rejected_by: str | None
    reason_code: str | None
    reason: str | None
    filled_qty: Amount
    filled_avg_price: Amount | None
    requested_at: dt.datetime
    submitted_at: dt.datetime | None
    updated_at: dt.datetime
    trace_id: str


class OrderOut(OrderSummary):
    """An order with its timeline, and the order that took its place."""

    replaced_by: uuid.UUID | None
    timeline: list[EventOut]


class OrderPage(BaseModel):
    """A page of orders, newest first; `next_cursor` is null on the last one."""

    orders: list[OrderSummary]
    next_cursor: str | None


class ThresholdOut(BaseModel, Generic[T]):
    """A threshold in force, and whether it is the account's own, the one for all, or the default."""

    value: T
    source: ThresholdSource


class AccountOut(BaseModel):
    """An account: its type and how it is known, the last balance, what of it is reserved, and what it is held to.

    The number is shown in part. It takes entries while `enabled` (by secrets.yml and by the admins) and not
    `entries_blocked`; exits go on. Money is USD. `available` is the cash less what is reserved: the figure that is
    held against `minimum_balance`. `breaker` is closed while the broker works; open or half_open, it holds entries
    until the broker answers; null while nobody can say (Redis is away).
    """

    name: str
    broker: str
    breaker: BreakerState | None
    enabled: bool
    disabled_by: str | None
    endpoint: EndpointKind
    account_number: str | None
    account_type: str
    account_type_source: str
    type_read_at: dt.datetime | None
    number_changed_at: dt.datetime | None
    entries_blocked: str | None
    cash: Amount | None
    buying_power: Amount | None
    balance_read_at: dt.datetime | None
    balance_age_s: Amount | None
    reserved: Amount
    available: Amount | None
    minimum_balance: ThresholdOut[Amount]
    balance_check_enabled: ThresholdOut[bool]
    balance_rule: ThresholdOut[BalanceRule]
    on_balance_error: ThresholdOut[OnBalanceError]
    balance_max_age_s: ThresholdOut[Amount]
    market_collar: ThresholdOut[Amount]
    market_place_before_s: ThresholdOut[Amount]
    limit_place_before_s: ThresholdOut[Amount]


class ConfigChangeOut(BaseModel):
    """A change: its subject is a dotted name of `secrets.yml` or what was done; a secret is `***` before and after."""

    change_id: uuid.UUID
    occurred_at: dt.datetime
    subject: str
    old: str | int | bool | dict[str, Any] | None
    new: str | int | bool | dict[str, Any] | None
    actor: str
    host: str


class ConfigChangePage(BaseModel):
    """A page of changes, newest first; `next_cursor` is null on the last one."""

    changes: list[ConfigChangeOut]
    next_cursor: uuid.UUID | None


class AlertOut(BaseModel):
    """An alert: open until `resolved_at`; `times` counts how often its cause was seen."""

    alert_id: uuid.UUID
    kind: str
    subject: str
    severity: Literal["warning", "critical"]
    message: str
    account: str | None
    account_type: str | None
    account_type_source: str | None
    detail: dict[str, Any]
    occurred_at: dt.datetime
    last_at: dt.datetime
    times: int
    resolved_at: dt.datetime | None


class AlertPage(BaseModel):
    """A page of alerts, newest first; `next_cursor` is null on the last one."""

    alerts: list[AlertOut]
    next_cursor: str | None
