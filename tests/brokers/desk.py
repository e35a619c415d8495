"""A broker over a fresh account of a real exchange, and the terms the tests of it place."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from brokers.alpaca.adapter import AlpacaBroker
from brokers.deadline import Watchdog
from brokers.rate_budget import Allowance
from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from domain.broker import Outcome, Ticket
from domain.ids import broker_client_id
from domain.orders import OrderTerms, OrderType, Side, TimeInForce
from tests.support.exchange import ExchangeProcess

TOTAL_S = 0.5
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
OPTION = "AAPL271217C00200000"
MARKET = OrderTerms("AAPL", Side.BUY, OrderType.MARKET, TimeInForce.DAY, Decimal(1))
LIMIT = OrderTerms("AAPL", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Decimal(2), Decimal("1.50"))

_WATCHDOG = Watchdog(SYSTEM_CLOCK)


@dataclass
class Desk:
    """A broker over a fresh account of the exchange, and the exchange's own books about it."""

    exchange: ExchangeProcess
    account: str
    broker: AlpacaBroker
    placed: list[Ticket] = field(default_factory=list)

    def place(self, terms: OrderTerms = MARKET) -> Outcome:
        self.placed.append(new_ticket(terms))
        return self.broker.place(self.placed[-1]).outcome

    @property
    def attempts(self) -> int:
        """How many POSTs the exchange has seen for the last ticket."""
        return int(self.exchange.ledger(self.account)["attempts"].get(self.placed[-1].broker_client_id, 0))

    def in_books(self, client_id: str | None = None) -> dict[str, Any] | None:
        return self.exchange.order(client_id or self.placed[-1].broker_client_id, self.account)


def new_ticket(terms: OrderTerms = MARKET) -> Ticket:
    return Ticket(broker_client_id(SYSTEM_IDS.new()), terms)


def new_broker(
    url: str,
    keys: tuple[str, str] = ("nobody", "-"),
    *,
    may_enter: Callable[[str], str | None] = lambda _: None,
    told: Callable[[Allowance], None] = lambda _: None,
) -> AlpacaBroker:
    return AlpacaBroker(
        api_key=keys[0],
        secret_key=keys[1],
        base_url=url,
        data_url=url,
        watchdog=_WATCHDOG,
        may_enter=may_enter,
        told=told,
        total_s=TOTAL_S,
    )
