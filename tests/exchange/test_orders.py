"""Orders through the unmodified client: accepted, filled, read back, listed, canceled."""

from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, OrderStatus, QueryOrderStatus
from alpaca.trading.models import Order
from alpaca.trading.requests import GetOrdersRequest

from tests.exchange.helpers import eventually, filled, limit_order, market_order, new_id, refusal, submit
from tests.support.exchange import ExchangeProcess

OPTION = f"AAPL{date(2027, 12, 17):%y%m%d}C00200000"


def listed(client: TradingClient, **filters: Any) -> list[Order]:
    return cast("list[Order]", client.get_orders(GetOrdersRequest(**filters)))


def test_a_market_order_is_accepted_and_fills_at_the_ask(client: TradingClient) -> None:
    order = submit(client, market_order("AAPL", 10, client_order_id="first"))
    assert (order.status, order.filled_qty, order.client_order_id) == (OrderStatus.ACCEPTED, "0", "first")
    done = filled(client, order)
    assert (done.filled_qty, done.filled_avg_price) == ("10", "190.02")
    assert done.filled_at is not None


def test_a_sell_fills_at_the_bid(client: TradingClient) -> None:
    filled(client, submit(client, market_order("AAPL", 2)))
    assert filled(client, submit(client, market_order("AAPL", 2, "sell"))).filled_avg_price == "189.98"


def test_a_fractional_market_order_fills_whole(client: TradingClient) -> None:
    assert filled(client, submit(client, market_order("SPY", 0.123456789))).filled_qty == "0.123456789"


def test_a_limit_that_the_market_reaches_fills_better_than_asked(client: TradingClient) -> None:
    assert filled(client, submit(client, limit_order("MSFT", price=500))).filled_avg_price == "425.05"


@pytest.mark.parametrize(("side", "price"), [("buy", "150.03"), ("sell", "149.97")])
def test_a_limit_at_the_quote_fills(client: TradingClient, side: str, price: str) -> None:
    filled(client, submit(client, market_order("AMD")))
    assert filled(client, submit(client, limit_order("AMD", 1, side, price=float(price)))).filled_avg_price == price


def test_a_resting_limit_fills_when_the_price_crosses_it(exchange: ExchangeProcess, client: TradingClient) -> None:
    order = submit(client, limit_order("KO", price=60, tif="gtc"))
    exchange.set_price("KO", "60.01")
    assert cast("Order", client.get_order_by_id(order.id)).status is OrderStatus.NEW
    exchange.set_price("KO", "59.50")
    assert filled(client, order).filled_avg_price == "59.5"


def test_an_option_is_bought_at_a_hundred_times_its_price(client: TradingClient) -> None:
    order = filled(client, submit(client, market_order(OPTION, 2)))
    account: Any = client.get_account()
    assert order.asset_class is not None
    assert order.asset_class.value == "us_option"
    assert float(account.cash) == 100_000 - 200 * float(cast("str", order.filled_avg_price))


def test_numbers_may_come_as_strings(client: TradingClient) -> None:
    body = {"symbol": "F", "qty": "3", "side": "buy", "type": "limit", "limit_price": "5.50", "time_in_force": "day"}
    order = cast("dict[str, Any]", client.post("/orders", body))
    assert (order["qty"], order["limit_price"], order["order_class"]) == ("3", "5.5", "")
    assert str(UUID(order["client_order_id"])) == order["client_order_id"]


def test_an_order_is_found_by_either_id(client: TradingClient) -> None:
    order = submit(client, limit_order(price=1))
    assert cast("Order", client.get_order_by_client_id(order.client_order_id)).id == order.id
    assert cast("Order", client.get_order_by_id(order.id)).client_order_id == order.client_order_id


def test_unknown_ids_are_404(client: TradingClient) -> None:
    unknown = "904837e3-3b76-47ec-b432-046db621571b"
    body = {"code": 40410000, "message": f"order not found for {unknown}"}
    assert refusal(lambda: client.get_order_by_id(unknown)) == (404, body)
    assert refusal(lambda: client.get_order_by_client_id(unknown)) == (404, body)
    assert refusal(lambda: client.cancel_order_by_id(unknown)) == (404, body)


def test_orders_of_another_account_are_unknown(exchange: ExchangeProcess, client: TradingClient, connect: Any) -> None:
    order = submit(client, limit_order(price=1))
    stranger = connect(exchange, exchange.add_account(new_id()))
    assert refusal(lambda: stranger.get_order_by_id(order.id))[0] == 404


def test_lists_tell_open_from_closed(client: TradingClient) -> None:
    done = filled(client, submit(client, market_order("F")))
    resting = submit(client, limit_order("F", price=1))
    assert [o.id for o in listed(client)] == [resting.id]
    assert [o.id for o in listed(client, status=QueryOrderStatus.CLOSED)] == [done.id]
    assert [o.id for o in listed(client, status=QueryOrderStatus.ALL)] == [resting.id, done.id]


def test_lists_filter_by_time_symbol_side_and_count(client: TradingClient) -> None:
    orders = [submit(client, limit_order(symbol, price=1)) for symbol in ("F", "KO", "F", "DIS")]
    oldest_first: Any = {"direction": "asc"}
    assert [o.id for o in listed(client, **oldest_first)] == [o.id for o in orders]
    assert [o.id for o in listed(client, limit=2)] == [orders[3].id, orders[2].id]
    assert [o.id for o in listed(client, symbols=["F"], **oldest_first)] == [orders[0].id, orders[2].id]
    assert listed(client, side=OrderSide.SELL) == []
    later = orders[1].submitted_at + timedelta(microseconds=1)
    assert [o.id for o in listed(client, after=later, **oldest_first)] == [orders[2].id, orders[3].id]
    assert [o.id for o in listed(client, until=orders[1].submitted_at)] == [orders[0].id]


@pytest.mark.parametrize("query", [{"limit": 501}, {"limit": "x"}, {"direction": "up"}, {"after": "soon"}])
def test_malformed_list_queries_are_refused(client: TradingClient, query: dict[str, Any]) -> None:
    assert refusal(lambda: client.get("/orders", query))[0] == 422


def test_a_canceled_order_stays_canceled(client: TradingClient) -> None:
    order = submit(client, limit_order(price=1))
    client.cancel_order_by_id(order.id)
    assert cast("Order", client.get_order_by_id(order.id)).status is OrderStatus.CANCELED
    already = {"code": 42210000, "message": 'order is already in "canceled" state'}
    assert refusal(lambda: client.cancel_order_by_id(order.id)) == (422, already)


def test_a_filled_order_cannot_be_canceled(client: TradingClient) -> None:
    order = filled(client, submit(client, market_order()))
    already = {"code": 42210000, "message": 'order is already in "filled" state'}
    assert refusal(lambda: client.cancel_order_by_id(order.id)) == (422, already)


def test_scripted_partial_fills_wait_for_the_rest(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_fills(partial=3)
    order = submit(client, market_order("XOM", 10))

    def partly() -> Order | None:
        now = cast("Order", client.get_order_by_id(order.id))
        return now if now.filled_qty == "3" else None

    assert eventually(partly).status is OrderStatus.PARTIALLY_FILLED
    assert exchange.release(client_order_id=order.client_order_id, qty=2) == {order.client_order_id: "2"}
    exchange.release(client_order_id=order.client_order_id)
    assert filled(client, order).filled_qty == "10"


def test_orders_never_fill_while_so_scripted_and_do_afterwards(
    exchange: ExchangeProcess, client: TradingClient
) -> None:
    exchange.set_fills(never=True, delay_ms=0)
    order = submit(client, market_order("JPM"))
    assert cast("Order", client.get_order_by_id(order.id)).status is OrderStatus.NEW
    exchange.set_fills(never=False)
    filled(client, order)


def test_a_symbols_rule_overrides_the_exchanges(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_fills(symbol="BAC", never=True)
    rests, fills = submit(client, market_order("BAC")), submit(client, market_order("DIS"))
    filled(client, fills)
    assert cast("Order", client.get_order_by_id(rests.id)).status is OrderStatus.NEW
    exchange.set_fills(symbol="BAC", never=None)
    filled(client, rests)


def test_nothing_fills_while_the_market_is_closed(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_clock(is_open=False)
    order = submit(client, market_order("NFLX"))
    refused = refusal(lambda: submit(client, market_order(OPTION)))
    assert refused[1]["message"] == "options market orders are only allowed during market hours"
    exchange.set_clock(is_open=True)
    filled(client, order)
