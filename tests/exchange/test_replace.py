"""Replacing and cancelling at the exchange, and closing what is held, through the unmodified client."""

import time
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

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


@pytest.mark.parametrize("status", ["accepted", "pending_new", "pending_cancel", "pending_replace"])
def test_an_order_on_its_way_cannot_be_replaced(exchange: ExchangeProcess, client: TradingClient, status: str) -> None:
    old = submit(client, limit_order("DIS", 4, price=90))
    exchange.set_status(status, client_order_id=old.client_order_id)
    refused = {"code": 42210000, "message": f"unable to replace order, order is in {status} state"}
    assert refusal(lambda: replaced(client, old, qty=2)) == (422, refused)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("limit", {"qty": "2.5"}, "qty must be a whole number to replace an order"),
        ("limit", {"notional": "50"}, "notional orders cannot be replaced"),
        ("limit", {"trail": "5"}, "limit orders require no trail price"),
        (
            "limit",
            {"limit_price": "90.123"},
            "invalid limit_price 90.123. sub-penny increment does not fulfill minimum pricing criteria",
        ),
        ("limit", {"qty": "0"}, "qty must be > 0"),
        ("fraction", {"qty": "2"}, "qty of fractional orders cannot be changed"),
        ("notional", {"time_in_force": "day"}, "notional orders cannot be replaced"),
    ],
)
def test_a_field_that_cannot_be_replaced_says_why(
    exchange: ExchangeProcess, client: TradingClient, *, kind: str, changes: dict[str, Any], message: str
) -> None:
    exchange.set_fills(never=True)
    plain = {"symbol": "DIS", "side": "buy", "time_in_force": "day"}
    forms: dict[str, dict[str, Any]] = {
        "limit": {"type": "limit", "limit_price": 90, "qty": 4},
        "fraction": {"type": "limit", "limit_price": 90, "qty": 1.5},
        "notional": {"type": "market", "notional": 50},
    }
    old: Any = client.post("/orders", plain | forms[kind])
    status, body = refusal(lambda: client.patch(f"/orders/{old['id']}", changes))
    assert (status, body["message"]) == (422, message)
    assert [order.id for order in cast("list[Order]", client.get_orders())] == [UUID(old["id"])]


def test_an_order_being_replaced_is_not_cancelled(exchange: ExchangeProcess, client: TradingClient) -> None:
    old, other = (submit(client, limit_order("DIS", 4, price=90)) for _ in range(2))
    exchange.set_status("pending_replace", client_order_id=old.client_order_id)
    refused = {"code": 42210000, "message": 'order is already in "pending_replace" state'}
    assert refusal(lambda: client.cancel_order_by_id(old.id)) == (422, refused)
    answers = cast("list[Any]", client.cancel_orders())
    assert {(answer.id, answer.status) for answer in answers} == {(old.id, 422), (other.id, 200)}


def test_a_resting_order_fills_once_it_is_put_back_to_work(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_fills(delay_ms=100)
    order = submit(client, market_order("DIS", 1))
    exchange.set_status("suspended", client_order_id=order.client_order_id)
    time.sleep(0.15)
    assert now(client, order).status.value == "suspended"
    exchange.set_status("new", client_order_id=order.client_order_id)
    filled(client, order)


def test_an_order_that_expires_gives_back_what_it_reserved(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    order = submit(client, limit_order("DIS", 4, price=90))
    exchange.release(client_order_id=order.client_order_id, qty=1)
    exchange.set_status("expired", client_order_id=order.client_order_id)
    ledger = exchange.ledger(account["name"])
    assert (ledger["reserved"], ledger["positions"][0]["qty"]) == ("0", "1")
    assert [shown.id for shown in cast("list[Order]", client.get_orders())] == []


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
