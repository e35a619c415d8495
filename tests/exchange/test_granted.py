"""Positions that nobody ordered: given by a script, and from then on like any other."""

from pathlib import Path
from typing import Any

import pytest
from alpaca.trading.client import TradingClient

from tests.exchange.helpers import filled, market_order, refusal, submit
from tests.support.exchange import DEMO, ExchangeProcess

CALL = "KO271217C00060000"


def raw(client: TradingClient, path: str) -> Any:
    return client.get(path)


def test_a_granted_position_is_held_and_costs_no_cash(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    exchange.grant(account["name"], CALL, "2", "9.5")
    (held,) = raw(client, "/positions")
    assert (held["symbol"], held["qty"], held["avg_entry_price"], held["cost_basis"]) == (CALL, "2", "9.5", "1900")
    ledger = exchange.ledger(account["name"])
    assert (ledger["cash"], ledger["orders"]) == ("100000", [])
    assert ledger["positions"] == [{"symbol": CALL, "qty": "2", "cost": "1900"}]


def test_a_grant_is_an_activity_and_no_execution(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    exchange.grant(account["name"], "KO", "-5", "70")
    assert raw(client, "/account/activities/FILL") == []
    (activity,) = raw(client, "/account/activities")
    assert (activity["activity_type"], activity["symbol"], activity["qty"], activity["net_amount"]) == (
        *("JNLS", "KO"),
        *("-5", "0"),
    )


def test_what_was_granted_can_be_sold(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    exchange.grant(account["name"], CALL, "1", "9.5")
    filled(client, submit(client, market_order(CALL, 1, "sell")))
    assert raw(client, "/positions") == []
    assert refusal(lambda: submit(client, market_order(CALL, 1, "sell")))[0] == 403


def test_a_granted_short_can_be_bought_back(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    exchange.grant(account["name"], CALL, "-3", "9.5")
    (held,) = raw(client, "/positions")
    assert (held["side"], held["qty"]) == ("short", "-3")
    filled(client, submit(client, market_order(CALL, 3)))
    assert raw(client, "/positions") == []


def test_a_thousand_positions_come_in_one_call_and_outlive_a_restart(home: Path, connect: Any) -> None:
    symbols = [f"AAPL271217C{strike:08d}" for strike in range(1000, 1_001_000, 1000)]
    wanted = [{"account": "demo", "symbol": symbol, "qty": "1", "price": "5"} for symbol in symbols]
    with ExchangeProcess(home) as exchange:
        exchange.grant_all(wanted)
        before = exchange.ledger()
        exchange.kill()
        exchange.start()
        assert exchange.ledger() == before
        assert [held["symbol"] for held in raw(connect(exchange, DEMO), "/positions")] == symbols


GRANT = {"account": "demo", "symbol": "KO", "qty": "1", "price": "70"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (GRANT | {"account": "nobody"}, "account"),
        (GRANT | {"symbol": "NOPE"}, "symbol"),
        (GRANT | {"qty": "0"}, "qty"),
        (GRANT | {"qty": "many"}, "qty"),
        (GRANT | {"price": "0"}, "price"),
        (GRANT | {"side": "long"}, "side"),
        ({"positions": []}, "positions"),
        ({"positions": [GRANT] * 1001}, "positions"),
        ({"positions": [GRANT], "qty": 1}, "qty"),
        ({"positions": [GRANT, GRANT | {"qty": None}]}, "qty"),
    ],
)
def test_one_wrong_grant_is_refused_and_gives_nothing(exchange: ExchangeProcess, body: object, field: str) -> None:
    answer = exchange.control("POST", "/positions", body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert exchange.ledger()["positions"] == []
