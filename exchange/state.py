"""The nouns of the exchange's books: accounts, orders, positions, fills, as plain records without behaviour."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from exchange.decimals import ZERO

_SOME = Decimal(1)
_ONE = Decimal(1)

RESTING = frozenset({"done_for_day", "suspended", "calculated", "held"})
"""Open, and without any fill until a script says otherwise; held until the order fills that it waits for."""
OPEN = RESTING | {"new", "partially_filled", "pending_cancel", "accepted", "pending_new", "pending_replace", "stopped"}
"""The statuses of an order that has not ended. By itself one is new, partially filled or pending its cancel."""
ENDS = {"canceled": "canceled_ns", "expired": "expired_ns", "rejected": "failed_ns"}
"""How an order ends without a last fill or a replacement, and the stamp that tells when."""
STOPS = frozenset({"stop", "stop_limit", "trailing_stop"})
"""The types that wait for the last trade to reach their stop."""


@dataclass(slots=True)
class Order:
    """One accepted order. Money in USD, quantities in shares or contracts, stamps in ns (`received_us` in us)."""

    id: str
    account: str
    client_order_id: str
    symbol: str
    asset_class: str
    side: str
    type: str
    time_in_force: str
    qty: Decimal | None
    limit_price: Decimal | None
    extended_hours: bool
    position_intent: str
    multiplier: Decimal
    reserve: Decimal
    """Buying power this order took when it came."""
    hold: Decimal
    """Shares or contracts of the position that it took when it came."""
    received_us: int
    at_ns: int
    updated_ns: int
    status: str = "new"
    filled_qty: Decimal = ZERO
    filled_notional: Decimal = ZERO
    """Sum of price times quantity, without the multiplier: divided by `filled_qty` it is the average price."""
    reserve_left: Decimal = ZERO
    hold_left: Decimal = ZERO
    filled_ns: int | None = None
    canceled_ns: int | None = None
    expired_ns: int | None = None
    failed_ns: int | None = None
    notional: Decimal | None = None
    """An amount in USD instead of a quantity: it fills in one execution."""
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    """The best last trade since a trailing stop came: the highest for a sell, the lowest for a buy."""
    triggered: bool = False
    order_class: str = ""
    parent: str | None = None
    """The order that this one was sent with, as one of its legs."""
    legs: list[str] = field(default_factory=list)
    replaces: str | None = None
    replaced_by: str | None = None
    replaced_ns: int | None = None

    @property
    def leaves(self) -> Decimal:
        """What is still to fill; of an order by notional value any positive number until it has filled."""
        if self.qty is None:
            return ZERO if self.filled_qty else _SOME
        return self.qty - self.filled_qty

    @property
    def stop(self) -> Decimal | None:
        """The price (USD) that the last trade has to reach, None without one."""
        if self.hwm is None:
            return self.stop_price
        trail = self.trail_price or self.hwm * (self.trail_percent or ZERO) / 100
        return self.hwm - trail if self.side == "sell" else self.hwm + trail


@dataclass(slots=True)
class Position:
    """A holding; `qty` and `cost` are negative when short, `cost` includes the multiplier."""

    symbol: str
    multiplier: Decimal
    qty: Decimal = ZERO
    cost: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution; `id` is the FILL activity's."""

    id: str
    order_id: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    leaves_qty: Decimal
    at_ns: int
    multiplier: Decimal = _ONE


@dataclass(frozen=True, slots=True)
class Movement:
    """What moved cash or holdings without a trade: money paid in or out, an option exercised.

    `type` is Alpaca's activity type; `net_amount` (USD) and `qty` are negative when they leave the account.
    """

    id: str
    type: str
    at_ns: int
    net_amount: Decimal
    symbol: str | None = None
    qty: Decimal = ZERO
    multiplier: Decimal = _ONE


Activity = Fill | Movement


@dataclass(slots=True)
class Watchlist:
    """A customer's named list of symbols, in the order in which they were added."""

    id: str
    name: str
    symbols: list[str]
    created_ns: int
    updated_ns: int


OPTIONS_LEVEL = 2
"""What every account is approved for: buying options, and selling what covers them."""
CONFIGURATIONS: dict[str, Any] = {
    "disable_overnight_trading": False,
    "fractional_trading": True,
    "max_margin_multiplier": "1",
    "max_options_trading_level": OPTIONS_LEVEL,
    "no_shorting": False,
    "ptp_no_exception_entry": False,
    "suspend_trade": False,
    "trade_confirm_email": "all",
}
"""What a customer may set about an account, as it stands when the account is opened."""


@dataclass(slots=True)
class Account:
    """One customer's account with everything it ever did; `rate_limit` is requests a minute."""

    name: str
    id: str
    key_id: str
    secret_key: str
    account_number: str
    cash: Decimal
    rate_limit: int
    created_ns: int
    status: str = "ACTIVE"
    shorting_enabled: bool = False
    trading_blocked: bool = False
    reserved: Decimal = ZERO
    held: dict[str, Decimal] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    by_client_order_id: dict[str, Order] = field(default_factory=dict)
    open_orders: dict[str, Order] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    opening_cash: Decimal = ZERO
    activities: list[Activity] = field(default_factory=list)
    """Everything that moved cash or holdings, oldest first."""
    activity_index: dict[str, int] = field(default_factory=dict)
    configurations: dict[str, Any] = field(default_factory=lambda: dict(CONFIGURATIONS))
    watchlists: dict[str, Watchlist] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    """Requests for a new order or a replacement, by client_order_id, refused and faulted ones included."""

    @property
    def fills(self) -> list[Fill]:
        """Its executions, oldest first."""
        return [activity for activity in self.activities if isinstance(activity, Fill)]

    @property
    def may_short(self) -> bool:
        """Whether the broker lets it sell short and its owner does as well."""
        return self.shorting_enabled and not self.configurations["no_shorting"]

    @property
    def buying_power(self) -> Decimal:
        """Cash less what open orders reserve; a short keeps its proceeds and as much again as collateral."""
        shorts = sum((-p.cost for p in self.positions.values() if p.qty < 0), ZERO) if self.shorting_enabled else ZERO
        return self.cash - self.reserved - 2 * shorts

    def owned(self, symbol: str) -> Decimal:
        """Give the signed quantity of a position, 0 without one."""
        position = self.positions.get(symbol)
        return position.qty if position else ZERO
