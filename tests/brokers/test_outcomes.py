"""What an answer or a failure means for the order: when in doubt it is unknown, never refused."""

import json
import ssl
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    IncompleteRead,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
)

from brokers.alpaca.outcomes import is_no_such_order, of_answer, of_failure, of_status
from domain.broker import Accepted, NotAccepted, Rejected, Unknown

HTML = "<html><body>502 Bad Gateway</body></html>"


def body(message: str, code: int = 40310000) -> str:
    return json.dumps({"code": code, "message": message})


@pytest.mark.parametrize(
    ("status", "text", "kind", "reason"),
    [
        (400, body("request body format is invalid", 40010000), Rejected, "broker_rejected"),
        (401, '{"message":"unauthorized."}', Rejected, "broker_unauthorized"),
        (403, '{"message":"forbidden."}', Rejected, "broker_unauthorized"),
        (403, body("insufficient buying power"), Rejected, "insufficient_buying_power"),
        (403, body("insufficient qty available for order (requested: 2, available: 0)"), Rejected, "insufficient_qty"),
        (403, body("insufficient underlying qty available for covered call"), Rejected, "insufficient_qty"),
        (403, body("potential wash trade detected. use complex orders"), Rejected, "wash_trade"),
        (403, body("new orders are rejected by user request"), Rejected, "trading_suspended"),
        (403, HTML, Rejected, "broker_rejected"),  # a firewall's: it never reached the broker
        (404, body("option contract X not found", 40410000), Rejected, "broker_rejected"),
        (422, body("invalid limit_price 1.001. sub-penny increment ...", 42210000), Rejected, "sub_penny"),
        (422, body("asset X is not tradable", 42210000), Rejected, "not_tradable"),
        (422, body("us_equity orders not allowed for account", 40010001), Rejected, "broker_rejected"),
        # the order exists already, whoever sent it: look it up
        (422, body("client_order_id must be unique", 40010001), Unknown, "duplicate_client_order_id"),
        (409, body("client_order_id must be unique", 40010001), Unknown, "duplicate_client_order_id"),
        (429, body("rate limit exceeded", 42910000), NotAccepted, "rate_limited"),
        (429, "", NotAccepted, "rate_limited"),
        (408, "", Unknown, "http_408"),  # a gateway's patience says nothing about the order
        (418, "", Unknown, "http_418"),  # undocumented
        (451, "", Unknown, "http_451"),
        (500, body("internal server error", 50010000), Unknown, "http_500"),
        (500, body("insufficient buying power"), Unknown, "http_500"),  # the words alone refuse nothing
        (502, HTML, Unknown, "http_502"),
        (503, HTML, Unknown, "http_503"),
        (504, HTML, Unknown, "http_504"),
        (599, "", Unknown, "http_599"),
    ],
)
def test_an_http_error_means(status: int, text: str, kind: type[Any], reason: str) -> None:
    outcome = of_status(status, text)

    assert (type(outcome), outcome.reason_code) == (kind, reason)  # type: ignore[union-attr]  # no error is Accepted


@pytest.mark.parametrize("text", ["", "[]", "null", "7", '{"message":null}', HTML, "[" * 100_000])
def test_a_refusal_without_words_says_its_status(text: str) -> None:
    assert of_status(422, text) == Rejected("broker_rejected", "HTTP 422", 422)


@given(st.integers(500, 599), st.text())
def test_no_server_error_is_ever_a_refusal(status: int, text: str) -> None:
    assert isinstance(of_status(status, text), Unknown)


@pytest.mark.parametrize(
    "answer",
    [None, [], "", "ok", 7, {}, {"id": None}, {"id": ""}, {"code": 40310000, "message": "insufficient buying power"}],
)
def test_a_success_that_names_no_order_is_unknown(answer: object) -> None:
    assert isinstance(of_answer(answer), Unknown)


@pytest.mark.parametrize("word", ["new", "filled", "rejected", "never_heard_of", None])
def test_a_success_that_names_an_order_is_accepted_whatever_its_status(word: str | None) -> None:
    assert isinstance(of_answer({"id": "b1", "status": word}), Accepted)


POOL, CONNECTION = HTTPConnectionPool("127.0.0.1"), HTTPConnection("127.0.0.1")


def wrapped(reason: Exception, kind: type[requests.RequestException] = requests.ConnectionError) -> Exception:
    """As requests hands urllib3's failures on."""
    return kind(MaxRetryError(POOL, "/v2/orders", reason))


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        # no connection was ever made, so nothing was sent
        (wrapped(NewConnectionError(CONNECTION, "refused")), NotAccepted),
        (wrapped(NameResolutionError("paper", CONNECTION, OSError())), NotAccepted),  # type: ignore[arg-type]  # any error will do
        (wrapped(ConnectTimeoutError(), requests.ConnectTimeout), NotAccepted),
        # anything else may have come after the order
        (requests.ReadTimeout(ReadTimeoutError(POOL, "/", "read timed out")), Unknown),
        (wrapped(ReadTimeoutError(POOL, "/", "read timed out")), Unknown),
        (requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError())), Unknown),
        (requests.ConnectionError(ProtocolError("Connection aborted.", BrokenPipeError())), Unknown),
        (requests.exceptions.ChunkedEncodingError(IncompleteRead(1, 2)), Unknown),
        (requests.exceptions.ContentDecodingError(), Unknown),
        (wrapped(ssl.SSLError("bad record mac"), requests.exceptions.SSLError), Unknown),
        (wrapped(ProxyError("tunnel failed", OSError()), requests.exceptions.ProxyError), Unknown),
        (requests.ConnectionError(), Unknown),
        (requests.ConnectionError("text alone"), Unknown),
        (requests.Timeout(), Unknown),
        (requests.TooManyRedirects(), Unknown),
        (requests.RequestException(), Unknown),
    ],
)
def test_a_failure_means(failure: requests.RequestException, kind: type[Any]) -> None:
    assert isinstance(of_failure(failure), kind)


@pytest.mark.parametrize(
    ("status", "text", "answer"),
    [
        (404, body("order not found for opt-1", 40410000), True),
        (404, HTML, False),  # a gateway's
        (404, body("endpoint not found", 40410000), False),
        (404, "", False),
        (500, body("order not found for opt-1", 40410000), False),
    ],
)
def test_only_the_broker_can_say_that_it_has_no_such_order(status: int, text: str, *, answer: bool) -> None:
    assert is_no_such_order(status, text) is answer
