"""Account, assets, clock, prices and fills parse into the unmodified client's typed models."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from alpaca.data.historical.option import OptionHistoricalDataClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.requests import (
    OptionLatestQuoteRequest,
    OptionLatestTradeRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
)
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import AccountStatus, AssetClass, AssetExchange
from alpaca.trading.requests import GetAssetsRequest

from tests.exchange.helpers import filled, market_order, refusal, submit
from tests.support.exchange import ExchangeProcess

if TYPE_CHECKING:
    from alpaca.common.rest import RESTClient
    from alpaca.trading.models import Asset, Clock, TradeAccount

CALL, PUT = "AAPL271217C00200000", "AAPL271217P00200000"


@pytest.fixture
def stocks(exchange: ExchangeProcess, account: dict[str, Any]) -> Iterator[StockHistoricalDataClient]:
    client = StockHistoricalDataClient(account["key_id"], account["secret_key"], url_override=exchange.url)
    yield from _closing(client)


@pytest.fixture
def options(exchange: ExchangeProcess, account: dict[str, Any]) -> Iterator[OptionHistoricalDataClient]:
    client = OptionHistoricalDataClient(account["key_id"], account["secret_key"], url_override=exchange.url)
    yield from _closing(client)


def _closing(client: Any) -> Iterator[Any]:
    client._session.trust_env = False
    client._retry = 0
    yield client
    cast("RESTClient", client)._session.close()


def test_the_account_has_its_number_and_money_as_strings(client: TradingClient) -> None:
    read = cast("TradeAccount", client.get_account())
    assert read.status is AccountStatus.ACTIVE
    assert (read.cash, read.equity, read.multiplier) == ("100000", "100000", "1")
    assert len(read.account_number) == 12
    assert read.account_number.startswith("PA3")


def test_equity_follows_the_last_price(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_price("IWM", "100")
    filled(client, submit(client, market_order("IWM", 10)))
    exchange.set_price("IWM", "110")
    read = cast("TradeAccount", client.get_account())
    assert (read.equity, read.long_market_value) == ("100100", "1100")


def test_assets_are_listed_and_found_by_symbol_or_id(client: TradingClient) -> None:
    assets = cast("list[Asset]", client.get_all_assets())
    assert len(assets) >= 20
    nyse = cast("list[Asset]", client.get_all_assets(GetAssetsRequest(exchange=AssetExchange.NYSE)))
    assert {asset.exchange for asset in nyse} == {AssetExchange.NYSE}
    assert client.get_all_assets(GetAssetsRequest(asset_class=AssetClass.CRYPTO)) == []
    apple = cast("Asset", client.get_asset("AAPL"))
    assert cast("Asset", client.get_asset(str(apple.id))) == apple
    assert refusal(lambda: client.get_asset("NOPE"))[0] == 404


def test_the_clock_is_open_and_speaks_new_york_time(exchange: ExchangeProcess, client: TradingClient) -> None:
    clock = cast("Clock", client.get_clock())
    assert clock.is_open
    assert clock.timestamp.utcoffset() in {timedelta(hours=-4), timedelta(hours=-5)}
    assert min(clock.next_open, clock.next_close) > clock.timestamp
    exchange.set_clock(is_open=False)
    assert not cast("Clock", client.get_clock()).is_open


def test_stock_prices_stand_still_until_scripted(exchange: ExchangeProcess, stocks: StockHistoricalDataClient) -> None:
    wanted = StockLatestQuoteRequest(symbol_or_symbols=["NVDA", "SNDL", "NOPE"])
    quotes: Any = stocks.get_stock_latest_quote(wanted)
    assert set(quotes) == {"NVDA", "SNDL"}
    assert (quotes["NVDA"].bid_price, quotes["NVDA"].ask_price, quotes["SNDL"].ask_price) == (119.98, 120.02, 0.501)
    again: Any = stocks.get_stock_latest_quote(wanted)
    assert {s: (q.bid_price, q.ask_price) for s, q in again.items()} == {
        s: (q.bid_price, q.ask_price) for s, q in quotes.items()
    }
    exchange.set_price("NVDA", bid="130", ask="130.1", last="130.05")
    trades: Any = stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="NVDA"))
    moved: Any = stocks.get_stock_latest_quote(wanted)
    assert (trades["NVDA"].price, moved["NVDA"].ask_price) == (130.05, 130.1)


def test_option_prices_follow_their_stock(exchange: ExchangeProcess, options: OptionHistoricalDataClient) -> None:
    wanted = OptionLatestQuoteRequest(symbol_or_symbols=[CALL, PUT, "NOPE271217C00200000"])
    before: Any = options.get_option_latest_quote(wanted)
    assert set(before) == {CALL, PUT}
    assert 0 < before[CALL].bid_price < before[CALL].ask_price
    exchange.set_price("AAPL", "220")
    after: Any = options.get_option_latest_quote(wanted)
    exchange.set_price("AAPL", bid="189.98", ask="190.02", last="190")
    assert after[CALL].bid_price > before[CALL].bid_price
    assert after[PUT].bid_price < before[PUT].bid_price
    trades: Any = options.get_option_latest_trade(OptionLatestTradeRequest(symbol_or_symbols=CALL))
    assert before[CALL].bid_price < trades[CALL].price < before[CALL].ask_price


def test_more_than_a_hundred_options_are_refused(options: OptionHistoricalDataClient) -> None:
    symbols = [f"AAPL271217C{strike:08d}" for strike in range(1000, 102_000, 1000)]
    wanted = OptionLatestQuoteRequest(symbol_or_symbols=symbols)
    assert refusal(lambda: options.get_option_latest_quote(wanted))[0] == 400


@pytest.fixture
def two_fills(exchange: ExchangeProcess, client: TradingClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """4 and then 6 of one order for 10."""
    exchange.set_fills(never=True)
    order = submit(client, market_order("DIS", 10))
    exchange.release(client_order_id=order.client_order_id, qty=4)
    exchange.release(client_order_id=order.client_order_id)
    rest, first = _fills(client)
    assert first["order_id"] == rest["order_id"] == str(order.id)
    return first, rest


def test_fills_tell_how_far_their_order_was(two_fills: tuple[dict[str, Any], dict[str, Any]]) -> None:
    names = ("type", "qty", "cum_qty", "leaves_qty", "order_status", "price")
    first, rest = ([fill[name] for name in names] for fill in two_fills)
    assert first == ["partial_fill", "4", "4", "6", "partially_filled", "95.02"]
    assert rest == ["fill", "6", "10", "0", "filled", "95.02"]
    assert [len(part) for part in two_fills[0]["id"].partition("::")] == [17, 2, 36]


def test_fills_come_in_pages(client: TradingClient, two_fills: tuple[dict[str, Any], dict[str, Any]]) -> None:
    first, rest = two_fills
    assert _fills(client, page_size=1) == [rest]
    assert _fills(client, page_size=1, page_token=rest["id"]) == [first]
    assert _fills(client, page_token=first["id"]) == []
    assert _fills(client, direction="asc", page_token=first["id"]) == [rest]
    assert refusal(lambda: _fills(client, page_size=101))[0] == 422
    assert refusal(lambda: _fills(client, page_token="nothing"))[0] == 422


def test_fills_filter_by_time_and_type(client: TradingClient, two_fills: tuple[dict[str, Any], dict[str, Any]]) -> None:
    first, rest = two_fills
    begun, tomorrow = "2020-01-01", (datetime.now(UTC) + timedelta(days=1)).isoformat()  # noqa: TID251  real clock
    assert _fills(client, after=begun, until=tomorrow, direction="asc") == [first, rest]
    assert _fills(client, after=tomorrow) == []
    assert _fills(client, until=begun) == []
    assert client.get("/account/activities", {"activity_types": "FILL"}) == [rest, first]
    assert client.get("/account/activities/DIV") == []


def _fills(client: TradingClient, **query: Any) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", client.get("/account/activities/FILL", query))
