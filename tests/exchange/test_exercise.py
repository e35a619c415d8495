"""Exercising options: what becomes of contracts, shares and money, and every documented refusal."""

from typing import Any

import pytest
from alpaca.trading.client import TradingClient

from tests.exchange.helpers import filled, limit_order, market_order, refusal, submit
from tests.support.exchange import ExchangeProcess

CALL, PUT = "AAPL271217C00200000", "AAPL271217P00200000"
NO_POSITION = (403, {"code": 40310000, "message": "no available position for the specified contract"})


def test_a_put_delivers_shares_at_the_strike(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    filled(client, submit(client, market_order(PUT)))
    status, body = refusal(lambda: client.exercise_options_position(PUT))
    assert (status, body["symbol"], body["available"]) == (403, "AAPL", "0")
    filled(client, submit(client, market_order("AAPL", 100)))
    before = exchange.ledger(account["name"])["cash"]
    client.exercise_options_position(PUT)
    ledger = exchange.ledger(account["name"])
    assert (ledger["positions"], float(ledger["cash"]) - float(before)) == ([], 20_000)


def test_what_an_open_sell_holds_is_not_exercised(client: TradingClient) -> None:
    filled(client, submit(client, market_order(CALL, 3)))
    submit(client, limit_order(CALL, 2, "sell", price=900))
    client.exercise_options_position(CALL)
    held = {position["symbol"]: position["qty"] for position in raw(client, "/positions")}
    assert held == {"AAPL": "100", CALL: "2"}
    assert refusal(lambda: client.exercise_options_position(CALL)) == NO_POSITION


def test_a_call_must_be_paid_for(exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]) -> None:
    filled(client, submit(client, market_order(CALL)))
    exchange.change_account(account["name"], cash="19999")
    assert refusal(lambda: client.exercise_options_position(CALL))[1]["message"] == "insufficient buying power"


def test_exercise_waits_for_the_session(exchange: ExchangeProcess, client: TradingClient) -> None:
    filled(client, submit(client, market_order(CALL)))
    exchange.set_clock(is_open=False)
    assert refusal(lambda: client.exercise_options_position(CALL))[0] == 422


@pytest.mark.parametrize("action", ["exercise", "do-not-exercise"])
def test_an_instruction_needs_a_contract_that_is_held(client: TradingClient, action: str) -> None:
    assert refusal(lambda: client.post(f"/positions/{CALL}/{action}")) == NO_POSITION
    invalid = (422, {"code": 42210000, "message": "invalid symbol"})
    assert refusal(lambda: client.post(f"/positions/AAPL/{action}")) == invalid


def test_a_contract_may_be_named_by_its_id_and_not_be_exercised(client: TradingClient) -> None:
    filled(client, submit(client, market_order(CALL)))
    (held,) = raw(client, "/positions")
    client.post(f"/positions/{held['asset_id']}/do-not-exercise")
    assert raw(client, "/positions") == [held]
    client.exercise_options_position(held["asset_id"])
    assert [position["symbol"] for position in raw(client, "/positions")] == ["AAPL"]


def raw(client: TradingClient, path: str) -> Any:
    return client.get(path)
