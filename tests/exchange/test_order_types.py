"""Every type of order through the unmodified client: when it fills, at what price, and what it holds meanwhile."""

from decimal import Decimal
from typing import Any, cast

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, PositionIntent, TimeInForce
from alpaca.trading.models import Order
from alpaca.trading.requests import (
    LimitOrderRequest,
    MarketOrderRequest,
    StopLimitOrderRequest,
    StopOrderRequest,
    TrailingStopOrderRequest,
)

from tests.exchange.helpers import eventually, filled, limit_order, market_order, refusal, submit
from tests.support.exchange import ExchangeProcess

OPTION = "AAPL271217C00200000"
DAY = {"symbol": "DIS", "qty": 2, "time_in_force": TimeInForce.DAY}


def placed(client: TradingClient, request: Any) -> Order:
    return cast("Order", client.submit_order(request))


def status(client: TradingClient, order: Order) -> str:
    return str(cast("Order", client.get_order_by_id(order.id)).status.value)


def ended(client: TradingClient, order: Order) -> str:
    return eventually(lambda: ((now := status(client, order)) in {"filled", "canceled"} and now) or None)


def own(client: TradingClient, symbol: str = "DIS", qty: float = 5) -> None:
    filled(client, submit(client, market_order(symbol, qty)))


def test_a_stop_buy_waits_for_the_last_trade(exchange: ExchangeProcess, client: TradingClient) -> None:
    order = placed(client, StopOrderRequest(**DAY, side=OrderSide.BUY, stop_price=96))
    exchange.set_price("DIS", bid="95.90", ask="95.97", last="95.99")
    assert (status(client, order), order.stop_price) == ("new", "96")
    exchange.set_price("DIS", bid="96.05", ask="96.10", last="96")
    assert filled(client, order).filled_avg_price == "96.1"


def test_a_stop_sell_protects_what_is_held(exchange: ExchangeProcess, client: TradingClient) -> None:
    own(client)
    order = placed(client, StopOrderRequest(**DAY, side=OrderSide.SELL, stop_price=94))
    exchange.set_price("DIS", bid="93.90", ask="94.00", last="93.95")
    assert filled(client, order).filled_avg_price == "93.9"


def test_a_stop_that_is_reached_already_fills_at_once(client: TradingClient) -> None:
    order = placed(client, StopOrderRequest(**DAY, side=OrderSide.BUY, stop_price=90))
    assert filled(client, order).filled_avg_price == "95.02"


def test_a_stop_limit_fills_within_its_limit_alone(exchange: ExchangeProcess, client: TradingClient) -> None:
    order = placed(client, StopLimitOrderRequest(**DAY, side=OrderSide.BUY, stop_price=96, limit_price=96.5))
    exchange.set_price("DIS", bid="96.80", ask="97", last="97")
    exchange.set_price("DIS", bid="96.60", ask="96.70", last="95")  # triggered stays triggered
    assert status(client, order) == "new"
    exchange.set_price("DIS", bid="96.30", ask="96.40", last="95")
    assert filled(client, order).filled_avg_price == "96.4"


@pytest.mark.parametrize("trail", [{"trail_price": 2}, {"trail_percent": 2}])
def test_a_trailing_stop_follows_the_market(
    exchange: ExchangeProcess, client: TradingClient, trail: dict[str, float]
) -> None:
    own(client)
    order = placed(client, TrailingStopOrderRequest(**DAY, side=OrderSide.SELL, **trail))
    exchange.set_price("DIS", bid="99.9", ask="100.1", last="100")
    now = cast("Order", client.get_order_by_id(order.id))
    assert (now.status.value, now.hwm, now.stop_price) == ("new", "100", "98")
    exchange.set_price("DIS", bid="98.2", ask="98.4", last="98.3")
    assert status(client, order) == "new"
    exchange.set_price("DIS", bid="97.9", ask="98.1", last="98")
    assert filled(client, order).filled_avg_price == "97.9"


@pytest.mark.parametrize(
    ("price", "partial", "expected"), [(96, None, "filled"), (90, None, "canceled"), (96, "1", "canceled")]
)
@pytest.mark.parametrize("tif", ["ioc", "fok"])
def test_at_once_or_not_at_all(
    exchange: ExchangeProcess, client: TradingClient, tif: str, price: float, partial: str | None, expected: str
) -> None:
    exchange.set_fills(symbol="DIS", partial=partial)
    order = placed(
        client, LimitOrderRequest(**DAY | {"time_in_force": TimeInForce(tif)}, side=OrderSide.BUY, limit_price=price)
    )
    assert ended(client, order) == expected
    got = {"filled": "2", "canceled": "1" if partial and tif == "ioc" else "0"}[expected]
    assert cast("Order", client.get_order_by_id(order.id)).filled_qty == got
    exchange.set_fills(symbol="DIS", partial=None)


def test_an_amount_buys_shares_to_nine_decimals(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    order = placed(
        client, MarketOrderRequest(symbol="DIS", notional=100, side=OrderSide.BUY, time_in_force=TimeInForce.DAY)
    )
    assert (order.qty, order.notional) == (None, "100")
    done = filled(client, order)
    assert done.filled_qty == "1.052410018"  # 100 / 95.02
    assert Decimal(exchange.ledger(account["name"])["reserved"]) == 0
    sell = placed(
        client, MarketOrderRequest(symbol="DIS", notional=50, side=OrderSide.SELL, time_in_force=TimeInForce.DAY)
    )
    assert filled(client, sell).filled_qty == "0.526426616"


def test_an_amount_that_is_not_held_is_not_sold(client: TradingClient) -> None:
    request = MarketOrderRequest(symbol="DIS", notional=50, side=OrderSide.SELL, time_in_force=TimeInForce.DAY)
    assert refusal(lambda: client.submit_order(request))[0] == 403


def test_every_type_holds_the_money_it_may_cost(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    exchange.set_fills(never=True)
    held = Decimal(0)
    for request, cost in (
        (MarketOrderRequest(**DAY, side=OrderSide.BUY), "190.04"),
        (LimitOrderRequest(**DAY, side=OrderSide.BUY, limit_price=90), "180"),
        (StopOrderRequest(**DAY, side=OrderSide.BUY, stop_price=97), "194"),
        (StopLimitOrderRequest(**DAY, side=OrderSide.BUY, stop_price=97, limit_price=98), "196"),
        (TrailingStopOrderRequest(**DAY, side=OrderSide.BUY, trail_price=1), "190.04"),
        (MarketOrderRequest(**DAY | {"qty": None}, notional=77, side=OrderSide.BUY), "77"),
    ):
        placed(client, request)
        held += Decimal(cost)
        assert Decimal(exchange.ledger(account["name"])["reserved"]) == held
    client.cancel_orders()
    assert Decimal(exchange.ledger(account["name"])["reserved"]) == 0


def test_an_option_is_opened_and_closed_by_intent(client: TradingClient) -> None:
    buy = market_order(OPTION, 1, position_intent=PositionIntent.BUY_TO_OPEN)
    assert filled(client, submit(client, buy)).position_intent is PositionIntent.BUY_TO_OPEN
    sell = market_order(OPTION, 1, side="sell", position_intent=PositionIntent.SELL_TO_CLOSE)
    assert filled(client, submit(client, sell)).position_intent is PositionIntent.SELL_TO_CLOSE


@pytest.mark.parametrize(("side", "intent"), [("buy", "sell_to_close"), ("buy", "buy_to_close")])
def test_an_intent_that_cannot_be_is_refused(client: TradingClient, side: str, intent: str) -> None:
    request = market_order(OPTION, 1, side=side, position_intent=PositionIntent(intent))
    code, body = refusal(lambda: client.submit_order(request))
    assert (code, "position intent mismatch" in body["message"]) == (422, True)


def test_a_stop_order_survives_a_killed_exchange(tmp_path_factory: pytest.TempPathFactory, connect: Any) -> None:
    with ExchangeProcess(tmp_path_factory.mktemp("stops")) as process:
        account = process.add_account("trailing")
        client = connect(process, account)
        own(client)
        order = placed(client, TrailingStopOrderRequest(**DAY, side=OrderSide.SELL, trail_price=2))
        process.set_price("DIS", bid="99.9", ask="100.1", last="100")
        process.kill()
        process.start()
        client = connect(process, account)
        assert cast("Order", client.get_order_by_id(order.id)).stop_price == "98"
        process.set_price("DIS", bid="97.9", ask="98.1", last="97.95")
        assert filled(client, order).filled_avg_price == "97.9"


@pytest.mark.parametrize(
    ("resting", "incoming", "reason"),
    [
        # what rests, what comes, why it is refused (None: it is not)
        ({"kind": "limit", "price": 90}, {"kind": "limit", "price": 89}, "limit"),
        ({"kind": "limit", "price": 90}, {"kind": "limit", "price": 91}, None),
        ({"kind": "limit", "price": 90}, {"kind": "market"}, "limit"),
        ({"kind": "limit", "price": 90}, {"kind": "stop", "price": 80}, "limit"),
        ({"kind": "stop", "price": 99}, {"kind": "limit", "price": 120}, "market/stop"),
        ({"kind": "stop", "price": 99}, {"kind": "market"}, "market/stop"),
        ({"kind": "limit", "price": 90}, {"kind": "trail"}, None),
        ({"kind": "trail"}, {"kind": "market"}, None),
    ],
)
def test_an_account_does_not_trade_with_itself(
    exchange: ExchangeProcess,
    client: TradingClient,
    *,
    resting: dict[str, Any],
    incoming: dict[str, Any],
    reason: str | None,
) -> None:
    own(client)
    exchange.set_fills(never=True)
    first = placed(client, _request(OrderSide.BUY, **resting))
    if reason is None:
        placed(client, _request(OrderSide.SELL, **incoming))
        return
    code, body = refusal(lambda: client.submit_order(_request(OrderSide.SELL, **incoming)))
    assert (code, body["code"], body["existing_order_id"]) == (403, 40310000, str(first.id))
    assert body["reject_reason"] == f"opposite side {reason} order exists"
    placed(client, limit_order("MSFT", 1, price=1))  # another symbol is another matter


def _request(side: OrderSide, *, kind: str, price: float = 0) -> Any:
    given = DAY | {"side": side}
    if kind == "limit":
        return LimitOrderRequest(**given, limit_price=price)
    if kind == "stop":
        return StopOrderRequest(**given, stop_price=price)
    return MarketOrderRequest(**given) if kind == "market" else TrailingStopOrderRequest(**given, trail_price=3)
