"""The minute's allowance and its headers, on every answer."""

from typing import Any

import pytest
import requests

from tests.exchange.helpers import market_order, new_id, refusal, submit
from tests.support.exchange import ExchangeProcess


def get(exchange: ExchangeProcess, path: str, account: dict[str, Any]) -> requests.Response:
    keys = {"APCA-API-KEY-ID": account["key_id"], "APCA-API-SECRET-KEY": account["secret_key"]}
    return requests.get(exchange.url + path, headers=keys, timeout=5)


@pytest.mark.parametrize("path", ["/v2/account", "/v2/orders/nothing", "/nothing"])
def test_every_answer_tells_what_is_left_and_a_request_id(exchange: ExchangeProcess, path: str) -> None:
    account = exchange.add_account(new_id(), rate_limit=200)
    first, second = (get(exchange, path, account).headers for _ in range(2))
    assert (first["X-RateLimit-Limit"], first["X-RateLimit-Remaining"]) == ("200", "199")
    assert (second["X-RateLimit-Remaining"], second["X-RateLimit-Reset"]) == ("198", first["X-RateLimit-Reset"])
    assert len({first["X-Request-ID"], second["X-Request-ID"]}) == 2


def test_strangers_get_the_headers_too(exchange: ExchangeProcess) -> None:
    answer = get(exchange, "/v2/account", {"key_id": "PKNOBODY", "secret_key": "wrong"})
    assert answer.status_code == 401
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID"} <= set(answer.headers)


def test_beyond_the_allowance_is_429_and_reaches_no_book(exchange: ExchangeProcess, connect: Any) -> None:
    account = exchange.add_account(new_id(), rate_limit=2)
    client = connect(exchange, account)
    client.get_account()
    client.get_account()
    limited = (429, {"code": 42910000, "message": "rate limit exceeded"})
    assert refusal(lambda: submit(client, market_order(client_order_id="late"))) == limited
    ledger = exchange.ledger(account["name"])
    assert (ledger["orders"], ledger["attempts"]) == ([], {"late": 1})
    assert get(exchange, "/v2/account", account).headers["X-RateLimit-Remaining"] == "0"


def test_market_data_has_an_allowance_of_its_own(exchange: ExchangeProcess) -> None:
    account = exchange.add_account(new_id(), rate_limit=1)
    quotes = "/v2/stocks/quotes/latest?symbols=AAPL"
    assert [get(exchange, path, account).status_code for path in ("/v2/account", quotes, quotes)] == [200, 200, 429]


def test_a_raised_limit_holds_at_once(exchange: ExchangeProcess) -> None:
    account = exchange.add_account(new_id(), rate_limit=1)
    assert [get(exchange, "/v2/clock", account).status_code for _ in range(2)] == [200, 429]
    exchange.change_account(account["name"], rate_limit=5)
    assert get(exchange, "/v2/clock", account).status_code == 200
