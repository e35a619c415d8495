"""One Alpaca account through the unmodified alpaca-py.

alpaca-py sends a POST up to four times on 429 and 504 and has no timeout: its retries are switched off here and every
call is bounded in total. Its response models refuse unknown words: answers are taken raw and parsed tolerantly.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from alpaca.common.exceptions import APIError
from alpaca.data.historical import OptionHistoricalDataClient, StockHistoricalDataClient
from alpaca.trading.client import TradingClient

from brokers.alpaca import limits, market_data, outcomes, pages, requests_of
from brokers.alpaca.parse import decimal, parse_account, parse_fill, parse_order, parse_position
from brokers.deadline import DeadlineAdapter, Watchdog, last_network_ms, last_request_id
from brokers.protocol import Broker, BrokerUnavailable, EntryLocked, Listing, WireTime
from brokers.rate_budget import Allowance
from config.redaction import Redactor
from domain.broker import (
    Accepted,
    AccountReading,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    CancelAnswer,
    Ticket,
    Timed,
)
from domain.orders import AssetClass
from domain.prices import QuoteReading, SnapshotReading, TradeReading

TOTAL_S = 5.0
_PAGE = 100
_MAX_PAGES = 50
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class _NoSuchOrder(BrokerUnavailable):
    """The broker itself says that it has no such order."""


class AlpacaBroker(Broker):
    """See `brokers.protocol.Broker`. `may_enter(url)` is asked at the last moment before a placement's socket (R9).

    `told` takes what each answer of the trading API says of the account's limit, `met` the reason code that each of its
    calls ended with: None where the broker answered as it should.
    """

    def __init__(  # noqa: PLR0913  each is named by the registry, its only caller outside of tests
        self,
        *,
        api_key: str,
        secret_key: str,
        base_url: str,
        data_url: str,
        watchdog: Watchdog,
        may_enter: Callable[[str], str | None],
        told: Callable[[Allowance], None],
        met: Callable[[str | None], None] = lambda _: None,
        total_s: float = TOTAL_S,
    ) -> None:
        clock = watchdog.clock
        self._base_url = base_url
        self._may_enter = may_enter
        self._met = met
        self._redact = Redactor([api_key, secret_key])  # what a broker says is stored: it may repeat what it was sent
        adapter = DeadlineAdapter(clock, watchdog, total_s=total_s)

        def heard(status: int, headers: Mapping[str, str]) -> None:
            told(limits.allowance(status, headers, clock.now()))

        # the broker counts trading and market data apart; the budget is of trading
        trading = DeadlineAdapter(clock, watchdog, total_s=total_s, heard=heard)
        self._trading = TradingClient(api_key, secret_key, url_override=base_url, raw_data=True)
        self._stocks = StockHistoricalDataClient(api_key, secret_key, url_override=data_url, raw_data=True)
        self._options = OptionHistoricalDataClient(api_key, secret_key, url_override=data_url, raw_data=True)
        for client, transport in ((self._trading, trading), (self._stocks, adapter), (self._options, adapter)):
            _bound(client, transport, trust_env=urlsplit(base_url).hostname not in _LOOPBACK)

    def place(self, ticket: Ticket) -> Timed:
        """Send one POST, or one PATCH of the order whose place it takes (R27); see Broker."""
        refusal = self._may_enter(self._base_url)
        if refusal is not None:
            raise EntryLocked(refusal)
        if ticket.replaces is None:
            outcome = outcomes.of_call(partial(self._trading.post, "/orders", requests_of.placing(ticket)))
        else:
            path = f"/orders/{ticket.replaces}"
            outcome = outcomes.of_call(partial(self._trading.patch, path, requests_of.replacing(ticket)))
        self._met(None if isinstance(outcome, Accepted) else outcome.reason_code)
        if not isinstance(outcome, Accepted):
            outcome = replace(outcome, message=self._redact(outcome.message))
        return Timed(outcome, last_network_ms(), last_request_id())

    def cancel(self, broker_order_id: str) -> CancelAnswer:
        """Send one DELETE; see Broker."""
        refusal = outcomes.refusal_of(partial(self._trading.delete, f"/orders/{broker_order_id}"))
        code, message = (None, None) if refusal is None else (refusal[0], self._redact(refusal[1]))
        self._met(code)
        return CancelAnswer(refusal is None, code, message, last_network_ms(), last_request_id())

    def find_order(self, broker_client_id: str) -> BrokerOrder | None:
        """Ask by our id; a 404 that says so is None."""
        try:
            raw = self._read(lambda: self._trading.get_order_by_client_id(broker_client_id))
        except _NoSuchOrder:
            return None
        order = parse_order(raw, with_terms=True)
        if order is None:
            raise BrokerUnavailable("unreadable_answer", "the broker's order could not be read")
        return order

    def orders_after(self, after: dt.datetime) -> Sequence[BrokerOrder]:
        """Return up to 500 orders of any status, oldest first (one that is missing is asked for singly)."""
        query = {"status": "all", "limit": 500, "after": after.isoformat(), "direction": "asc", "nested": False}
        rows = self._read_rows(lambda: self._trading.get("/orders", query))
        return [order for order in map(parse_order, rows) if order is not None]

    def open_orders(self) -> Sequence[BrokerOrder]:
        """Return every order that works, legs of brackets among them; see Broker."""
        return pages.all_orders(partial(self._orders, "open"), after=None)

    def every_order_after(self, after: dt.datetime) -> Sequence[BrokerOrder]:
        """Return every order created after a time; see Broker."""
        return pages.all_orders(partial(self._orders, "all"), after=after)

    def order_by_id(self, broker_order_id: str) -> BrokerOrder | None:
        """Ask by Alpaca's id; a 404 that says so is None."""
        try:
            raw = self._read(lambda: self._trading.get(f"/orders/{broker_order_id}"))
        except _NoSuchOrder:
            return None
        order = parse_order(raw, with_terms=True)
        if order is None:
            raise BrokerUnavailable("unreadable_answer", "the broker's order could not be read")
        return order

    def positions(self) -> Sequence[BrokerPosition]:
        """Return what is held; one position that cannot be read makes the whole list unreadable."""
        found = [parse_position(row) for row in self._read_rows(lambda: self._trading.get("/positions"))]
        if None in found:
            raise BrokerUnavailable("unreadable_answer", "the broker's positions could not be read")
        return [position for position in found if position is not None]

    def fills_after(self, after: dt.datetime) -> Sequence[BrokerFill]:
        """Return FILL activities after a time, page by page."""
        found: list[BrokerFill] = []
        query: dict[str, Any] = {"after": after.isoformat(), "direction": "asc", "page_size": _PAGE}
        for _ in range(_MAX_PAGES):
            rows = self._read_rows(partial(self._trading.get, "/account/activities/FILL", query))
            found += [fill for fill in map(parse_fill, rows) if fill is not None]
            if len(rows) < _PAGE:
                return found
            query = query | {"page_token": str(rows[-1].get("id", ""))}
        raise BrokerUnavailable("too_many_pages", f"more than {_MAX_PAGES * _PAGE} fills in one read")

    def read_account(self) -> AccountReading:
        """Return the account; cash does not net open orders at Alpaca (R17)."""
        reading = parse_account(self._read(self._trading.get_account))
        if reading is None:
            raise BrokerUnavailable("unreadable_answer", "the broker's account could not be read")
        return reading

    def latest_ask(self, symbol: str, asset_class: AssetClass) -> Decimal | None:
        """Return the ask of a stock (USD a share) or option (USD a unit of the underlying)."""
        client, path = (
            (self._options, "/options/quotes/latest")
            if asset_class is AssetClass.OPTION
            else (self._stocks, "/stocks/quotes/latest")
        )
        # alpaca-py's own call reads the answer before we can, and fails in its own ways on an unreadable one
        answer = _read(lambda: client.get(path, {"symbols": symbol}))  # market data: the account's breaker is not of it
        quotes = answer.get("quotes") if isinstance(answer, dict) else None
        quote = quotes.get(symbol) if isinstance(quotes, dict) else None
        ask = decimal(quote.get("ap")) if isinstance(quote, dict) else None
        return ask if ask is not None and ask > 0 else None  # 0 means that nobody offers

    def latest_quotes(self, symbols: Sequence[str], asset_class: AssetClass) -> Mapping[str, QuoteReading]:
        """Return the last quotes; see Broker."""
        return market_data.quotes(self._data(asset_class), symbols)

    def latest_trades(self, symbols: Sequence[str], asset_class: AssetClass) -> Mapping[str, TradeReading]:
        """Return the last trades; see Broker."""
        return market_data.trades(self._data(asset_class), symbols)

    def snapshots(self, symbols: Sequence[str], asset_class: AssetClass) -> Mapping[str, SnapshotReading]:
        """Return the snapshots; see Broker."""
        return market_data.snapshots(self._data(asset_class), symbols)

    def listings(self) -> Sequence[Listing]:
        """Return Alpaca's stocks."""
        query = {"status": "active", "asset_class": "us_equity"}
        rows = self._read_rows(lambda: self._trading.get("/assets", query))
        return [
            Listing(
                symbol=str(row["symbol"]),
                asset_class=AssetClass.STOCK,
                name=str(row.get("name", "")),
                tradable=bool(row.get("tradable")),
                fractionable=bool(row.get("fractionable")),
            )
            for row in rows
            if row.get("symbol")
        ]

    def wire_time(self) -> WireTime:
        """Return ms and request id of this thread's last call."""
        return WireTime(last_network_ms(), last_request_id())

    def close(self) -> None:
        """Close the pooled connections."""
        for client in (self._trading, self._stocks, self._options):
            client._session.close()  # noqa: SLF001  alpaca-py has no close of its own

    def _data(self, asset_class: AssetClass) -> market_data.Get:
        """Return a bounded GET of one kind of market data: the account's breaker is not of it."""
        is_option = asset_class is AssetClass.OPTION
        client, base = (self._options, "/options") if is_option else (self._stocks, "/stocks")
        return lambda path, query: _read(lambda: client.get(f"{base}{path}", dict(query)))

    def _orders(self, status: str, after: dt.datetime | None) -> list[dict[str, Any]]:
        query: dict[str, Any] = {"status": status, "limit": pages.PAGE, "direction": "asc", "nested": False}
        if after is not None:
            query["after"] = after.isoformat()
        return self._read_rows(lambda: self._trading.get("/orders", query))

    def _read_rows(self, call: Callable[[], Any]) -> list[dict[str, Any]]:
        """Return a list of objects; anything else in a 200 is no list of nothing (R14)."""

        def rows() -> list[dict[str, Any]]:
            found = call()
            if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
                raise BrokerUnavailable("unreadable_answer", "the broker's list could not be read")
            return found

        listed: list[dict[str, Any]] = self._read(rows)
        return listed

    def _read(self, call: Callable[[], Any]) -> Any:
        """Make a read of the trading API and tell how it ended."""
        try:
            answer = _read(call)
        except BrokerUnavailable as error:
            self._met(error.reason_code)
            raise
        self._met(None)
        return answer


def _read(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except APIError as error:
        if outcomes.is_no_such_order(error.status_code, str(error)):
            raise _NoSuchOrder("not_found", "the broker has no such order") from None
        raise BrokerUnavailable(f"http_{error.status_code}", f"the broker answered HTTP {error.status_code}") from None
    except requests.RequestException as error:
        raise BrokerUnavailable("unreachable", type(error).__name__) from None
    except outcomes.UNREADABLE:
        raise BrokerUnavailable("unreadable_answer", "the broker's answer could not be read") from None


def _bound(client: Any, adapter: DeadlineAdapter, *, trust_env: bool) -> None:
    """Take the retries out and the deadline in; both attributes are private, so their absence fails closed."""
    if not isinstance(getattr(client, "_session", None), requests.Session) or not hasattr(client, "_retry"):
        raise BrokerUnavailable("sdk_changed", "alpaca-py has no _session or _retry: this version cannot be bounded")
    client._retry = 0  # noqa: SLF001  TradingClient does not expose its retries
    client._session.trust_env = trust_env  # noqa: SLF001  the simulated exchange is never behind a proxy
    for scheme in ("https://", "http://"):
        client._session.mount(scheme, adapter)  # noqa: SLF001  the only way to a timeout
