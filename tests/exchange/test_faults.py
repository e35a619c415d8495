"""Each fault as the unmodified client meets it, and what the exchange's books say afterwards."""

import re
import socket
import time
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from requests.adapters import HTTPAdapter

from tests.exchange.helpers import eventually, limit_order, market_order, new_id, refusal, submit
from tests.support.exchange import ExchangeProcess

DOCUMENT = Path(__file__).parents[2] / "docs" / "exchange-faults.md"
KEPT_ALIVE = (
    b"GET /v2/account HTTP/1.1\r\nHost: exchange\r\nAPCA-API-KEY-ID: PKDEMO\r\nAPCA-API-SECRET-KEY: demo-secret\r\n\r\n"
)


class Impatient(HTTPAdapter):
    """Reads for at most half a second: alpaca-py itself sets no timeout at all."""

    def send(self, *args: Any, **options: Any) -> requests.Response:
        return super().send(*args, **options | {"timeout": 0.5})


@pytest.fixture
def impatient(client: TradingClient) -> TradingClient:
    client._session.mount("http://", Impatient())
    return client


def order_in_books(exchange: ExchangeProcess, account: dict[str, Any], client_order_id: str) -> dict[str, Any] | None:
    return exchange.order(client_order_id, account["name"])


def cash(client: TradingClient) -> str:
    told: Any = client.get_account()
    return str(told["cash"])


def answers(client: TradingClient, count: int) -> list[int]:
    """Ask so often; give the statuses."""

    def ask() -> int:
        try:
            client.get("/account")
        except APIError as error:
            return cast("int", error.status_code)
        return 200

    return [ask() for _ in range(count)]


def becomes_filled(exchange: ExchangeProcess, account: dict[str, Any], client_order_id: str) -> bool:
    def look() -> bool:
        order = order_in_books(exchange, account, client_order_id)
        return order is not None and order["status"] == "filled"

    return eventually(look)


def test_delay_answers_late(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.add_fault("delay", delay_ms=300)
    began = time.monotonic()  # noqa: TID251  a real delay is measured
    client.get_account()
    assert time.monotonic() - began >= 0.3  # noqa: TID251  a real delay is measured


@pytest.mark.parametrize(
    ("kind", "error"),
    [("hang", requests.ReadTimeout), ("drop_before", requests.ConnectionError)],
)
def test_without_an_answer_before_the_order_nothing_happened(
    exchange: ExchangeProcess, impatient: TradingClient, account: dict[str, Any], *, kind: str, error: type[Exception]
) -> None:
    exchange.add_fault(kind, method="POST")
    with pytest.raises(error):
        submit(impatient, market_order(client_order_id="lost"))
    assert order_in_books(exchange, account, "lost") is None
    assert exchange.ledger(account["name"])["attempts"] == {"lost": 1}


@pytest.mark.parametrize(
    ("kind", "error"),
    [("hang_after", requests.ReadTimeout), ("drop_after", requests.ConnectionError)],
)
def test_without_an_answer_after_the_order_it_fills_all_the_same(
    exchange: ExchangeProcess, impatient: TradingClient, account: dict[str, Any], *, kind: str, error: type[Exception]
) -> None:
    exchange.add_fault(kind, method="POST")
    with pytest.raises(error):
        submit(impatient, market_order(client_order_id="unknown"))
    assert becomes_filled(exchange, account, "unknown")


@pytest.mark.parametrize(("status", "said"), [(502, "502 Bad Gateway"), (504, "504 Gateway Time-out"), (500, "^$")])
def test_an_error_before_leaves_no_order(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any], status: int, said: str
) -> None:
    exchange.add_fault(f"{status}_before", method="POST")
    with pytest.raises(APIError, match=said) as caught:
        submit(client, market_order(client_order_id="refused"))
    assert caught.value.status_code == status
    assert order_in_books(exchange, account, "refused") is None


@pytest.mark.parametrize(("status", "said"), [(502, "502 Bad Gateway"), (504, "504 Gateway Time-out"), (500, "^$")])
def test_an_error_after_hides_an_order_that_fills(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any], status: int, said: str
) -> None:
    exchange.add_fault(f"{status}_after", method="POST")
    with pytest.raises(APIError, match=said) as caught:
        submit(client, market_order(client_order_id="hidden"))
    assert caught.value.status_code == status
    assert becomes_filled(exchange, account, "hidden")


def test_half_an_answer_hides_an_order_that_fills(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    exchange.add_fault("half_body", method="POST")
    with pytest.raises(requests.RequestException):
        submit(client, market_order(client_order_id="half"))
    assert becomes_filled(exchange, account, "half")


def test_a_connection_closed_without_a_word_has_answered_in_full(exchange: ExchangeProcess) -> None:
    exchange.add_fault("close_after")
    port = int(exchange.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(KEPT_ALIVE)
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" not in answer.lower()
    assert answer.endswith(b"}")


def test_a_kept_connection_ends_when_it_is_used_again(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    fault = exchange.add_fault("close_on_reuse", account=account["name"], times=None)
    client.get_account()
    with pytest.raises(requests.ConnectionError):
        submit(client, market_order(client_order_id="reused"))
    assert exchange.fired(fault) == 1
    assert order_in_books(exchange, account, "reused") is None
    submit(client, market_order(client_order_id="reused"))  # on a new connection


def test_a_stale_answer_stays_until_the_fault_is_gone(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]
) -> None:
    client._use_raw_data = True
    exchange.add_fault("stale", path="/v2/account", times=None)
    before = cash(client)
    submit(client, market_order(client_order_id="spent"))
    assert becomes_filled(exchange, account, "spent")
    assert cash(client) == before
    exchange.remove_faults()
    assert cash(client) != before


def test_a_young_order_is_hidden_until_its_time_has_come(exchange: ExchangeProcess, client: TradingClient) -> None:
    order = submit(client, limit_order(price=1, client_order_id="young"))
    exchange.add_fault("hidden", method="GET", times=None, delay_ms=60_000)
    assert refusal(lambda: client.get_order_by_client_id("young"))[0] == 404
    assert refusal(lambda: client.get_order_by_id(order.id))[0] == 404
    client._use_raw_data = True
    assert client.get_orders() == []
    exchange.remove_faults()
    exchange.add_fault("hidden", method="GET", times=None, delay_ms=1)
    shown: list[Any] = list(client.get_orders())
    assert [one["id"] for one in shown] == [str(order.id)]
    assert client.get_order_by_client_id("young") == shown[0]


@pytest.mark.parametrize(("kind", "status"), [("unknown_status", "held_for_review"), ("unknown_field", "new")])
def test_words_nobody_has_documented_are_told(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any], kind: str, status: str
) -> None:
    client._use_raw_data = True
    exchange.add_fault(kind, method="GET", times=None)
    client.submit_order(limit_order(price=1, client_order_id=kind))
    told: Any = client.get_order_by_client_id(kind)
    assert told["status"] == status
    assert ("venue_hint" in told) is (kind == "unknown_field")
    booked = order_in_books(exchange, account, kind)
    assert booked is not None
    assert booked["status"] == "new"


def test_a_client_that_retries_a_hidden_order_is_told_the_id_is_taken(
    exchange: ExchangeProcess, account: dict[str, Any], connect: Any
) -> None:
    client = connect(exchange, account, patient=True)
    client._retry_wait = 0
    exchange.add_fault("504_after", method="POST")
    status, body = refusal(lambda: submit(client, market_order(client_order_id="retried")))
    assert (status, body["message"]) == (422, "client_order_id must be unique")
    order = order_in_books(exchange, account, "retried")
    assert order is not None
    assert order["attempts"] == 2


def test_429_leaves_no_order(exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]) -> None:
    exchange.add_fault("429", method="POST")
    body = {"code": 42910000, "message": "rate limit exceeded"}
    assert refusal(lambda: submit(client, market_order(client_order_id="early"))) == (429, body)
    assert order_in_books(exchange, account, "early") is None


def test_trickle_outlasts_a_read_timeout(exchange: ExchangeProcess, impatient: TradingClient) -> None:
    exchange.add_fault("trickle", path="/v2/assets", delay_ms=5)
    began = time.monotonic()  # noqa: TID251  a real delay is measured
    impatient.get_asset("KO")
    assert time.monotonic() - began >= 1.0  # noqa: TID251  a real delay is measured


def test_a_hung_client_that_leaves_is_forgotten(exchange: ExchangeProcess, impatient: TradingClient) -> None:
    exchange.add_fault("hang", times=None, method="GET")
    for _ in range(3):
        with pytest.raises(requests.ReadTimeout):
            impatient.get_account()
    exchange.remove_faults()
    impatient.get_account()


def test_a_fault_fires_as_often_as_asked(exchange: ExchangeProcess, client: TradingClient) -> None:
    fault = exchange.add_fault("429", times=2)
    assert [refusal(client.get_account)[0] for _ in range(2)] == [429, 429]
    client.get_account()
    assert {f["id"]: f["fired"] for f in exchange.faults()}[fault] == 2


def test_a_fault_lets_so_many_pass_before_each_time(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.add_fault("429", after=2, times=None)
    assert answers(client, 7) == [200, 200, 429, 200, 200, 429, 200]


def test_chance_is_the_same_for_the_same_seed(exchange: ExchangeProcess, client: TradingClient) -> None:
    rounds = []
    for seed in (1, 1, 2):
        fault = exchange.add_fault("429", chance="0.5", seed=seed, times=None)
        rounds.append(answers(client, 16))
        assert exchange.fired(fault) == rounds[-1].count(429)
        exchange.remove_fault(fault)
    assert rounds[0] == rounds[1] != rounds[2]
    assert set(rounds[0]) == {200, 429}


def test_a_fault_hits_only_its_account_method_and_path(
    exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any], connect: Any
) -> None:
    stranger = connect(exchange, exchange.add_account(new_id()))
    exchange.add_fault("429", account=account["name"], method="GET", path="^/v2/orders$", times=None)
    stranger.get_orders()
    client.get_account()
    order = submit(client, limit_order(price=1))
    client.get_order_by_id(order.id)
    assert refusal(client.get_orders)[0] == 429


def test_a_path_with_a_slash_is_a_prefix(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.add_fault("429", path="/v2/orders", times=None)
    assert refusal(lambda: client.get_order_by_client_id("any"))[0] == 429
    client.get_clock()


def test_the_control_port_is_never_faulted(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.add_fault("hang", times=None)
    assert exchange.control("GET", "/health").json()["status"] == "ok"
    exchange.remove_faults()
    client.get_clock()


def test_unanswered_requests_are_counted_by_their_fault(
    exchange: ExchangeProcess, impatient: TradingClient, account: dict[str, Any]
) -> None:
    exchange.add_fault("drop_before")
    with pytest.raises(requests.ConnectionError):
        impatient.get_account()
    impatient.get_account()
    counted = {c["status"]: c["count"] for c in exchange.request_counts() if c["account"] == account["name"]}
    assert counted == {"200": 1, "drop_before": 1}


def test_the_document_names_every_kind_and_no_other(exchange: ExchangeProcess) -> None:
    refused = exchange.control("POST", "/faults", {"kind": "earthquake"}).json()["message"]
    known = set(refused.partition("one of ")[2].split(", "))
    cells = [line.split("|")[1] for line in DOCUMENT.read_text().split("## Other")[0].splitlines() if line[:3] == "| `"]
    fields = {"kind", "account", "times", "after", "chance", "seed", "method", "path", "event", "delay_ms"}
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named - fields - {"account_number"} == known
