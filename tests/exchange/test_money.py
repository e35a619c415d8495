"""Cash, positions, buying power and holds: what an account owns after each step."""

from typing import TYPE_CHECKING, Any, cast

from alpaca.trading.client import TradingClient

from tests.exchange.helpers import filled, limit_order, market_order, refusal, submit
from tests.support.exchange import ExchangeProcess

if TYPE_CHECKING:
    from alpaca.trading.models import Position


def money(client: TradingClient) -> tuple[str, str]:
    account: Any = client.get_account()
    return account.cash, account.buying_power


def test_an_open_buy_reserves_its_cost_and_gives_it_back(client: TradingClient) -> None:
    order = submit(client, limit_order("MSFT", 100, price=400))
    assert money(client) == ("100000", "60000")
    client.cancel_order_by_id(order.id)
    assert money(client) == ("100000", "100000")


def test_reservations_of_open_orders_refuse_the_next_buy(client: TradingClient) -> None:
    submit(client, limit_order("MSFT", 200, price=400))
    status, body = refusal(lambda: submit(client, limit_order("MSFT", 100, price=400)))
    assert (status, body["buying_power"], body["cost_basis"]) == (403, "20000", "40000")


def test_a_fill_costs_its_price_and_frees_the_rest(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_fills(never=True)
    order = submit(client, limit_order("INTC", 30, price=30))
    exchange.release(client_order_id=order.client_order_id, qty=10)
    assert money(client) == ("99779.9", "99179.9")
    client.cancel_order_by_id(order.id)
    assert len(set(money(client))) == 1


def test_a_position_has_its_average_cost_and_value(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_price("AMD", "100")
    filled(client, submit(client, market_order("AMD", 10)))
    exchange.set_price("AMD", "120")
    filled(client, submit(client, market_order("AMD", 10)))
    submit(client, limit_order("AMD", 5, "sell", price=200))
    held = cast("Position", client.get_open_position("AMD"))
    assert (held.qty, held.avg_entry_price, held.cost_basis, held.market_value) == ("20", "110", "2200", "2400")
    assert (held.unrealized_pl, held.qty_available, held.side.value) == ("200", "15", "long")
    assert cast("list[Position]", client.get_all_positions()) == [held]
    by_id = cast("Position", client.get_open_position(held.asset_id))
    assert by_id == held


def test_a_sold_out_position_is_gone_and_its_cash_is_back(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_price("META", bid="500", ask="500", last="500")
    filled(client, submit(client, market_order("META", 7)))
    filled(client, submit(client, market_order("META", 3, "sell")))
    filled(client, submit(client, market_order("META", 4, "sell")))
    assert client.get_all_positions() == []
    assert money(client) == ("100000", "100000")


def test_shorts_need_an_account_that_may(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    exchange.set_price("GOOGL", "100")
    assert refusal(lambda: submit(client, market_order("GOOGL", 10, "sell")))[0] == 403
    exchange.change_account(account["name"], shorting_enabled=True)
    filled(client, submit(client, market_order("GOOGL", 10, "sell")))
    held = cast("Position", client.get_open_position("GOOGL"))
    assert (held.qty, held.side.value, money(client)) == ("-10", "short", ("101000", "99000"))
    filled(client, submit(client, market_order("GOOGL", 15)))
    assert cast("Position", client.get_open_position("GOOGL")).avg_entry_price == "100"
    assert money(client) == ("99500", "99500")


def test_fractions_neither_make_nor_lose_money(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_price("QQQ", "333.33")
    for qty in (0.333333333, 0.1, 0.566666667):
        filled(client, submit(client, market_order("QQQ", qty)))
    filled(client, submit(client, market_order("QQQ", 1, "sell")))
    assert money(client) == ("100000", "100000")


def test_thirds_of_an_order_leave_no_crumbs(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_price("IWM", "100.01")
    exchange.set_fills(never=True)
    order = submit(client, limit_order("IWM", 3, price=100.01))
    bought = submit(client, limit_order("IWM", 7, price=200.01))
    exchange.release(client_order_id=bought.client_order_id, qty=3)
    assert len(money(client)[1].partition(".")[2]) <= 9
    exchange.release(client_order_id=bought.client_order_id)
    client.cancel_order_by_id(order.id)
    assert money(client) == ("99299.93", "99299.93")
