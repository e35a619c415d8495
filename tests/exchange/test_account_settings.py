"""What an account's owner sets, and what the exchange then refuses; watchlists that cannot be kept."""

from typing import Any

import pytest
from alpaca.trading.client import TradingClient

from tests.exchange.helpers import filled, limit_order, market_order, refusal, submit
from tests.support.exchange import DEMO, ExchangeProcess

CONFIGURATIONS = "/account/configurations"


def test_a_suspended_account_takes_no_order_and_says_so(client: TradingClient) -> None:
    client.patch(CONFIGURATIONS, {"suspend_trade": True})
    body = {"code": 40310000, "message": "new orders are rejected by user request"}
    assert refusal(lambda: submit(client, market_order())) == (403, body)
    read: Any = client.get("/account")
    assert read["trade_suspended_by_user"] is True
    client.patch(CONFIGURATIONS, {"suspend_trade": False})
    filled(client, submit(client, market_order()))


def test_without_shorting_only_what_is_owned_is_sold(exchange: ExchangeProcess, connect: Any) -> None:
    client = connect(exchange, exchange.add_account("long-only", shorting_enabled=True))
    client.patch(CONFIGURATIONS, {"no_shorting": True})
    assert refusal(lambda: submit(client, market_order(side="sell")))[1]["available"] == "0"
    assert client.get("/account")["shorting_enabled"] is False
    client.patch(CONFIGURATIONS, {"no_shorting": False})
    filled(client, submit(client, market_order(side="sell")))


@pytest.mark.parametrize(
    ("configuration", "order"),
    [
        ({"max_options_trading_level": 0}, {"symbol": "AAPL271217C00200000"}),
        ({"fractional_trading": False}, {"qty": 0.5}),
    ],
)
def test_options_and_fractions_can_be_switched_off(
    client: TradingClient, configuration: dict[str, Any], order: dict[str, Any]
) -> None:
    client.patch(CONFIGURATIONS, configuration)
    assert refusal(lambda: submit(client, market_order(**order)))[0] == 403
    filled(client, submit(client, market_order()))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"suspend_trade": "yes"}, "suspend_trade"),
        ({"max_margin_multiplier": 2}, "max_margin_multiplier"),
        ({"max_options_trading_level": True}, "max_options_trading_level"),
        ({"trade_confirm_email": ["all"]}, "trade_confirm_email"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_wrong_configuration_changes_nothing(client: TradingClient, changes: dict[str, Any], field: str) -> None:
    before = client.get(CONFIGURATIONS)
    status, body = refusal(lambda: client.patch(CONFIGURATIONS, {"no_shorting": True, **changes}))
    assert (status, field in body["message"]) == (422, True)
    assert client.get(CONFIGURATIONS) == before


def test_fields_that_the_broker_dropped_are_read_over(client: TradingClient) -> None:
    before = client.get(CONFIGURATIONS)
    assert client.patch(CONFIGURATIONS, {"pdt_check": "both", "dtbp_check": "both", "no_shorting": None}) == before


def test_a_configuration_is_no_attempt_at_an_order(exchange: ExchangeProcess, client: TradingClient) -> None:
    client.patch(CONFIGURATIONS, {"no_shorting": True})
    (account,) = (entry for entry in _ledgers(exchange) if entry["id"] == _account_id(client))
    assert account["attempts"] == {}


def _ledgers(exchange: ExchangeProcess) -> list[dict[str, Any]]:
    return list(exchange.control("GET", "/ledger").json()["accounts"])


def _account_id(client: TradingClient) -> str:
    account: Any = client.get("/account")
    return str(account["id"])


def test_configurations_watchlists_and_endings_survive_a_kill(home: Any, connect: Any) -> None:
    with ExchangeProcess(home) as exchange:
        client = connect(exchange, DEMO)
        client.patch(CONFIGURATIONS, {"no_shorting": True})
        kept = client.post("/watchlists", {"name": "kept", "symbols": ["KO"]})
        gone = client.post("/watchlists", {"name": "gone"})
        client.delete(f"/watchlists/{gone['id']}")
        expired, waiting = (submit(client, limit_order(price=1)) for _ in range(2))
        exchange.set_status("expired", client_order_id=expired.client_order_id)
        exchange.set_status("suspended", client_order_id=waiting.client_order_id)
        exchange.change_account("demo", cash="7")
        asked = ("/account/configurations", "/watchlists", "/orders?status=all", "/account/activities", "/account")
        before = [client.get(path) for path in asked]
        exchange.kill()
        exchange.start()
        assert [client.get(path) for path in asked] == before
        assert client.get(f"/watchlists/{kept['id']}")["assets"][0]["symbol"] == "KO"
        assert exchange.ledger()["reserved"] == "1"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": ""}, "name must have 1 to 64 characters"),
        ({"name": "x" * 65}, "name must have 1 to 64 characters"),
        ({"symbols": []}, "name must have 1 to 64 characters"),
        ({"name": "taken"}, "watchlist name must be unique"),
        ({"name": "n", "symbols": ["NOPE"]}, 'asset "NOPE" not found'),
        ({"name": "n", "symbols": "KO"}, "symbols must be a list"),
        ({"name": "n", "symbols": ["KO", "KO"]}, "duplicate symbols in watchlist"),
    ],
)
def test_a_watchlist_that_cannot_be_kept_says_why(client: TradingClient, body: dict[str, Any], message: str) -> None:
    client.post("/watchlists", {"name": "taken"})
    status, refused = refusal(lambda: client.post("/watchlists", body))
    assert (status, refused["message"]) == (422, message)


def test_a_watchlist_is_found_by_its_name_as_well(client: TradingClient) -> None:
    made: Any = client.post("/watchlists", {"name": "mine", "symbols": ["KO"]})
    assert client.get("/watchlists:by_name", {"name": "mine"}) == made
    client.delete("/watchlists:by_name", {"name": "mine"})
    assert client.get("/watchlists") == []
    assert refusal(lambda: client.get("/watchlists:by_name", {"name": "mine"}))[0] == 404
    assert refusal(lambda: client.get(f"/watchlists/{made['id']}"))[0] == 404
