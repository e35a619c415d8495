"""Each fault of the trade_updates stream as a raw client meets it; the books never notice."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alpaca.trading.client import TradingClient
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidMessage, InvalidStatus

from tests.exchange.helpers import eventually, limit_order, market_order, new_id, submit
from tests.exchange.listening import RawStream
from tests.support.exchange import ExchangeProcess

Ids = list[str]


class Listener:
    """An account's raw stream, and orders whose `new` it should hear of."""

    def __init__(self, raw: RawStream, client: TradingClient) -> None:
        self.raw = raw
        self._client = client

    def order(self, count: int = 1) -> Ids:
        """Submit orders that rest; give their client ids in order."""
        return [submit(self._client, limit_order(price=1)).client_order_id for _ in range(count)]

    def heard(self, count: int) -> Ids:
        """Give the client ids of the next updates."""
        return [update["order"]["client_order_id"] for update in self.raw.updates(count)]

    def hears_no_more(self) -> type[Exception]:
        """Read on to the connection's end; give how it ended."""
        try:
            while True:
                self.raw.hear()
        except ConnectionClosed as end:
            return type(end)


@contextmanager
def connected(exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient) -> Iterator[Listener]:
    """Listen in the ordinary way."""
    with RawStream(exchange.url) as raw:
        assert raw.authenticate(account)["data"]["status"] == "authorized"
        assert raw.listen("trade_updates") == ["trade_updates"]
        yield Listener(raw, client)


@pytest.fixture
def listener(exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient) -> Iterator[Listener]:
    with connected(exchange, account, client) as opened:
        yield opened


def test_a_frame_comes_twice(exchange: ExchangeProcess, listener: Listener) -> None:
    fault = exchange.add_fault("stream_duplicate")
    first, second = listener.order(2)
    assert listener.heard(3) == [first, first, second]
    assert exchange.fired(fault) == 1


def test_a_frame_comes_behind_the_next(exchange: ExchangeProcess, listener: Listener) -> None:
    exchange.add_fault("stream_reorder", times=None)
    first, second, third, fourth = listener.order(4)
    assert listener.heard(4) == [second, first, fourth, third]


def test_a_frame_is_missing(exchange: ExchangeProcess, account: dict[str, Any], listener: Listener) -> None:
    exchange.add_fault("stream_drop", account=account["name"])
    lost, told = listener.order(2)
    assert listener.heard(1) == [told]
    assert exchange.order(lost, account["name"]) is not None


def test_a_frame_is_late_and_all_behind_it(exchange: ExchangeProcess, listener: Listener) -> None:
    exchange.add_fault("stream_delay", delay_ms=300)
    orders = listener.order(2)
    (first,) = listener.raw.updates(1)
    late = datetime.now(UTC) - datetime.fromisoformat(first["timestamp"])  # noqa: TID251  a real delay is measured
    assert late >= timedelta(milliseconds=300)
    assert [first["order"]["client_order_id"], *listener.heard(1)] == orders


def test_a_mute_stream_answers_pings_and_nothing_else(exchange: ExchangeProcess, listener: Listener) -> None:
    fault = exchange.add_fault("stream_mute")
    listener.order()
    eventually(lambda: exchange.fired(fault))
    listener.raw.say({"action": "listen", "data": {"streams": ["trade_updates"]}})
    assert listener.raw.socket.ping().wait(3)
    with pytest.raises(TimeoutError):
        listener.raw.hear(0.1)
    exchange.remove_fault(fault)
    later = listener.order()
    assert listener.heard(1) == later


def test_a_mute_stream_does_not_even_acknowledge_keys(exchange: ExchangeProcess, account: dict[str, Any]) -> None:
    fault = exchange.add_fault("stream_mute", account=account["name"], times=None)
    with RawStream(exchange.url) as raw:
        with pytest.raises(TimeoutError):
            raw.hear(0.05)
        raw.say({"action": "auth", "key": account["key_id"], "secret": account["secret_key"]})
        eventually(lambda: exchange.fired(fault))
        with pytest.raises(TimeoutError):
            raw.hear(0.05)


@pytest.mark.parametrize(("kind", "status"), [("stream_refused_403", 403), ("stream_refused_429", 429)])
def test_the_handshake_is_refused(
    exchange: ExchangeProcess, account: dict[str, Any], kind: str, status: int, client: TradingClient
) -> None:
    exchange.add_fault(kind)
    with pytest.raises(InvalidStatus) as refused:
        RawStream(exchange.url)
    assert refused.value.response.status_code == status
    with connected(exchange, account, client) as second:
        assert second.order() == second.heard(1)


def test_the_handshake_is_cut_off(exchange: ExchangeProcess) -> None:
    exchange.add_fault("stream_refused_reset")
    with pytest.raises((ConnectionResetError, InvalidMessage)):
        RawStream(exchange.url)


def test_a_refusal_of_one_account_needs_its_keys_in_the_headers(
    exchange: ExchangeProcess, account: dict[str, Any]
) -> None:
    exchange.add_fault("stream_refused_403", account=account["name"], times=None)
    with RawStream(exchange.url) as raw:
        assert raw.authenticate(account)["data"]["status"] == "authorized"
    with pytest.raises(InvalidStatus):
        RawStream(exchange.url, account)


def test_the_limit_of_connections_is_told_after_the_keys(exchange: ExchangeProcess, account: dict[str, Any]) -> None:
    exchange.add_fault("stream_limit", account=account["name"])
    with RawStream(exchange.url) as raw:
        told = raw.authenticate(account)
        assert told == {"action": "error", "data": {"error_message": "connection limit exceeded", "code": 406}}
        with pytest.raises(ConnectionClosed):
            raw.hear()
    assert exchange.streams() == []


def test_a_connection_is_cut_after_so_many_frames_each_time(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient
) -> None:
    fault = exchange.add_fault("stream_cut", after=2, times=None)
    for turn in (1, 2):
        with connected(exchange, account, client) as opened:
            first, second, _third = opened.order(3)
            assert opened.heard(2) == [first, second]
            assert opened.hears_no_more() is ConnectionClosedError
        assert exchange.fired(fault) == turn
        eventually(lambda: exchange.streams() == [])


def test_half_a_frame_is_the_end_of_a_connection(exchange: ExchangeProcess, listener: Listener) -> None:
    exchange.add_fault("stream_half_frame", after=1)
    whole, _half = listener.order(2)
    assert listener.heard(1) == [whole]
    assert listener.hears_no_more() is ConnectionClosedError


def test_a_whole_frame_cannot_be_read_and_the_next_can(exchange: ExchangeProcess, listener: Listener) -> None:
    exchange.add_fault("stream_unreadable")
    _broken, whole = listener.order(2)
    with pytest.raises(json.JSONDecodeError):
        listener.raw.hear()
    assert listener.heard(1) == [whole]


def test_an_update_says_nothing(exchange: ExchangeProcess, listener: Listener) -> None:
    exchange.add_fault("stream_no_data")
    listener.order()
    assert listener.raw.hear() == {"stream": "trade_updates", "data": None}


def test_words_that_nobody_has_documented(exchange: ExchangeProcess, listener: Listener) -> None:
    for kind in ("stream_unknown_event", "stream_unknown_status", "stream_unknown_field"):
        exchange.add_fault(kind)
    listener.order(4)
    event, status, fields, as_ever = listener.raw.updates(4)
    assert [update["event"] for update in (event, status, fields, as_ever)] == ["reviewed", "new", "new", "new"]
    assert [update["order"]["status"] for update in (event, status)] == ["new", "held_for_review"]
    assert all("venue_hint" in each for each in (fields, fields["order"]))
    assert set(fields) - set(as_ever) == {"venue_hint", "", "type_v2"}


def test_a_fault_may_wait_for_one_kind_of_event(
    exchange: ExchangeProcess, listener: Listener, client: TradingClient
) -> None:
    exchange.add_fault("stream_drop", event="fill")
    filled = submit(client, market_order("KO"))
    assert listener.heard(1) == [filled.client_order_id]
    eventually(lambda: exchange.faults()[0]["fired"])
    resting = listener.order()
    assert listener.heard(1) == resting


def test_another_account_is_left_alone(
    exchange: ExchangeProcess, connect: Any, listener: Listener, account: dict[str, Any]
) -> None:
    exchange.add_fault("stream_drop", account=account["name"], times=None)
    other = exchange.add_account(new_id())
    with connected(exchange, other, connect(exchange, other)) as stranger:
        listener.order()
        assert stranger.order() == stranger.heard(1)


def test_the_account_number_is_another_from_the_next_connection_on(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient
) -> None:
    def number() -> str:
        told: Any = client.get("/account")
        return str(told["account_number"])

    with connected(exchange, account, client) as first:
        before = number()
        exchange.add_fault("stream_new_number", account=account["name"], account_number="PA3ANOTHER01")
        assert first.order() == first.heard(1)
        assert number() == before
    eventually(lambda: exchange.streams() == [])
    with connected(exchange, account, client):
        assert number() == "PA3ANOTHER01" != before


def test_requests_meet_no_fault_of_streams_and_streams_none_of_requests(
    exchange: ExchangeProcess, listener: Listener, client: TradingClient
) -> None:
    exchange.add_fault("stream_refused_403")
    exchange.add_fault("429", times=None, path="/stream")
    client.get("/account")
    assert listener.order() == listener.heard(1)
    assert [fault["fired"] for fault in exchange.faults()] == [0, 0]
