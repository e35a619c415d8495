"""The script's door: the ledger as the judge of fault tests, and input that is refused with its field's name."""

import time
from pathlib import Path
from typing import Any

import pytest
import requests
from alpaca.trading.client import TradingClient

from tests.exchange.helpers import filled, limit_order, market_order, refusal, submit
from tests.support.exchange import DEMO, ExchangeProcess


def test_the_ledger_tells_an_orders_whole_story(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    began = time.time()  # noqa: TID251  the exchange's stamps are the real clock's
    filled(client, submit(client, market_order("AAPL", 5, client_order_id="story")))
    ended = time.time()  # noqa: TID251  the exchange's stamps are the real clock's
    refusal(lambda: submit(client, market_order("AAPL", 5, client_order_id="story")))
    ledger = exchange.ledger(account["name"])
    assert (ledger["cash"], ledger["reserved"]) == ("99049.9", "0")
    assert ledger["positions"] == [{"symbol": "AAPL", "qty": "5", "cost": "950.1"}]
    (order,) = ledger["orders"]
    assert (order["status"], order["side"], order["filled_qty"], order["attempts"]) == ("filled", "buy", "5", 2)
    assert began <= order["received_at"] <= ended
    assert [(fill["qty"], fill["price"]) for fill in order["fills"]] == [("5", "190.02")]


def test_the_ledger_can_begin_later(exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]) -> None:
    for name in ("old", "new"):
        submit(client, limit_order(price=1, client_order_id=name))
    moment = exchange.ledger(account["name"])["orders"][1]["received_at"]
    later = exchange.ledger(account["name"], since=moment)
    assert [order["client_order_id"] for order in later["orders"]] == ["new"]


def test_the_ledger_holds_no_keys(exchange: ExchangeProcess) -> None:
    text = exchange.control("GET", "/ledger").text
    assert DEMO["key_id"] not in text
    assert DEMO["secret_key"] not in text


def test_requests_are_counted_by_account_method_path_and_status(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    order = submit(client, limit_order(price=1))
    client.get_order_by_id(order.id)
    refusal(lambda: client.get("/nothing"))
    counts = [c for c in exchange.request_counts() if c.pop("account") == account["name"]]
    assert counts == [
        {"method": "GET", "path": "(unknown)", "status": "404", "count": 1},
        {"method": "GET", "path": "/v2/orders/{order_id}", "status": "200", "count": 1},
        {"method": "POST", "path": "/v2/orders", "status": "200", "count": 1},
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/faults", {"kind": "earthquake"}, "kind"),
        ("POST", "/faults", {}, "kind"),
        ("POST", "/faults", {"kind": "delay"}, "delay_ms"),
        ("POST", "/faults", {"kind": "hang", "times": 0}, "times"),
        ("POST", "/faults", {"kind": "hang", "account": "nobody"}, "account"),
        ("POST", "/faults", {"kind": "hang", "method": "BREW"}, "method"),
        ("POST", "/faults", {"kind": "hang", "path": "("}, "path"),
        ("POST", "/faults", {"kind": "hang", "often": 1}, "often"),
        ("POST", "/faults", {"kind": "hang", "event": "fill"}, "event"),
        ("POST", "/faults", {"kind": "hang", "after": -1}, "after"),
        ("POST", "/faults", {"kind": "hang", "chance": 0}, "chance"),
        ("POST", "/faults", {"kind": "hang", "chance": "1.1"}, "chance"),
        ("POST", "/faults", {"kind": "hang", "seed": "x"}, "seed"),
        ("POST", "/faults", {"kind": "stream_drop", "path": "/v2"}, "path"),
        ("POST", "/faults", {"kind": "stream_mute", "event": "fill"}, "event"),
        ("POST", "/faults", {"kind": "stream_delay"}, "delay_ms"),
        ("POST", "/faults", {"kind": "stream_new_number", "account": "demo"}, "account_number"),
        ("POST", "/faults", {"kind": "stream_new_number", "account_number": "PA3X"}, "account"),
        ("POST", "/faults", [], "body"),
        ("PUT", "/prices", {"NOPE": 1}, "NOPE"),
        ("PUT", "/prices", {"AAPL": -1}, "AAPL"),
        ("PUT", "/prices", {"AAPL": {"middle": 1}}, "middle"),
        ("PUT", "/prices", {"AAPL": {"age_ms": -1}}, "age_ms"),
        ("PUT", "/prices", {"AAPL": {"missing": 1}}, "missing"),
        ("POST", "/fills", {"delay_ms": -1}, "delay_ms"),
        ("POST", "/fills", {"partial": 0}, "partial"),
        ("POST", "/fills", {"never": "yes"}, "never"),
        ("POST", "/fills", {"symbol": "NOPE"}, "symbol"),
        ("POST", "/fills/release", {"qty": "x"}, "qty"),
        ("POST", "/accounts", {"name": "x"}, "key_id"),
        ("POST", "/accounts", DEMO, "name"),
        ("POST", "/accounts", DEMO | {"name": "other"}, "key_id"),
        ("PATCH", "/accounts/demo", {"cash": "much"}, "cash"),
        ("PATCH", "/accounts/demo", {"key_id": "new"}, "key_id"),
        ("PATCH", "/accounts/demo", {"rate_limit": None}, "rate_limit"),
        ("PATCH", "/accounts/nobody", {}, "account"),
        ("PUT", "/clock", {}, "is_open"),
        ("PUT", "/clock", {"is_open": True, "is_extended": "x"}, "is_extended"),
        ("PUT", "/clock/offset", {}, "offset_ms"),
        ("PUT", "/clock/offset", {"offset_ms": 1.5}, "offset_ms"),
        ("PUT", "/clock/offset", {"offset_ms": True}, "offset_ms"),
        ("POST", "/orders/status", {}, "status"),
        ("POST", "/orders/status", {"status": "asleep"}, "status"),
        ("POST", "/orders/status", {"status": "filled"}, "status"),
        ("POST", "/orders/status", {"status": "new", "mood": "x"}, "mood"),
        ("GET", "/ledger?account=nobody", None, "account"),
        ("GET", "/ledger?since=soon", None, "since"),
        ("GET", "/prices/NOPE", None, "symbol"),
    ],
)
def test_bad_input_is_400_and_names_its_field(
    exchange: ExchangeProcess, *, method: str, path: str, body: object, field: str
) -> None:
    answer = exchange.control(method, path, body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_one_wrong_price_changes_none(exchange: ExchangeProcess) -> None:
    before = exchange.control("GET", "/prices/XOM").json()
    assert exchange.control("PUT", "/prices", {"XOM": 1, "NOPE": 1}).status_code == 400
    assert exchange.control("GET", "/prices/XOM").json() == before


def test_an_unknown_fault_cannot_be_removed(exchange: ExchangeProcess) -> None:
    fault = exchange.add_fault("hang")
    assert exchange.control("DELETE", f"/faults/{fault}").json() == {"removed": 1}
    assert exchange.control("DELETE", f"/faults/{fault}").status_code == 404


def test_with_a_token_file_the_control_port_asks_for_the_token(home: Path) -> None:
    with ExchangeProcess(home, control_token="let-me-in") as exchange:
        assert exchange.control("GET", "/health").ok
        for headers in ({}, {"X-Control-Token": "guess"}):
            assert requests.get(f"{exchange.control_url}/health", headers=headers, timeout=5).status_code == 401


def test_the_control_port_needs_none_of_the_brokers_keys_and_has_none_of_its_routes(exchange: ExchangeProcess) -> None:
    assert exchange.control("GET", "/v2/account").status_code == 404
    assert requests.get(f"{exchange.url}/ledger", timeout=5).status_code == 401
