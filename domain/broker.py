"""What a broker can say, in the house's words: readings, orders, fills, and the outcome of a placement (R10)."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from domain.order_state import OrderStatus
from domain.orders import OrderTerms


@dataclass(frozen=True, slots=True)
class AccountReading:
    """One read of the account: money in USD."""

    account_number: str | None
    cash: Decimal
    buying_power: Decimal
    equity: Decimal
    trading_blocked: bool


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the broker tells it. `status` is None when the broker's word is not known to us."""

    broker_order_id: str
    client_order_id: str
    symbol: str
    side: str
    qty: Decimal | None
    filled_qty: Decimal
    filled_avg_price: Decimal | None
    status: OrderStatus | None
    raw_status: str
    created_at: dt.datetime | None
    notional: Decimal | None = None
    terms: OrderTerms | None = None
    """In the house's words, where a read that lists orders can put them so; an order of several legs has none."""

    def matches(self, terms: OrderTerms) -> bool:
        """Return whether this is the order we meant; one that is not is never adopted (R11)."""
        size = self.notional == terms.notional if terms.qty is None else self.qty == terms.qty
        return self.symbol == terms.symbol and self.side == terms.side and size


@dataclass(frozen=True, slots=True)
class BrokerFill:
    """One execution. `cum_qty` with the broker's order id is its key on Alpaca (R15)."""

    broker_fill_id: str
    broker_order_id: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    occurred_at: dt.datetime


@dataclass(frozen=True, slots=True)
class BrokerPosition:
    """What the broker says is held of a symbol: negative when short, `price` the average entry in USD."""

    symbol: str
    qty: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is sent: the terms and our own id, unique at the broker for good.

    `replaces` is the broker's id of the working order whose place it takes, None for a new one (R27).
    """

    broker_client_id: str
    terms: OrderTerms
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class CancelAnswer:
    """What a request to cancel was answered; `taken` is no proof that the order has ended (it may fill first)."""

    taken: bool
    reason_code: str | None
    message: str | None
    network_ms: float | None  # float: milliseconds
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker has the order."""

    order: BrokerOrder


@dataclass(frozen=True, slots=True)
class Rejected:
    """The order was definitely refused, by the broker or by our own last look before the socket (`by`)."""

    reason_code: str
    message: str
    http_status: int | None = None
    by: str = "broker"


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """The broker definitely did not take the order, and may take it later (429, refused connection)."""

    reason_code: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell whether the broker has the order; only looking it up can."""

    reason_code: str
    message: str


Outcome = Accepted | Rejected | NotAccepted | Unknown


@dataclass(frozen=True, slots=True)
class Timed:
    """An outcome with the milliseconds on the wire and the broker's request id."""

    outcome: Outcome
    network_ms: float | None  # float: milliseconds
    request_id: str | None
