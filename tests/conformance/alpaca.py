"""Alpaca's adapter over the simulated exchange, as the cards need it."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

from brokers.alpaca.adapter import AlpacaBroker
from brokers.alpaca.parse import parse_order
from brokers.protocol import Broker
from tests.brokers.desk import TOTAL_S, new_broker
from tests.conformance.venue import Booked, Fault, Verb
from tests.support.exchange import ExchangeProcess
from tests.support.ports import free_port

_NUMBERS = itertools.count(1)
_KINDS = {
    Fault.BUSY: "429",
    Fault.GATEWAY_BEFORE: "504_before",
    Fault.GATEWAY_AFTER: "504_after",
    Fault.HANG_BEFORE: "hang",
    Fault.HANG_AFTER: "hang_after",
    Fault.DROP_BEFORE: "drop_before",
    Fault.DROP_AFTER: "drop_after",
    Fault.TRICKLE: "trickle",
    Fault.SLOW: "delay",
    Fault.EMPTY_AFTER: "500_after",
    Fault.BAD_GATEWAY_AFTER: "502_after",
    Fault.HALF: "half_body",
    Fault.CLOSES: "close_after",
    Fault.HIDDEN: "hidden",
    Fault.NEW_WORD: "unknown_status",
    Fault.NEW_FIELD: "unknown_field",
}
_DELAYS = {Fault.TRICKLE: {"delay_ms": 20}, Fault.SLOW: {"delay_ms": 100}, Fault.HIDDEN: {"delay_ms": 60_000}}
_METHODS = {Verb.PLACE: "POST", Verb.REPLACE: "PATCH", Verb.CANCEL: "DELETE", Verb.READ: "GET"}


class AlpacaVenue:
    """See `venue.Venue`."""

    stock = "KO"
    option = "AAPL271217C00200000"
    total_s = TOTAL_S

    def __init__(self, exchange: ExchangeProcess) -> None:
        self._exchange = exchange
        self._brokers: list[AlpacaBroker] = []
        self._account = f"card-{next(_NUMBERS)}"
        self._keys = self._open(self._account, "1000000")
        self.broker: Broker = self._adapter(exchange.url, self._keys)

    def close(self) -> None:
        for broker in self._brokers:
            broker.close()
        self._exchange.remove_faults()
        self._exchange.set_fills(delay_ms=None, never=None, partial=None)

    def stranger(self) -> Broker:
        return self._adapter(self._exchange.url, ("nobody", "-"))

    def locked(self, refusal: str) -> Broker:
        broker = new_broker(self._exchange.url, self._keys, may_enter=lambda _: refusal)
        self._brokers.append(broker)
        return broker

    def nowhere(self) -> Broker:
        return self._adapter(f"http://127.0.0.1:{free_port()}", self._keys)

    def poor(self) -> Broker:
        return self._adapter(self._exchange.url, self._open(f"{self._account}-poor", "1"))

    def disturb(self, fault: Fault, verb: Verb, *, times: int | None = 1) -> None:
        where = _DELAYS.get(fault, {})
        self._exchange.add_fault(_KINDS[fault], account=self._account, method=_METHODS[verb], times=times, **where)

    def calm(self) -> None:
        self._exchange.remove_faults()

    def sent(self, client_id: str) -> int:
        return int(self._exchange.ledger(self._account)["attempts"].get(client_id, 0))

    def booked(self, client_id: str) -> Booked | None:
        raw: dict[str, Any] | None = self._exchange.order(client_id, self._account)
        order = parse_order(raw)
        if raw is None or order is None:
            return None
        price = None if raw.get("limit_price") is None else Decimal(raw["limit_price"])
        return Booked(str(order.status), order.qty, order.filled_qty, price)

    def hold(self) -> None:
        self._exchange.set_fills(never=True)

    def fill(self, client_id: str, qty: str) -> None:
        assert self._exchange.release(account=self._account, client_order_id=client_id, qty=qty)

    def quote(self, symbol: str, bid: str, ask: str) -> None:
        self._exchange.set_price(symbol, bid=bid, ask=ask, last=bid)

    def _adapter(self, url: str, keys: tuple[str, str]) -> AlpacaBroker:
        self._brokers.append(new_broker(url, keys))
        return self._brokers[-1]

    def _open(self, name: str, cash: str) -> tuple[str, str]:
        account = self._exchange.add_account(name, cash=cash)
        return account["key_id"], account["secret_key"]


@contextmanager
def alpaca(exchange: ExchangeProcess) -> Iterator[AlpacaVenue]:
    """Give a venue on an account of its own."""
    made = AlpacaVenue(exchange)
    try:
        yield made
    finally:
        with suppress(RuntimeError):
            made.close()
