"""Every documented error with its documented body (status, code, message)."""

from typing import Any

import pytest
import requests
from alpaca.trading.client import TradingClient

from tests.exchange.helpers import filled, limit_order, market_order, refusal, submit
from tests.support.exchange import ExchangeProcess

PLAIN = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}


def test_wrong_keys_are_401_without_a_code(exchange: ExchangeProcess, account: dict[str, Any], connect: Any) -> None:
    for wrong in ({"key_id": "PKNOBODY"}, {"secret_key": "wrong"}):
        assert refusal(connect(exchange, account | wrong).get_account) == (401, {"message": "unauthorized"})


def test_a_used_client_order_id_is_refused_for_good(exchange: ExchangeProcess, client: TradingClient) -> None:
    unique = (422, {"code": 40010001, "message": "client_order_id must be unique"})
    resting = submit(client, limit_order(price=1, client_order_id="canceled"))
    assert refusal(lambda: submit(client, market_order(client_order_id="canceled"))) == unique
    client.cancel_order_by_id(resting.id)
    assert refusal(lambda: submit(client, market_order(client_order_id="canceled"))) == unique
    filled(client, submit(client, market_order(client_order_id="filled")))
    assert refusal(lambda: submit(client, market_order(client_order_id="filled"))) == unique
    assert exchange.control("GET", "/health").json()["open_orders"] == 0


def test_two_accounts_may_use_the_same_client_order_id(exchange: ExchangeProcess, connect: Any) -> None:
    for name in ("one", "two"):
        submit(connect(exchange, exchange.add_account(name)), market_order(client_order_id="shared"))


def test_a_buy_beyond_buying_power_is_403_with_the_numbers(client: TradingClient) -> None:
    body = {
        "buying_power": "100000",
        "code": 40310000,
        "cost_basis": "190020",
        "message": "insufficient buying power",
    }
    assert refusal(lambda: submit(client, market_order("AAPL", 1000))) == (403, body)


def test_a_sell_of_more_than_is_free_is_403_with_the_numbers(client: TradingClient) -> None:
    filled(client, submit(client, market_order("TSLA", 23)))
    resting = submit(client, limit_order("TSLA", 20, "sell", price=400))
    body = {
        "available": "3",
        "code": 40310000,
        "existing_qty": "23",
        "held_for_orders": "20",
        "message": "insufficient qty available for order (requested: 5, available: 3)",
        "related_orders": [str(resting.id)],
        "symbol": "TSLA",
    }
    assert refusal(lambda: submit(client, market_order("TSLA", 5, "sell"))) == (403, body)


@pytest.mark.parametrize(("symbol", "price"), [("AAPL", 190.123), ("SNDL", 0.50001)])
def test_sub_penny_limits_are_422(client: TradingClient, symbol: str, price: float) -> None:
    rule = "sub-penny increment does not fulfill minimum pricing criteria"
    body = {"code": 42210000, "message": f"invalid limit_price {price}. {rule}"}
    assert refusal(lambda: submit(client, limit_order(symbol, price=price))) == (422, body)


def test_below_a_dollar_four_decimals_are_allowed(client: TradingClient) -> None:
    assert submit(client, limit_order("SNDL", price=0.4001)).limit_price == "0.4001"


def test_a_position_that_is_not_there_is_404(client: TradingClient) -> None:
    body = {"code": 40410000, "message": "position does not exist"}
    assert refusal(lambda: client.get_open_position("AAPL")) == (404, body)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symbol": "NOPE"}, 'asset "NOPE" not found'),
        ({"symbol": "NOPE271217C00200000"}, 'asset "NOPE271217C00200000" not found'),
        ({"symbol": "AAPL200117C00200000"}, 'asset "AAPL200117C00200000" is not active'),
        ({"symbol": "AAPL271317C00200000"}, 'asset "AAPL271317C00200000" not found'),
        ({"symbol": None}, "symbol is required"),
        ({"qty": 0}, "qty must be > 0"),
        ({"qty": "-1"}, "qty must be > 0"),
        ({"qty": "many"}, "qty must be a number"),
        ({"qty": True}, "qty must be a number"),
        ({"qty": "1e400"}, "qty must be a number"),
        ({"qty": None}, "qty or notional is required"),
        ({"qty": "0.0000000001"}, "qty increment: at most 9 decimals"),
        ({"side": "hold"}, "invalid side: this exchange takes buy or sell"),
        (
            {"type": "iceberg"},
            "invalid type: this exchange takes market or limit or stop or stop_limit or trailing_stop",
        ),
        ({"type": "stop"}, "stop orders require stop_price"),
        ({"type": "stop_limit", "stop_price": 1}, "stop limit orders require stop_price and limit_price"),
        ({"type": "trailing_stop"}, "trailing stop orders require one of trail_price or trail_percent"),
        (
            {"type": "trailing_stop", "trail_price": 1, "trail_percent": 1},
            "trailing stop orders require one of trail_price or trail_percent",
        ),
        (
            {"type": "stop", "stop_price": 1.001},
            "invalid stop_price 1.001. sub-penny increment does not fulfill minimum pricing criteria",
        ),
        ({"trail_price": 1}, "market orders require no trail price"),
        ({"notional": 5}, "only one of qty or notional is accepted"),
        ({"qty": None, "notional": 5.001}, "notional value must be limited to 2 decimal places"),
        ({"qty": None, "notional": 5, "type": "limit", "limit_price": 1}, "fractional orders cannot be limit orders"),
        ({"qty": None, "notional": 5, "time_in_force": "gtc"}, "fractional orders must be DAY orders"),
        ({"type": "stop", "stop_price": 1, "time_in_force": "ioc"}, "invalid time_in_force ioc for stop orders"),
        ({"type": None}, "type is required"),
        ({"time_in_force": "opg"}, "invalid time_in_force: this exchange takes day or gtc or ioc or fok"),
        ({"type": "limit"}, "limit orders require limit_price"),
        ({"limit_price": 5}, "market orders require no limit price"),
        ({"qty": 0.5, "time_in_force": "gtc"}, "fractional orders must be DAY orders"),
        ({"extended_hours": True}, "extended hours order must be DAY or GTC limit orders"),
        ({"symbol": "AAPL271217C00200000", "qty": 0.5}, "option orders require a whole quantity"),
        ({"symbol": "AAPL271217C00200000", "time_in_force": "gtc"}, "option orders must be DAY orders"),
        ({"client_order_id": "x" * 129}, "client_order_id must be no more than 128 characters"),
    ],
)
def test_malformed_orders_are_422_and_say_why(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any], *, changes: dict[str, Any], message: str
) -> None:
    status, body = refusal(lambda: client.post("/orders", PLAIN | changes))
    assert (status, body["message"]) == (422, message)
    assert exchange.ledger(account["name"])["orders"] == []


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"qty": NaN}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_order_is_refused(exchange: ExchangeProcess, account: dict[str, Any], body: bytes) -> None:
    keys = {"APCA-API-KEY-ID": account["key_id"], "APCA-API-SECRET-KEY": account["secret_key"]}
    answer = requests.post(f"{exchange.url}/v2/orders", data=body, headers=keys, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["message"] == "request body format is invalid"


def test_an_account_that_is_blocked_may_not_trade(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    exchange.change_account(account["name"], trading_blocked=True)
    status, body = refusal(lambda: submit(client, market_order()))
    assert (status, body["code"]) == (403, 40310000)


def test_unknown_paths_are_404(client: TradingClient) -> None:
    assert refusal(lambda: client.get("/nothing")) == (404, {"message": "endpoint not found."})
