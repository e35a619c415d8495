"""Replacing and cancelling at the exchange, and closing what is held, through the unmodified client."""

import time
from decimal import Decimal
from typing import Any, cast

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.models import Order
from alpaca.trading.requests import ClosePositionRequest, ReplaceOrderRequest

from tests.exchange.helpers import eventually, filled, limit_order, market_order, new_id, refusal, submit
from tests.support.exchange import ExchangeProcess


def replaced(client: TradingClient, order: Order, **changes: Any) -> Order:
    return cast("Order", client.replace_order_by_id(order.id, ReplaceOrderRequest(**changes)))


def now(client: TradingClient, order: Order) -> Order:
    return cast("Order", client.get_order_by_id(order.id))


def test_a_new_order_takes_the_place(exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]) -> None:
    old = submit(client, limit_order("DIS", 4, price=90))
    key = new_id()
    new = replaced(client, old, qty=3, limit_price=91, client_order_id=key)
    assert (new.replaces, new.client_order_id, new.qty, new.limit_price) == (old.id, key, "3", "91")
    gone = now(client, old)
    assert (gone.status.value, gone.replaced_by) == ("replaced", new.id)
    assert gone.replaced_at is not None
    assert Decimal(exchange.ledger(account["name"])["reserved"]) == 273
    assert exchange.ledger(account["name"])["attempts"][key] == 1


def test_without_a_quantity_the_old_orders_whole_one_is_traded(
    exchange: ExchangeProcess, client: TradingClient
) -> None:
    old = submit(client, limit_order("DIS", 4, price=90))
    exchange.release(client_order_id=old.client_order_id, qty="1")
    assert replaced(client, old, limit_price=89).qty == "4"


def test_what_cannot_be_replaced_says_its_state(client: TradingClient) -> None:
    done = filled(client, submit(client, market_order("DIS", 1)))
    status, body = refusal(lambda: replaced(client, done, qty=2))
    assert (status, body["message"]) == (422, 'order is already in "filled" state')


def test_an_id_that_was_used_replaces_nothing(client: TradingClient) -> None:
    old = submit(client, limit_order("DIS", 4, price=90))
    status, body = refusal(lambda: replaced(client, old, qty=2, client_order_id=old.client_order_id))
    assert (status, body["message"]) == (422, "client_order_id must be unique")
    assert now(client, old).status.value == "new"


def test_a_replacement_must_be_affordable_without_the_old_one(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    exchange.change_account(account["name"], cash="400")
    old = submit(client, limit_order("DIS", 4, price=90))
    assert refusal(lambda: replaced(client, old, qty=5))[0] == 403
    assert replaced(client, old, limit_price=91).limit_price == "91"


def test_an_order_may_fill_while_it_is_being_cancelled(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_fills(cancel_delay_ms=150)
    first, second = (submit(client, limit_order("DIS", 4, price=90)) for _ in range(2))
    client.cancel_order_by_id(first.id)
    client.cancel_order_by_id(second.id)
    assert now(client, first).status.value == "pending_cancel"
    exchange.release(client_order_id=second.client_order_id)
    eventually(lambda: now(client, first).status.value == "canceled")
    assert now(client, second).status.value == "filled"
    assert refusal(lambda: client.cancel_order_by_id(first.id))[0] == 422


def test_a_cancel_under_way_survives_a_killed_exchange(tmp_path_factory: pytest.TempPathFactory, connect: Any) -> None:
    with ExchangeProcess(tmp_path_factory.mktemp("cancels")) as process:
        account = process.add_account("canceling")
        process.set_fills(cancel_delay_ms=60_000)
        client = connect(process, account)
        order = submit(client, limit_order("DIS", 4, price=90))
        client.cancel_order_by_id(order.id)
        process.kill()
        process.start()
        assert now(connect(process, account), order).status.value == "canceled"


def test_all_orders_are_cancelled_with_one_answer_each(client: TradingClient) -> None:
    orders = [submit(client, limit_order(symbol, 1, price=9)) for symbol in ("DIS", "MSFT")]
    answers = cast("list[Any]", client.cancel_orders())
    assert {(entry.id, entry.status) for entry in answers} == {(order.id, 200) for order in orders}
    assert {now(client, order).status.value for order in orders} == {"canceled"}


@pytest.mark.parametrize(("wanted", "left"), [({}, None), ({"qty": "1"}, "3"), ({"percentage": "25"}, "3")])
def test_a_position_is_closed(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any], wanted: dict[str, str], left: str | None
) -> None:
    filled(client, submit(client, market_order("DIS", 4)))
    order = client.close_position("DIS", ClosePositionRequest(**wanted) if wanted else None)
    filled(client, cast("Order", order))
    held = exchange.ledger(account["name"])["positions"]
    assert [position["qty"] for position in held] == ([] if left is None else [left])


def test_all_positions_are_closed(exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]) -> None:
    for symbol in ("DIS", "KO"):
        filled(client, submit(client, market_order(symbol, 2)))
    submit(client, limit_order("DIS", 1, price=9))
    answers = cast("list[Any]", client.close_all_positions(cancel_orders=True))
    assert {(entry.symbol, entry.status) for entry in answers} == {("DIS", 200), ("KO", 200)}
    eventually(lambda: exchange.ledger(account["name"])["positions"] == [])
    assert {order["status"] for order in exchange.ledger(account["name"])["orders"]} == {"filled", "canceled"}
    assert refusal(lambda: client.close_position("DIS"))[0] == 404


def test_a_late_answer_tells_what_was_true_when_it_was_asked_for(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    exchange.set_fills(delay_ms=100)
    exchange.add_fault("late", account=account["name"], path="/v2/account", delay_ms=400)
    order = submit(client, market_order("DIS", 1))
    started = time.monotonic()  # noqa: TID251  the answer is late in real time
    told = cast("Any", client.get_account())
    assert time.monotonic() - started > 0.39  # noqa: TID251  likewise
    assert now(client, order).status.value == "filled"
    assert told.cash == "100000"
