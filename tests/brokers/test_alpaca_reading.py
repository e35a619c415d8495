"""Reads through the unmodified alpaca-py: whatever cannot be read is unavailable, never nothing."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from brokers.alpaca.adapter import AlpacaBroker
from brokers.protocol import BrokerUnavailable
from domain.order_state import OrderStatus
from domain.orders import AssetClass
from tests.brokers.desk import LIMIT, LONG_AGO, MARKET, OPTION, Desk, new_broker
from tests.brokers.servers import answers, serving
from tests.exchange.helpers import eventually


def test_no_order_under_our_id_is_none(desk: Desk) -> None:
    assert desk.broker.find_order("opt-never") is None


READS: dict[str, Callable[[AlpacaBroker], Any]] = {
    "find_order": lambda broker: broker.find_order("opt-1"),
    "orders_after": lambda broker: broker.orders_after(LONG_AGO),
    "fills_after": lambda broker: broker.fills_after(LONG_AGO),
    "read_account": lambda broker: broker.read_account(),
    "listings": lambda broker: broker.listings(),
    "latest_ask": lambda broker: broker.latest_ask("AAPL", AssetClass.STOCK),
    "latest_ask of an option": lambda broker: broker.latest_ask(OPTION, AssetClass.OPTION),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("kind", ["hang", "429", "504_before", "drop_before"])
def test_a_read_that_fails_is_unavailable_and_never_nothing(desk: Desk, read: str, kind: str) -> None:
    desk.exchange.add_fault(kind, account=desk.account, method="GET", times=None)

    with pytest.raises(BrokerUnavailable):
        READS[read](desk.broker)


NONSENSE = {
    "empty": b"",
    "null": b"null",
    "a string": b'"ok"',
    "a number": b"7",
    "an error": b'{"message": "internal"}',
    "html": b"<html></html>",
    "strings": b'["a", "b"]',
    "nulls": b"[null]",
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("read", ["find_order", "orders_after", "fills_after", "read_account", "listings"])
@pytest.mark.parametrize("body", NONSENSE)
def test_an_unreadable_answer_is_unavailable_and_never_nothing(read: str, body: str) -> None:
    with serving(answers(200, NONSENSE[body])) as server:
        broker = new_broker(server.url)
        with pytest.raises(BrokerUnavailable):
            READS[read](broker)
        broker.close()


@pytest.mark.parametrize("read", ["latest_ask", "latest_ask of an option"])
@pytest.mark.parametrize("body", NONSENSE)
def test_an_unreadable_quote_is_no_ask(read: str, body: str) -> None:
    with serving(answers(200, NONSENSE[body])) as server:
        broker = new_broker(server.url)
        try:
            assert READS[read](broker) is None
        except BrokerUnavailable:
            pass
        finally:
            broker.close()


@pytest.mark.parametrize("body", [b"<html>nginx</html>", b"", b'{"code":40410000,"message":"endpoint not found"}'])
def test_a_gateways_404_is_not_the_brokers_word_about_an_order(body: bytes) -> None:
    with serving(answers(404, body)) as server:
        broker = new_broker(server.url)
        with pytest.raises(BrokerUnavailable, match="404"):
            broker.find_order("opt-1")
        broker.close()


def test_orders_after_a_time_come_oldest_first_whatever_their_state(desk: Desk) -> None:
    desk.place(LIMIT)
    desk.place(MARKET)
    eventually(lambda: (desk.in_books() or {})["status"] == "filled")

    orders = desk.broker.orders_after(LONG_AGO)

    assert [order.client_order_id for order in orders] == [ticket.broker_client_id for ticket in desk.placed]
    assert [order.status for order in orders] == [OrderStatus.ACCEPTED, OrderStatus.FILLED]
    assert desk.broker.orders_after(dt.datetime(2100, 1, 1, tzinfo=dt.UTC)) == []


def test_fills_come_whole_and_oldest_first_over_many_pages(desk: Desk) -> None:
    desk.exchange.set_fills(symbol="F", never=True)
    desk.place(replace(MARKET, symbol="F", qty=Decimal(230)))
    for _ in range(205):
        desk.exchange.release(account=desk.account, qty="1")
    desk.exchange.set_fills(symbol="F", never=None)

    fills = desk.broker.fills_after(LONG_AGO)[:205]

    assert [fill.cum_qty for fill in fills] == [Decimal(count) for count in range(1, 206)]
    assert len({fill.broker_fill_id for fill in fills}) == 205
    assert desk.broker.fills_after(fills[-1].occurred_at + dt.timedelta(hours=1)) == []


def test_a_broker_that_never_stops_paging_is_unavailable() -> None:
    page = b"[" + b",".join([b'{"id": "same"}'] * 100) + b"]"
    with serving(answers(200, page)) as server:
        broker = new_broker(server.url)
        with pytest.raises(BrokerUnavailable, match="more than 5000 fills"):
            broker.fills_after(LONG_AGO)
        broker.close()
    assert len(server.requests) == 50


@pytest.mark.parametrize(("symbol", "asset_class"), [("MSFT", AssetClass.STOCK), (OPTION, AssetClass.OPTION)])
def test_the_ask_is_the_brokers_to_the_cent(desk: Desk, symbol: str, asset_class: AssetClass) -> None:
    desk.exchange.set_price(symbol, bid="12.33", ask="12.34", last="12.33")

    assert desk.broker.latest_ask(symbol, asset_class) == Decimal("12.34")


@pytest.mark.parametrize("symbol", ["NOSUCH", ""])
def test_a_symbol_nobody_quotes_has_no_ask(symbol: str) -> None:
    with serving(answers(200, b'{"quotes": {"AAPL": {"ap": 190.02}}}')) as server:
        broker = new_broker(server.url)
        assert broker.latest_ask(symbol, AssetClass.STOCK) is None
        broker.close()


@pytest.mark.parametrize("ask", [b"0", b"null", b"-1", b'"n/a"'])
def test_an_ask_that_is_no_price_is_none(ask: bytes) -> None:
    with serving(answers(200, b'{"quotes": {"AAPL": {"ap": %s}}}' % ask)) as server:
        broker = new_broker(server.url)
        assert broker.latest_ask("AAPL", AssetClass.STOCK) is None
        broker.close()


@pytest.mark.requirement("ACC-001")
def test_the_account_is_read_with_number_and_cash(desk: Desk) -> None:
    desk.place(LIMIT)
    reading = desk.broker.read_account()

    assert (reading.account_number, reading.cash) == ("PA3DESK00001", Decimal(100_000))
    assert reading.buying_power == Decimal(99_997)  # nets the open order, and so is not what is taken for cash
    assert not reading.trading_blocked


def test_the_listing_names_what_may_be_traded(desk: Desk) -> None:
    listings = {listing.symbol: listing for listing in desk.broker.listings()}

    assert listings["AAPL"].tradable
    assert listings["AAPL"].fractionable
    assert not listings["SNDL"].fractionable


def test_one_row_without_a_symbol_costs_nobody_the_listing() -> None:
    with serving(answers(200, b'[{"name": "?"}, {"symbol": "AAPL", "tradable": true}]')) as server:
        broker = new_broker(server.url)
        assert [listing.symbol for listing in broker.listings()] == ["AAPL"]
        broker.close()
