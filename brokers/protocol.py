"""What the house asks of a broker; an adapter is one class that does this and nothing else."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from domain.broker import AccountReading, BrokerFill, BrokerOrder, BrokerPosition, CancelAnswer, Ticket, Timed
from domain.orders import AssetClass
from domain.prices import QuoteReading, SnapshotReading, TradeReading
from domain.trade_updates import TradeUpdate

MOST_SYMBOLS = 100
"""A batch of market data asks for at most so many symbols: Alpaca takes no more options in one request."""


class BrokerUnavailable(Exception):
    """A read did not succeed; nothing follows from it (unavailable is never read as "no orders")."""

    def __init__(self, reason_code: str, message: str) -> None:
        super().__init__(message)
        self.reason_code = reason_code
        self.message = message


class EntryLocked(Exception):
    """The last look before the socket refused a placement: nothing was sent (R9)."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One instrument the broker lists."""

    symbol: str
    asset_class: AssetClass
    name: str
    tradable: bool
    fractionable: bool


@dataclass(frozen=True, slots=True)
class WireTime:
    """How long the last call was on the wire, in ms, and the broker's id of it (None: it never got that far)."""

    network_ms: float | None
    request_id: str | None


class Broker(Protocol):
    """One account at one broker. Reads raise BrokerUnavailable; `place` never raises for what a broker can do."""

    def place(self, ticket: Ticket) -> Timed:
        """Send the order once, bounded in time; every end of it is one of the four outcomes. Raises EntryLocked."""
        ...

    def cancel(self, broker_order_id: str) -> CancelAnswer:
        """Ask once for the end of an order, bounded in time; never raises for what a broker can do."""
        ...

    def find_order(self, broker_client_id: str) -> BrokerOrder | None:
        """Return the order with our id, or None when the broker says that it has none."""
        ...

    def orders_after(self, after: dt.datetime) -> Sequence[BrokerOrder]:
        """Return orders of any status created after a time; one that is missing has not ended (R14)."""
        ...

    def open_orders(self) -> Sequence[BrokerOrder]:
        """Return every order that works now, with its terms, all pages."""
        ...

    def every_order_after(self, after: dt.datetime) -> Sequence[BrokerOrder]:
        """Return every order created after a time, whatever its status, with its terms, all pages."""
        ...

    def order_by_id(self, broker_order_id: str) -> BrokerOrder | None:
        """Return the order with the broker's own id, with its terms, or None when the broker has none."""
        ...

    def positions(self) -> Sequence[BrokerPosition]:
        """Return everything that is held, long and short: the broker has one page of it."""
        ...

    def fills_after(self, after: dt.datetime) -> Sequence[BrokerFill]:
        """Return every execution after a time, oldest first, all pages."""
        ...

    def read_account(self) -> AccountReading:
        """Return number and money of the account."""
        ...

    def latest_ask(self, symbol: str, asset_class: AssetClass) -> Decimal | None:
        """Return the ask in USD, None when nobody offers."""
        ...

    def latest_quotes(self, symbols: Sequence[str], asset_class: AssetClass) -> Mapping[str, QuoteReading]:
        """Return the last quotes of up to MOST_SYMBOLS symbols; one without a readable quote is left out."""
        ...

    def latest_trades(self, symbols: Sequence[str], asset_class: AssetClass) -> Mapping[str, TradeReading]:
        """Return the last trades of up to MOST_SYMBOLS symbols; one without a readable trade is left out."""
        ...

    def snapshots(self, symbols: Sequence[str], asset_class: AssetClass) -> Mapping[str, SnapshotReading]:
        """Return what the broker's snapshots say of up to MOST_SYMBOLS symbols."""
        ...

    def listings(self) -> Sequence[Listing]:
        """Return every instrument that may be traded or once could."""
        ...

    def wire_time(self) -> WireTime:
        """Return the wire time of this thread's last call."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class FeedLost(Exception):
    """The stream is not there, or no longer: nothing follows from it, and it may be tried again later."""


class FeedBusy(FeedLost):
    """The broker has a connection of this account already and takes no second one."""


class FeedRefused(FeedLost):
    """The broker does not take these keys."""


class TradeFeed(Protocol):
    """One account's stream of what becomes of its orders. Nothing is told again: after `open`, ask what was missed."""

    async def open(self) -> None:
        """Connect, sign in and listen, bounded in time. Raises FeedLost and its kinds."""
        ...

    async def next(self) -> TradeUpdate:
        """Return the next event, one that could not be read included. Raises FeedLost at the end of the stream."""
        ...

    async def ping(self) -> None:
        """Return once the broker has answered. Raises FeedLost."""
        ...

    async def close(self) -> None:
        """Hang up, within a second."""
        ...
