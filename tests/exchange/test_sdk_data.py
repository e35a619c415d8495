"""Every call that alpaca-py documents for market data and reference, made by the unmodified SDK against the exchange.

`docs/alpaca-calls.md` names the same calls; `CALLS` is where a new one is added.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alpaca.data.enums import Adjustment, DataFeed, MarketType, MostActivesBy
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.news import NewsClient
from alpaca.data.historical.option import OptionHistoricalDataClient
from alpaca.data.historical.screener import ScreenerClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.requests import (
    CorporateActionsRequest,
    MarketMoversRequest,
    MostActivesRequest,
    NewsRequest,
    OptionBarsRequest,
    OptionChainRequest,
    OptionLatestQuoteRequest,
    OptionLatestTradeRequest,
    OptionSnapshotRequest,
    OptionTradesRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import AssetClass, AssetExchange, AssetStatus, ContractType, CorporateActionType
from alpaca.trading.requests import (
    GetAssetsRequest,
    GetCalendarRequest,
    GetCorporateAnnouncementsRequest,
    GetOptionContractsRequest,
)

from tests.exchange.helpers import refusal
from tests.support.exchange import ExchangeProcess

DOCUMENT = Path(__file__).parents[2] / "docs" / "alpaca-calls.md"
CALL, PUT = "AAPL271217C00200000", "AAPL271217P00200000"
OPEN, CLOSE = datetime(2026, 11, 5, 14, 30, tzinfo=UTC), datetime(2026, 11, 5, 21, tzinfo=UTC)
"""A Thursday's session of 390 minutes, before any exchange of these tests was opened."""
WEEK: dict[str, Any] = {"start": datetime(2026, 11, 2, tzinfo=UTC), "end": datetime(2026, 11, 7, tzinfo=UTC)}


@dataclass(frozen=True)
class Clients:
    stocks: StockHistoricalDataClient
    options: OptionHistoricalDataClient
    screener: ScreenerClient
    news: NewsClient
    actions: CorporateActionsClient
    trading: TradingClient


@pytest.fixture(scope="module")
def clients(running: ExchangeProcess) -> Iterator[Clients]:
    account = running.add_account("data-reader")
    keys: dict[str, Any] = {
        "api_key": account["key_id"],
        "secret_key": account["secret_key"],
        "url_override": running.url,
    }
    made = Clients(
        StockHistoricalDataClient(**keys),
        OptionHistoricalDataClient(**keys),
        ScreenerClient(**keys),
        NewsClient(**keys),
        CorporateActionsClient(**keys),
        TradingClient(**keys),
    )
    for client in vars(made).values():
        client._session.trust_env = False
        client._retry = 0
    yield made
    for client in vars(made).values():
        client._session.close()


def stock_bars(clients: Clients) -> None:
    request = StockBarsRequest(
        symbol_or_symbols=["AAPL", "SPY", "NOPE"],
        timeframe=TimeFrame(30, TimeFrameUnit.Minute),
        start=OPEN,
        end=CLOSE - timedelta(minutes=1),
        adjustment=Adjustment.ALL,
        feed=DataFeed.IEX,
    )
    found: Any = clients.stocks.get_stock_bars(request)
    assert {symbol: len(bars) for symbol, bars in found.data.items()} == {"AAPL": 13, "SPY": 13}
    assert found["AAPL"][0].timestamp == OPEN
    daily: Any = clients.stocks.get_stock_bars(
        StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame.Day, **WEEK)
    )
    thursday = daily["AAPL"][3]
    assert thursday.volume == sum(bar.volume for bar in found["AAPL"])
    assert (thursday.high, thursday.low) == (max(b.high for b in found["AAPL"]), min(b.low for b in found["AAPL"]))


def stock_quotes(clients: Clients) -> None:
    request = StockQuotesRequest(symbol_or_symbols="KO", start=OPEN, end=OPEN + timedelta(minutes=4))
    quotes: Any = clients.stocks.get_stock_quotes(request)
    assert len(quotes["KO"]) == 5
    assert all(0 < quote.bid_price < quote.ask_price for quote in quotes["KO"])


def stock_trades(clients: Clients) -> None:
    within: dict[str, Any] = {"symbol_or_symbols": "KO", "start": OPEN, "end": OPEN + timedelta(seconds=59)}
    trades: Any = clients.stocks.get_stock_trades(StockTradesRequest(**within))
    (bar,) = clients.stocks.get_stock_bars(StockBarsRequest(timeframe=TimeFrame.Minute, **within))["KO"]
    prices = [trade.price for trade in trades["KO"]]
    assert (bar.open, bar.high, bar.low, bar.close) == (prices[0], max(prices), min(prices), prices[-1])
    assert (bar.volume, bar.trade_count) == (sum(trade.size for trade in trades["KO"]), len(prices))


def latest_trade(clients: Clients) -> None:
    found: Any = clients.stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=["KO", "BRK.B"]))
    assert (found["KO"].price, found["BRK.B"].price) == (70, 460)


def latest_quote(clients: Clients) -> None:
    found: Any = clients.stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="KO"))
    assert (found["KO"].bid_price, found["KO"].ask_price) == (69.99, 70.01)


def latest_bar(clients: Clients) -> None:
    found: Any = clients.stocks.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="KO"))
    assert (found["KO"].close, found["KO"].timestamp.second) == (70, 0)


def stock_snapshot(clients: Clients) -> None:
    found: Any = clients.stocks.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["KO", "F"]))["KO"]
    assert found.latest_trade.price == found.minute_bar.close == found.daily_bar.close == 70
    assert found.previous_daily_bar.timestamp < found.daily_bar.timestamp


def option_bars(clients: Clients) -> None:
    request = OptionBarsRequest(symbol_or_symbols=[CALL, PUT], timeframe=TimeFrame.Day, **WEEK)
    found: Any = clients.options.get_option_bars(request)
    assert {symbol: len(bars) for symbol, bars in found.data.items()} == {CALL: 5, PUT: 5}
    assert all(0 < bar.low <= bar.vwap <= bar.high for bar in found[CALL])


def option_exchange_codes(clients: Clients) -> None:
    assert "Cboe" in clients.options.get_option_exchange_codes()["C"]


def option_latest_quote(clients: Clients) -> None:
    found: Any = clients.options.get_option_latest_quote(OptionLatestQuoteRequest(symbol_or_symbols=[CALL, PUT]))
    assert 0 < found[CALL].bid_price < found[CALL].ask_price < found[PUT].bid_price


def option_latest_trade(clients: Clients) -> None:
    found: Any = clients.options.get_option_latest_trade(OptionLatestTradeRequest(symbol_or_symbols=CALL))
    quote: Any = clients.options.get_option_latest_quote(OptionLatestQuoteRequest(symbol_or_symbols=CALL))
    assert quote[CALL].bid_price < found[CALL].price < quote[CALL].ask_price


def option_trades(clients: Clients) -> None:
    request = OptionTradesRequest(symbol_or_symbols=CALL, start=OPEN, end=OPEN + timedelta(minutes=10), limit=30)
    found: Any = clients.options.get_option_trades(request)
    assert len(found[CALL]) == 30
    assert found[CALL][0].timestamp == OPEN


def option_snapshot(clients: Clients) -> None:
    found: Any = clients.options.get_option_snapshot(OptionSnapshotRequest(symbol_or_symbols=[CALL, PUT]))
    assert 0 < found[CALL].greeks.delta < 1
    assert -1 < found[PUT].greeks.delta < 0
    assert found[CALL].implied_volatility > 0
    assert found[CALL].latest_trade.price > 0


def option_chain(clients: Clients) -> None:
    everything: Any = clients.options.get_option_chain(OptionChainRequest(underlying_symbol="AAPL"))
    assert len(everything) > 1000  # more than a page
    assert {CALL, PUT} <= set(everything)
    request = OptionChainRequest(
        underlying_symbol="AAPL",
        type=ContractType.CALL,
        expiration_date=date(2027, 12, 17),
        strike_price_gte=195,
        strike_price_lte=205,
        root_symbol="AAPL",
    )
    found: Any = clients.options.get_option_chain(request)
    assert sorted(found) == ["AAPL271217C00195000", CALL, "AAPL271217C00205000"]


def most_actives(clients: Clients) -> None:
    found: Any = clients.screener.get_most_actives(MostActivesRequest(by=MostActivesBy.TRADES, top=3))
    assert len(found.most_actives) == 3


def market_movers(clients: Clients) -> None:
    found: Any = clients.screener.get_market_movers(MarketMoversRequest(top=5))
    changes = [stock.percent_change for stock in found.gainers]
    assert changes == sorted(changes, reverse=True)
    assert all(stock.percent_change < 0 for stock in found.losers)
    nothing: Any = clients.screener.get_market_movers(MarketMoversRequest(market_type=MarketType.CRYPTO))
    assert nothing.gainers == []


def news(clients: Clients) -> None:
    found: Any = clients.news.get_news(NewsRequest(symbols="AAPL", **WEEK))
    assert found.data == {"news": []}


def corporate_actions(clients: Clients) -> None:
    request = CorporateActionsRequest(symbols=["AAPL"], start=date(2026, 1, 1), end=date(2026, 11, 1))
    found: Any = clients.actions.get_corporate_actions(request)
    assert found.data == {}


def all_assets(clients: Clients) -> None:
    request = GetAssetsRequest(
        status=AssetStatus.ACTIVE,
        asset_class=AssetClass.US_EQUITY,
        exchange=AssetExchange.ARCA,
        attributes="has_options",
    )
    found: Any = clients.trading.get_all_assets(request)
    assert [asset.symbol for asset in found] == ["SPY", "IWM"]


def asset(clients: Clients) -> None:
    found: Any = clients.trading.get_asset("BRK.B")
    assert clients.trading.get_asset(found.id) == found
    assert found.exchange is AssetExchange.NYSE


def clock(clients: Clients) -> None:
    found: Any = clients.trading.get_clock()
    assert found.is_open
    assert (found.next_open.hour, found.next_open.minute) == (9, 30)
    assert found.next_close.hour in {13, 16}
    assert min(found.next_open, found.next_close) > found.timestamp


def calendar(clients: Clients) -> None:
    request = GetCalendarRequest(start=date(2026, 11, 25), end=date(2026, 11, 30))
    days: Any = clients.trading.get_calendar(request)
    # Thanksgiving is missing, and the day after it ends early
    assert [(day.date.day, day.close.hour) for day in days] == [(25, 16), (27, 13), (30, 16)]
    assert {(day.open.hour, day.open.minute) for day in days} == {(9, 30)}


def option_contracts(clients: Clients) -> None:
    request = GetOptionContractsRequest(
        underlying_symbols=["AAPL", "KO"],
        expiration_date=date(2027, 12, 17),
        type=ContractType.PUT,
        strike_price_lte="60",
        limit=2,
    )
    found: Any = clients.trading.get_option_contracts(request)
    request = request.model_copy(update={"page_token": found.next_page_token, "limit": 100})
    rest: Any = clients.trading.get_option_contracts(request)
    strikes = [contract.strike_price for contract in (*found.option_contracts, *rest.option_contracts)]
    assert (len(found.option_contracts), strikes) == (2, [40, 45, 50, 55, 60])
    assert {contract.underlying_symbol for contract in found.option_contracts} == {"KO"}
    assert rest.next_page_token is None


def option_contract(clients: Clients) -> None:
    found: Any = clients.trading.get_option_contract(CALL)
    assert (found.symbol, found.strike_price, found.size) == (CALL, 200, "100")
    assert clients.trading.get_option_contract(found.id) == found


def announcements(clients: Clients) -> None:
    request = GetCorporateAnnouncementsRequest(
        ca_types=[CorporateActionType.DIVIDEND], since=date(2026, 10, 1), until=date(2026, 11, 1)
    )
    with pytest.deprecated_call():
        assert clients.trading.get_corporate_announcements(request) == []


def announcement(clients: Clients) -> None:
    status, body = refusal(lambda: clients.trading.get_corporate_announcement_by_id(uuid.UUID(int=1)))
    assert (status, body["code"]) == (404, 40410000)


CALLS: dict[str, Callable[[Clients], None]] = {
    "StockHistoricalDataClient.get_stock_bars": stock_bars,
    "StockHistoricalDataClient.get_stock_quotes": stock_quotes,
    "StockHistoricalDataClient.get_stock_trades": stock_trades,
    "StockHistoricalDataClient.get_stock_latest_trade": latest_trade,
    "StockHistoricalDataClient.get_stock_latest_quote": latest_quote,
    "StockHistoricalDataClient.get_stock_latest_bar": latest_bar,
    "StockHistoricalDataClient.get_stock_snapshot": stock_snapshot,
    "OptionHistoricalDataClient.get_option_bars": option_bars,
    "OptionHistoricalDataClient.get_option_exchange_codes": option_exchange_codes,
    "OptionHistoricalDataClient.get_option_latest_quote": option_latest_quote,
    "OptionHistoricalDataClient.get_option_latest_trade": option_latest_trade,
    "OptionHistoricalDataClient.get_option_trades": option_trades,
    "OptionHistoricalDataClient.get_option_snapshot": option_snapshot,
    "OptionHistoricalDataClient.get_option_chain": option_chain,
    "ScreenerClient.get_most_actives": most_actives,
    "ScreenerClient.get_market_movers": market_movers,
    "NewsClient.get_news": news,
    "CorporateActionsClient.get_corporate_actions": corporate_actions,
    "TradingClient.get_all_assets": all_assets,
    "TradingClient.get_asset": asset,
    "TradingClient.get_clock": clock,
    "TradingClient.get_calendar": calendar,
    "TradingClient.get_option_contracts": option_contracts,
    "TradingClient.get_option_contract": option_contract,
    "TradingClient.get_corporate_announcements": announcements,
    "TradingClient.get_corporate_announcement_by_id": announcement,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_sdk_is_answered(call: Callable[[Clients], None], clients: Clients) -> None:
    call(clients)


def test_no_call_for_market_data_is_left_out() -> None:
    whole = (StockHistoricalDataClient, OptionHistoricalDataClient, ScreenerClient, NewsClient, CorporateActionsClient)
    documented = {f"{client.__name__}.{name}" for client in whole for name in vars(client) if name.startswith("get_")}
    assert documented == {name for name in CALLS if not name.startswith("TradingClient")}


def test_the_document_names_exactly_these_calls() -> None:
    _, _, after = DOCUMENT.read_text(encoding="utf-8").partition("\n## Market data and reference\n")
    rows = [line.split("|")[1:3] for line in after.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    assert {name.strip(" `"): state.strip() for name, state in rows} == dict.fromkeys(CALLS, "passed")
