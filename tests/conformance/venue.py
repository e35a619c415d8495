"""What the cards ask of a venue: an adapter over a fresh account, a way to disturb the wire, and the venue's own books.

To run another adapter through the cards, write a class that does this and add it to `VENUES` in `test_conformance.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from brokers.protocol import Broker
from config.ids import SYSTEM_IDS
from domain.broker import BrokerOrder, Outcome, Ticket
from domain.ids import broker_client_id
from domain.orders import OrderTerms, OrderType, Side, TimeInForce


class Fault(StrEnum):
    """What may happen to one request, before the venue has acted on it or after."""

    BUSY = "busy"
    GATEWAY_BEFORE = "gateway before"
    GATEWAY_AFTER = "gateway after"
    HANG_BEFORE = "hang before"
    HANG_AFTER = "hang after"
    DROP_BEFORE = "drop before"
    DROP_AFTER = "drop after"
    TRICKLE = "trickle"
    SLOW = "slow"
    EMPTY_AFTER = "empty error after"
    BAD_GATEWAY_AFTER = "bad gateway after"
    HALF = "half an answer"
    CLOSES = "closes after its answer"
    HIDDEN = "does not show young orders yet"
    NEW_WORD = "a status nobody has documented"
    NEW_FIELD = "a field nobody has documented"


class Verb(StrEnum):
    """Which requests a fault hits."""

    PLACE = "place"
    REPLACE = "replace"
    CANCEL = "cancel"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Booked:
    """An order in the venue's own books; `status` is the house's word for it."""

    status: str
    qty: Decimal | None
    filled_qty: Decimal
    limit_price: Decimal | None


class Venue(Protocol):
    """One adapter over a fresh account with much money and nothing held. `total_s` bounds each call of the adapter."""

    broker: Broker
    stock: str
    option: str
    total_s: float

    def stranger(self) -> Broker:
        """Return an adapter whose keys nobody knows."""
        ...

    def locked(self, refusal: str) -> Broker:
        """Return an adapter for the same account whose last look before the socket refuses."""
        ...

    def nowhere(self) -> Broker:
        """Return an adapter for a port where nobody listens."""
        ...

    def poor(self) -> Broker:
        """Return an adapter for an account with one dollar."""
        ...

    def disturb(self, fault: Fault, verb: Verb, *, times: int | None = 1) -> None:
        """Have the next `times` requests of a kind hit (None: all)."""
        ...

    def calm(self) -> None:
        """Take every fault back."""
        ...

    def sent(self, client_id: str) -> int:
        """Return how many placements the venue saw under an id."""
        ...

    def booked(self, client_id: str) -> Booked | None:
        """Return the order that the venue has under an id."""
        ...

    def hold(self) -> None:
        """Let nothing fill by itself."""
        ...

    def fill(self, client_id: str, qty: str) -> None:
        """Execute so much of a working order now."""
        ...

    def quote(self, symbol: str, bid: str, ask: str) -> None:
        """Set a quote, in USD."""
        ...


def ticket(terms: OrderTerms, *, replaces: str | None = None) -> Ticket:
    """Return terms under an id of their own."""
    return Ticket(broker_client_id(SYSTEM_IDS.new()), terms, replaces)


def market(venue: Venue, qty: str = "1", side: Side = Side.BUY) -> OrderTerms:
    """Return a market order that fills at once."""
    return OrderTerms(venue.stock, side, OrderType.MARKET, TimeInForce.DAY, Decimal(qty))


def limit(venue: Venue, price: str = "1.50", qty: str = "2") -> OrderTerms:
    """Return a limit order far from the market: it works until somebody does something."""
    return OrderTerms(venue.stock, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Decimal(qty), Decimal(price))


def place(venue: Venue, sent: Ticket) -> Outcome:
    """Place it; return the outcome alone."""
    return venue.broker.place(sent).outcome


def found(venue: Venue, sent: Ticket) -> BrokerOrder:
    """Return the order under our id, which must be there."""
    order = venue.broker.find_order(sent.broker_client_id)
    assert order is not None
    return order


def booked(venue: Venue, sent: Ticket) -> Booked:
    """Return the order in the venue's books, which must have it."""
    order = venue.booked(sent.broker_client_id)
    assert order is not None
    return order


Card = Callable[[Venue], None]
CARDS: dict[int, Card] = {}


def card(number: int) -> Callable[[Card], Card]:
    """Number a card; its name is the sentence that must hold."""

    def register(run: Card) -> Card:
        assert number not in CARDS, f"two cards have the number {number}"
        CARDS[number] = run
        return run

    return register
