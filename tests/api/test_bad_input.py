"""Bad orders get a 4xx that names field, value and expectation, and leave nothing half-written."""

import re
from typing import Any

import psycopg
import pytest
import requests

from tests.support.house import House, until

PLAIN = '{"account": "%s", "symbol": "AAPL", "side": "buy", "qty": %s, "type": "limit", "limit_price": %s}'


def post(running: House, body: str | bytes, **headers: str) -> requests.Response:
    """Post a body exactly as it is."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k-1"} | headers
    return running.call("POST", "/api/v1/orders", data=body, headers=headers)


def counts(running: House) -> tuple[int, int]:
    """Return how many orders and how many audited refusals there are."""
    url = running.settings.migrations_database_url.get_secret_value().replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM trading.orders), "
            "(SELECT count(*) FROM audit.operations WHERE operation = 'place_order')"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


CASES: list[tuple[dict[str, Any], int, str, str, str]] = [
    # body, status, field, value, a word of the expectation
    ({"symbol": "NOSUCH"}, 422, "symbol", "NOSUCH", "lists"),
    ({"symbol": "AAPL28012C00150000"}, 422, "symbol", "AAPL28012C00150000", "OCC option symbol"),
    ({"symbol": "AAPL281332C00150000"}, 422, "symbol", "AAPL281332C00150000", "OCC option symbol"),
    ({"symbol": "AAPL200117C00150000"}, 422, "symbol", "AAPL200117C00150000", "not expired"),
    ({"symbol": "AAPL280121C00150000", "qty": "1.5"}, 422, "qty", "1.5", "whole number of contracts"),
    ({"symbol": "A\u0000B"}, 422, "symbol", "A?B", "pattern"),
    ({"symbol": ""}, 422, "symbol", "", "at least 1 character"),
    ({"qty": "0"}, 422, "qty", "0", "above 0"),
    ({"qty": "-1"}, 422, "qty", "-1", "above 0"),
    ({"qty": "NaN"}, 422, "qty", "NaN", "finite"),
    ({"qty": "Infinity"}, 422, "qty", "Infinity", "finite"),
    ({"qty": "1e400"}, 422, "qty", "1e400", "digits"),
    ({"qty": "1e-400"}, 422, "qty", "1e-400", "digits"),
    ({"qty": "ten"}, 422, "qty", "ten", "decimal"),
    ({"qty": None}, 422, "qty", "missing", "notional"),
    ({"qty": ["1"]}, 422, "qty", "(not shown)", "decimal"),
    ({"qty": "0.1234567891"}, 422, "qty", "0.1234567891", "9 decimals"),
    ({"type": "limit", "limit_price": "190.001"}, 422, "limit_price", "190.001", "sub-penny"),
    ({"type": "limit", "limit_price": "0.12345"}, 422, "limit_price", "0.12345", "sub-penny"),
    ({"type": "limit", "limit_price": "-5"}, 422, "limit_price", "-5", "above 0"),
    ({"type": "limit"}, 422, "limit_price", "missing", "needs one"),
    ({"limit_price": "190"}, 422, "limit_price", "190", "market takes none"),
    ({"type": "stop"}, 422, "stop_price", "missing", "needs one"),
    ({"type": "iceberg"}, 422, "type", "iceberg", "trailing_stop"),
    ({"type": "trailing_stop"}, 422, "trail_price", "missing", "trail_percent"),
    ({"notional": "50"}, 422, "notional", "50", "not both"),
    ({"position_intent": "buy_to_open"}, 422, "position_intent", "buy_to_open", "options"),
    ({"extended_hours": True}, 422, "extended_hours", "true", "limit"),
    ({"side": "hold"}, 422, "side", "hold", "buy"),
    ({"time_in_force": "opg"}, 422, "time_in_force", "opg", "day"),
    ({"account": "nobody"}, 404, "account", "nobody", "name of an account"),
    ({"surprise": 1}, 422, "surprise", "1", "no such field"),
]


@pytest.mark.requirement("TRD-001", "FR-005", "NFR-004")
@pytest.mark.parametrize(("change", "status", "field", "value", "words"), CASES)
def test_a_bad_order_is_refused_by_name(
    running: House, change: dict[str, Any], status: int, field: str, value: str, words: str
) -> None:
    before = counts(running)
    answer = running.place(change.get("account", "acc-0"), **{k: v for k, v in change.items() if k != "account"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    problem = answer.json()
    named = {error["field"]: error for error in problem["errors"]}
    assert named[field]["value"] == value
    assert words in named[field]["expected"]
    assert (problem["status"], len(problem["trace_id"])) == (status, 32)
    assert counts(running) == (before[0], before[1] + 1)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-0", "0.0", "1e-30", "9" * 4000])
def test_a_number_json_should_not_carry_is_refused(running: House, number: str) -> None:
    answer = post(running, PLAIN % ("acc-0", number, '"1"'))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "qty"), answer.text


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "1",
        b"\xff\xfe",
        b'{"account": "\xff"}',
        "{" * 5000,
        "[" * 50_000,
        '{"qty": ' + "9" * 5000 + "}",
        '{"qty": 1,}',
    ],
)
def test_a_body_that_is_no_object_is_refused(running: House, body: str | bytes) -> None:
    answer = post(running, body)
    assert answer.status_code in {400, 422}
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"] or answer.json()["detail"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(running: House) -> None:
    answer = post(running, PLAIN % ("acc-0", "1", '"1"') + " " * 70_000)
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")


def test_every_missing_field_is_named(running: House) -> None:
    answer = post(running, "{}")
    assert {error["field"] for error in answer.json()["errors"]} == {"account", "symbol", "side"}


def test_an_order_without_a_key_is_refused(running: House) -> None:
    answer = running.call(
        "POST", "/api/v1/orders", json={"account": "acc-0", "symbol": "AAPL", "side": "buy", "qty": "1"}
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "client_order_id")


def test_two_different_keys_are_refused(running: House) -> None:
    answer = running.place("acc-0", key="one", client_order_id="two")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "client_order_id")


def test_a_json_number_keeps_every_digit(running: House) -> None:
    account = running.account()
    answer = post(running, PLAIN % (account, "0.12345678", '"0.07"'), **{"Idempotency-Key": "digits"})
    assert answer.status_code == 202, answer.text
    assert running.order(answer.json()["href"])["qty"] == "0.12345678"


@pytest.mark.parametrize("symbol", ["AAPL|x", "AAPL\nINFO | Order placed", "A" * 33])
def test_a_symbol_cannot_forge_a_log_line(running: House, symbol: str) -> None:
    answer = running.place("acc-0", symbol=symbol)
    assert answer.status_code == 422
    log = running.servers.home.logs / "app" / "api.log"
    line = until(lambda: [line for line in log.read_text().splitlines() if "Order failed" in line][-1])
    assert line.count(" | ") == 6
    assert "Order placed" not in line.split(" | ")[0]


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_refusal_is_timed_in_the_documented_line(running: House) -> None:
    running.place("acc-0", symbol="TSLA", side="sell", qty="-50")
    log = running.servers.home.logs / "errors" / "api.log"
    line = until(lambda: next((line for line in log.read_text().splitlines() if "SELL TSLA" in line), None))
    _, level, head, duration, error, rest, more = line.split(" | ")
    assert (level, head, error) == ("ERROR", "Order failed: SELL TSLA qty=-50", "error=invalid_order")
    assert duration.startswith("duration=")
    assert rest == "account=acc-0 account_type=paper network=- source=api"
    assert re.fullmatch("trace_id=[0-9a-f]{32} operation=place symbol=TSLA", more)


def test_an_unknown_order_is_not_found(running: House) -> None:
    answer = running.call("GET", "/api/v1/orders/01a1fb85-fb1f-721e-902e-9ca6070fde85")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not_found")
    assert running.call("GET", "/api/v1/orders/not-an-id").status_code == 422
