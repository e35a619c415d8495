"""Every documented trading call of alpaca-py, unmodified, against the exchange: the table of docs/alpaca-calls.md."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import (
    AssetClass,
    OrderClass,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    QueryOrderStatus,
    TimeInForce,
)
from alpaca.trading.requests import (
    ClosePositionRequest,
    CreateWatchlistRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
    UpdateWatchlistRequest,
)

from tests.exchange.helpers import eventually, filled, limit_order, market_order, refusal
from tests.exchange.listening import sdk_stream
from tests.support.exchange import ExchangeProcess

DOCUMENT = Path(__file__).parents[2] / "docs" / "alpaca-calls.md"
SECTION = "## Trading"
CALL_OPTION = "AAPL271217C00200000"


@dataclass(frozen=True)
class Desk:
    """The exchange, a fresh account there, and the SDK's client with its keys (typed as Any, as it returns unions)."""

    exchange: ExchangeProcess
    account: dict[str, Any]
    client: Any

    def hold(self, symbol: str, qty: float) -> None:
        """Buy and wait until it is there."""
        filled(self.client, self.client.submit_order(market_order(symbol, qty)))

    def rest(self, symbol: str = "DIS", qty: float = 2, **fields: Any) -> Any:
        """Place an order that waits far below the market."""
        return self.client.submit_order(limit_order(symbol, qty, price=50, **fields))


@pytest.fixture
def desk(exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient) -> Desk:
    return Desk(exchange, account, client)


def buy(**fields: Any) -> dict[str, Any]:
    return {"symbol": "DIS", "qty": 2, "side": OrderSide.BUY, "time_in_force": TimeInForce.DAY, **fields}


def market(desk: Desk) -> None:
    order = desk.client.submit_order(MarketOrderRequest(**buy()))
    assert order.status is OrderStatus.ACCEPTED
    assert filled(desk.client, order).filled_avg_price == "95.02"


def notional(desk: Desk) -> None:
    order = desk.client.submit_order(MarketOrderRequest(**buy(qty=None, notional=190.04)))
    assert (order.notional, order.qty) == ("190.04", None)
    assert filled(desk.client, order).filled_qty == "2"


def limit(desk: Desk) -> None:
    order = desk.client.submit_order(LimitOrderRequest(**buy(limit_price=96, time_in_force=TimeInForce.GTC)))
    assert (order.limit_price, order.expires_at > order.created_at + timedelta(days=89)) == ("96", True)
    filled(desk.client, order)


def extended(desk: Desk) -> None:
    desk.exchange.set_clock(is_open=False, is_extended=True)
    order = desk.client.submit_order(LimitOrderRequest(**buy(limit_price=96, extended_hours=True)))
    assert order.extended_hours
    filled(desk.client, order)


def option(desk: Desk) -> None:
    order = desk.client.submit_order(LimitOrderRequest(**buy(symbol=CALL_OPTION, limit_price=50)))
    assert filled(desk.client, order).asset_class is AssetClass.US_OPTION


def stop(desk: Desk) -> None:
    order = desk.client.submit_order(StopOrderRequest(**buy(stop_price=97)))
    desk.exchange.set_price("DIS", "98")
    assert filled(desk.client, order).filled_avg_price == "98"


def stop_limit(desk: Desk) -> None:
    order = desk.client.submit_order(StopLimitOrderRequest(**buy(stop_price=97, limit_price=99)))
    desk.exchange.set_price("DIS", "98")
    assert filled(desk.client, order).stop_price == "97"


def trailing_stop(desk: Desk) -> None:
    desk.hold("DIS", 2)
    order = desk.client.submit_order(TrailingStopOrderRequest(**buy(side=OrderSide.SELL, trail_percent=10)))
    assert (order.hwm, order.stop_price) == ("95", "85.5")
    desk.exchange.set_price("DIS", "85")
    filled(desk.client, order)


def bracket(desk: Desk) -> None:
    exits = {"take_profit": TakeProfitRequest(limit_price=100), "stop_loss": StopLossRequest(stop_price=90)}
    order = desk.client.submit_order(MarketOrderRequest(**buy(order_class=OrderClass.BRACKET, **exits)))
    assert [leg.type for leg in order.legs] == [OrderType.LIMIT, OrderType.STOP]
    filled(desk.client, order)
    desk.exchange.set_price("DIS", "101")
    filled(desk.client, order.legs[0])
    assert desk.client.get_order_by_id(order.legs[1].id).status is OrderStatus.CANCELED


def one_cancels_other(desk: Desk) -> None:
    desk.hold("DIS", 2)
    exits = {"take_profit": TakeProfitRequest(limit_price=100), "stop_loss": StopLossRequest(stop_price=90)}
    order = desk.client.submit_order(LimitOrderRequest(**buy(side=OrderSide.SELL, order_class=OrderClass.OCO, **exits)))
    desk.exchange.set_price("DIS", "89")
    filled(desk.client, order.legs[0])
    assert desk.client.get_order_by_id(order.id).status is OrderStatus.CANCELED


def one_triggers_other(desk: Desk) -> None:
    exits = {"stop_loss": StopLossRequest(stop_price=90, limit_price=89)}
    order = desk.client.submit_order(MarketOrderRequest(**buy(order_class=OrderClass.OTO, **exits)))
    filled(desk.client, order)
    assert [leg.type for leg in order.legs] == [OrderType.STOP_LIMIT]


def orders(desk: Desk) -> None:
    first, second = desk.rest(), desk.rest("KO")
    wanted = GetOrdersRequest(
        status=QueryOrderStatus.OPEN, limit=10, nested=True, symbols=["DIS", "KO"], side=OrderSide.BUY
    )
    assert [order.id for order in desk.client.get_orders(wanted)] == [second.id, first.id]
    since = GetOrdersRequest(after=first.submitted_at - timedelta(seconds=1), until=datetime.now(UTC))  # noqa: TID251  real clock
    assert len(desk.client.get_orders(since)) == 2


def order_by_id(desk: Desk) -> None:
    order = desk.rest()
    assert desk.client.get_order_by_id(order.id, GetOrderByIdRequest(nested=True)).legs is None
    assert desk.client.get_order_by_id(order.id).status is OrderStatus.NEW


def order_by_client_id(desk: Desk) -> None:
    order = desk.rest(client_order_id="mine")
    assert desk.client.get_order_by_client_id("mine").id == order.id


def replace(desk: Desk) -> None:
    old = desk.rest()
    new = desk.client.replace_order_by_id(old.id, ReplaceOrderRequest(qty=3, limit_price=51, client_order_id="new"))
    assert (new.replaces, new.qty, new.limit_price, new.client_order_id) == (old.id, "3", "51", "new")
    assert desk.client.get_order_by_id(old.id).replaced_by == new.id


def cancel(desk: Desk) -> None:
    order = desk.rest()
    assert desk.client.cancel_order_by_id(order.id) is None
    assert desk.client.get_order_by_id(order.id).canceled_at is not None


def cancel_all(desk: Desk) -> None:
    resting = {desk.rest().id, desk.rest("KO").id}
    assert {(answer.id, answer.status) for answer in desk.client.cancel_orders()} == {(key, 200) for key in resting}


def positions(desk: Desk) -> None:
    desk.hold("DIS", 4)
    (held,) = desk.client.get_all_positions()
    assert (held.symbol, held.qty, held.side, held.avg_entry_price) == ("DIS", "4", PositionSide.LONG, "95.02")
    assert (held.cost_basis, held.market_value, held.unrealized_pl) == ("380.08", "380", "-0.08")


def position(desk: Desk) -> None:
    desk.hold("DIS", 4)
    held = desk.client.get_open_position("DIS")
    assert desk.client.get_open_position(held.asset_id).qty_available == "4"
    assert refusal(lambda: desk.client.get_open_position("KO"))[0] == 404


def close(desk: Desk) -> None:
    desk.hold("DIS", 4)
    filled(desk.client, desk.client.close_position("DIS", ClosePositionRequest(qty="1")))
    filled(desk.client, desk.client.close_position("DIS", ClosePositionRequest(percentage="50")))
    filled(desk.client, desk.client.close_position("DIS"))
    assert desk.client.get_all_positions() == []


def close_all(desk: Desk) -> None:
    desk.hold("DIS", 4)
    resting = desk.rest("KO")
    (answer,) = desk.client.close_all_positions(cancel_orders=True)
    assert (answer.symbol, answer.status, answer.body.side) == ("DIS", 200, OrderSide.SELL)
    assert desk.client.get_order_by_id(resting.id).status is OrderStatus.CANCELED


def exercise(desk: Desk) -> None:
    desk.hold(CALL_OPTION, 1)
    cash = Decimal(desk.client.get_account().cash)
    desk.client.exercise_options_position(CALL_OPTION)
    (held,) = desk.client.get_all_positions()
    assert (held.symbol, held.qty, held.avg_entry_price) == ("AAPL", "100", "200")
    assert Decimal(desk.client.get_account().cash) == cash - 20_000


def portfolio(desk: Desk) -> None:
    desk.hold("DIS", 10)
    desk.exchange.set_price("DIS", "100")
    wanted = GetPortfolioHistoryRequest(period="1D", timeframe="5Min", intraday_reporting="continuous")
    history = desk.client.get_portfolio_history(wanted)
    assert (history.timeframe, history.base_value, history.equity[-1], history.profit_loss[-1]) == (
        "5Min",
        100_000,
        100_049.8,
        49.8,
    )
    assert len(history.timestamp) == len(history.equity) == len(history.profit_loss_pct)
    assert desk.client.get_portfolio_history().timeframe == "1D"


def account(desk: Desk) -> None:
    read = desk.client.get_account()
    assert (read.status.value, read.cash, read.last_equity) == ("ACTIVE", "100000", "100000")


def configurations(desk: Desk) -> None:
    read = desk.client.get_account_configurations()
    assert (read.suspend_trade, read.no_shorting, read.fractional_trading) == (False, False, True)


def configure(desk: Desk) -> None:
    read = desk.client.get_account_configurations()
    read.suspend_trade = True
    assert desk.client.set_account_configurations(read) == read == desk.client.get_account_configurations()
    assert refusal(desk.rest)[1]["message"] == "new orders are rejected by user request"


def activities(desk: Desk) -> None:
    desk.hold("DIS", 4)
    (activity,) = desk.client.get("/account/activities", {"activity_types": "FILL"})
    assert (activity["qty"], activity["order_status"]) == ("4", "filled")


def watchlist_made(desk: Desk) -> Any:
    return desk.client.create_watchlist(CreateWatchlistRequest(name="mine", symbols=["AAPL", "DIS"]))


def create_watchlist(desk: Desk) -> None:
    assert [asset.symbol for asset in watchlist_made(desk).assets] == ["AAPL", "DIS"]


def watchlists(desk: Desk) -> None:
    made = watchlist_made(desk)
    assert [(each.id, each.name, each.assets) for each in desk.client.get_watchlists()] == [(made.id, "mine", None)]


def watchlist_by_id(desk: Desk) -> None:
    made = watchlist_made(desk)
    assert desk.client.get_watchlist_by_id(made.id) == made


def update_watchlist(desk: Desk) -> None:
    made = watchlist_made(desk)
    changed = desk.client.update_watchlist_by_id(made.id, UpdateWatchlistRequest(name="ours", symbols=["KO"]))
    assert (changed.name, [asset.symbol for asset in changed.assets]) == ("ours", ["KO"])


def add_to_watchlist(desk: Desk) -> None:
    added = desk.client.add_asset_to_watchlist_by_id(watchlist_made(desk).id, "KO")
    assert [asset.symbol for asset in added.assets] == ["AAPL", "DIS", "KO"]


def remove_from_watchlist(desk: Desk) -> None:
    left = desk.client.remove_asset_from_watchlist_by_id(watchlist_made(desk).id, "AAPL")
    assert [asset.symbol for asset in left.assets] == ["DIS"]


def delete_watchlist(desk: Desk) -> None:
    assert desk.client.delete_watchlist_by_id(watchlist_made(desk).id) is None
    assert desk.client.get_watchlists() == []


def stream(desk: Desk) -> None:
    with sdk_stream(desk.exchange, desk.account) as heard:
        order = desk.client.submit_order(MarketOrderRequest(**buy()))
        eventually(lambda: len(heard) == 2)
    new, fill = heard
    assert (new.event, fill.event, fill.order.id) == ("new", "fill", order.id)
    assert (fill.price, fill.qty, fill.position_qty) == (95.02, 2, 2)
    assert fill.execution_id != new.execution_id


CALLS: dict[str, Callable[[Desk], None]] = {
    "TradingClient.submit_order(MarketOrderRequest)": market,
    "TradingClient.submit_order(MarketOrderRequest), by notional value": notional,
    "TradingClient.submit_order(LimitOrderRequest)": limit,
    "TradingClient.submit_order(LimitOrderRequest), in extended hours": extended,
    "TradingClient.submit_order(LimitOrderRequest), of an option": option,
    "TradingClient.submit_order(StopOrderRequest)": stop,
    "TradingClient.submit_order(StopLimitOrderRequest)": stop_limit,
    "TradingClient.submit_order(TrailingStopOrderRequest)": trailing_stop,
    "TradingClient.submit_order(MarketOrderRequest), a bracket": bracket,
    "TradingClient.submit_order(LimitOrderRequest), one cancels other": one_cancels_other,
    "TradingClient.submit_order(MarketOrderRequest), one triggers other": one_triggers_other,
    "TradingClient.get_orders(GetOrdersRequest)": orders,
    "TradingClient.get_order_by_id": order_by_id,
    "TradingClient.get_order_by_client_id": order_by_client_id,
    "TradingClient.replace_order_by_id(ReplaceOrderRequest)": replace,
    "TradingClient.cancel_order_by_id": cancel,
    "TradingClient.cancel_orders": cancel_all,
    "TradingClient.get_all_positions": positions,
    "TradingClient.get_open_position": position,
    "TradingClient.close_position(ClosePositionRequest)": close,
    "TradingClient.close_all_positions": close_all,
    "TradingClient.exercise_options_position": exercise,
    "TradingClient.get_portfolio_history(GetPortfolioHistoryRequest)": portfolio,
    "TradingClient.get_account": account,
    "TradingClient.get_account_configurations": configurations,
    "TradingClient.set_account_configurations": configure,
    'TradingClient.get("/account/activities")': activities,
    "TradingClient.create_watchlist(CreateWatchlistRequest)": create_watchlist,
    "TradingClient.get_watchlists": watchlists,
    "TradingClient.get_watchlist_by_id": watchlist_by_id,
    "TradingClient.update_watchlist_by_id(UpdateWatchlistRequest)": update_watchlist,
    "TradingClient.add_asset_to_watchlist_by_id": add_to_watchlist,
    "TradingClient.remove_asset_from_watchlist_by_id": remove_from_watchlist,
    "TradingClient.delete_watchlist_by_id": delete_watchlist,
    "TradingStream.subscribe_trade_updates": stream,
}
ELSEWHERE = {
    "get_all_assets",
    "get_asset",
    "get_clock",
    "get_calendar",
    "get_corporate_announcements",
    "get_corporate_announcement_by_id",
    "get_option_contracts",
    "get_option_contract",
}
"""Reference data, which test_sdk_data.py calls."""


@pytest.mark.parametrize("call", CALLS)
def test_the_unmodified_sdk_call_is_answered(desk: Desk, call: str) -> None:
    CALLS[call](desk)


def test_no_trading_call_of_the_sdk_is_left_out() -> None:
    own = {name for name in vars(TradingClient) if not name.startswith("_")}
    called = {name.partition(".")[2].partition("(")[0].partition(",")[0] for name in CALLS}
    assert own - ELSEWHERE - called == set()


def test_the_document_names_exactly_these_calls() -> None:
    assert documented() == [f"| `{call}` | passed |" for call in CALLS]


def documented() -> list[str]:
    """The rows of the document's own section, without the table's head."""
    section = DOCUMENT.read_text().partition(f"{SECTION}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| `")]
