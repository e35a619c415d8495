"""The trade_updates stream: who may listen, what is said in which order, and what nobody hears."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.requests import ReplaceOrderRequest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.exchange.helpers import eventually, filled, limit_order, market_order, new_id, submit
from tests.exchange.listening import RawStream, sdk_stream
from tests.support.exchange import DEMO, ExchangeProcess

if TYPE_CHECKING:
    from alpaca.trading.models import Order

AUTHORIZED = {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}
UNAUTHORIZED = {"stream": "authorization", "data": {"status": "unauthorized", "action": "authenticate"}}


@pytest.fixture
def stream(exchange: ExchangeProcess, account: dict[str, Any]) -> Iterator[RawStream]:
    """A raw client that listens to its account's trade updates."""
    with RawStream(exchange.url) as raw:
        assert raw.authenticate(account) == AUTHORIZED
        assert raw.listen("trade_updates") == ["trade_updates"]
        yield raw


def test_the_sdks_stream_hears_an_order_from_new_to_filled(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient
) -> None:
    with sdk_stream(exchange, account) as heard:
        exchange.set_fills(partial=3)
        order = submit(client, market_order("AAPL", 10))
        exchange.release(client_order_id=order.client_order_id)
        eventually(lambda: len(heard) >= 2)
        resting = submit(client, limit_order("AAPL", 1, price=1))
        client.cancel_order_by_id(resting.id)
        eventually(lambda: heard[-1].event == "canceled")
    assert [update.event for update in heard][:1] == ["new"]
    assert [update.event for update in heard][-2:] == ["new", "canceled"]
    assert heard[-3].order.filled_qty == "10"
    assert all(update.order.id in {order.id, resting.id} for update in heard)


@pytest.mark.parametrize("form", ["auth", "authenticate"])
def test_both_forms_of_keys_are_understood(exchange: ExchangeProcess, account: dict[str, Any], form: str) -> None:
    keys = (account["key_id"], account["secret_key"])
    message = {
        "auth": {"action": "auth", "key": keys[0], "secret": keys[1]},
        "authenticate": {"action": "authenticate", "data": {"key_id": keys[0], "secret_key": keys[1]}},
    }[form]
    with RawStream(exchange.url) as raw:
        raw.say(message)
        assert raw.hear() == AUTHORIZED


@pytest.mark.parametrize(
    "message",
    [
        {"action": "auth", "key": "PKNOBODY", "secret": "x"},
        {"action": "auth"},
        {"action": "auth", "key": ["PK"], "secret": "\ud800"},
        {"action": "authenticate", "data": {"key_id": "PKDEMO", "secret_key": "wrong"}},
    ],
)
def test_wrong_keys_are_unauthorized_and_may_be_followed_by_right_ones(
    exchange: ExchangeProcess, account: dict[str, Any], message: dict[str, Any]
) -> None:
    with RawStream(exchange.url) as raw:
        raw.say(message)
        assert raw.hear() == UNAUTHORIZED
        assert raw.authenticate(account) == AUTHORIZED


def test_without_keys_nobody_listens(exchange: ExchangeProcess) -> None:
    with RawStream(exchange.url) as raw:
        raw.say({"action": "listen", "data": {"streams": ["trade_updates"]}})
        assert raw.hear() == {"stream": "authorization", "data": {"status": "unauthorized", "action": "listen"}}


def test_unknown_streams_are_left_out_of_the_acknowledgement(exchange: ExchangeProcess, stream: RawStream) -> None:
    assert stream.listen("account_updates", "trade_updates") == ["trade_updates"]
    assert stream.listen("account_updates") == []
    assert not any(shown["listening"] for shown in exchange.streams())


@pytest.mark.parametrize("message", ["no json", "[]", '{"action": "dance"}', "[" * 10_000])
def test_a_message_that_means_nothing_is_an_error_and_the_end(exchange: ExchangeProcess, message: str) -> None:
    with RawStream(exchange.url) as raw:
        raw.socket.send(message)
        heard = raw.hear()
        assert (heard["action"], heard["data"]["error_message"].split(":")[0]) == ("error", "invalid message")
        with pytest.raises(ConnectionClosed):
            raw.hear()


def test_a_second_connection_is_refused_and_the_first_goes_on(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient, stream: RawStream
) -> None:
    with RawStream(exchange.url) as second:
        refused = second.authenticate(account)
        assert refused == {"action": "error", "data": {"error_message": "connection limit exceeded", "code": 406}}
        with pytest.raises(ConnectionClosed):
            second.hear()
    with pytest.raises(InvalidStatus) as at_the_door:
        RawStream(exchange.url, account)
    assert at_the_door.value.response.status_code == 429
    submit(client, limit_order(price=1))
    assert stream.updates(1)[0]["event"] == "new"


def test_a_connection_may_follow_one_that_was_closed(exchange: ExchangeProcess, account: dict[str, Any]) -> None:
    for _ in range(2):
        with RawStream(exchange.url) as raw:
            assert raw.authenticate(account) == AUTHORIZED
        eventually(lambda: exchange.streams() == [])


def test_what_happened_while_away_is_not_told(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient
) -> None:
    submit(client, limit_order(price=1, client_order_id="before"))
    with RawStream(exchange.url) as raw:
        raw.authenticate(account)
        submit(client, limit_order(price=1, client_order_id="unasked"))
        raw.listen("trade_updates")
        submit(client, limit_order(price=1, client_order_id="heard"))
        assert raw.updates(1)[0]["order"]["client_order_id"] == "heard"
    submit(client, limit_order(price=1, client_order_id="away"))
    eventually(lambda: exchange.streams() == [])
    with RawStream(exchange.url) as raw:
        raw.authenticate(account)
        raw.listen("trade_updates")
        submit(client, limit_order(price=1, client_order_id="back"))
        assert raw.updates(1)[0]["order"]["client_order_id"] == "back"


def test_a_stream_tells_of_its_own_account_alone(
    exchange: ExchangeProcess, client: TradingClient, connect: Any, stream: RawStream
) -> None:
    submit(connect(exchange, exchange.add_account(new_id())), limit_order(price=1))
    own = submit(client, limit_order(price=1))
    assert stream.updates(1)[0]["order"]["id"] == str(own.id)


def test_fills_tell_price_quantity_and_position(
    exchange: ExchangeProcess, client: TradingClient, stream: RawStream
) -> None:
    exchange.set_fills(never=True)
    order = submit(client, market_order("DIS", 10))
    exchange.release(client_order_id=order.client_order_id, qty=4)
    exchange.release(client_order_id=order.client_order_id)
    new, part, rest = stream.updates(3)
    names = ("event", "price", "qty", "position_qty")
    assert [part[name] for name in names] == ["partial_fill", "95.02", "4", "4"]
    assert [rest[name] for name in names] == ["fill", "95.02", "6", "10"]
    assert (part["order"]["filled_qty"], part["order"]["status"]) == ("4", "partially_filled")
    assert (rest["order"]["filled_qty"], rest["order"]["status"]) == ("10", "filled")
    assert set(new) == {"at", "event_id", "event", "timestamp", "order", "execution_id"}


def test_events_have_ids_that_sort_and_executions_other_ids_than_activities(
    client: TradingClient, stream: RawStream
) -> None:
    filled(client, submit(client, market_order("DIS")))
    new, fill = stream.updates(2)
    assert new["event_id"] < fill["event_id"]
    assert len(fill["event_id"]) == 26
    (activity,) = cast("list[dict[str, Any]]", client.get("/account/activities/FILL"))
    assert str(uuid.UUID(fill["execution_id"])) == fill["execution_id"] != activity["id"].partition("::")[2]
    assert activity["transaction_time"] == fill["timestamp"] == fill["order"]["filled_at"]


def test_an_update_shows_the_order_as_the_api_does(client: TradingClient, stream: RawStream) -> None:
    order = submit(client, limit_order(price=1))
    client.cancel_order_by_id(order.id)
    new, canceled = stream.updates(2)
    assert (new["event"], canceled["event"]) == ("new", "canceled")
    assert canceled["order"] == client.get(f"/orders/{order.id}")
    assert canceled["timestamp"] == canceled["order"]["canceled_at"]


def test_a_replacement_is_told_of_both_orders(client: TradingClient, stream: RawStream) -> None:
    old = submit(client, limit_order("DIS", 4, price=90))
    new = cast("Order", client.replace_order_by_id(old.id, ReplaceOrderRequest(qty=3)))
    told = [(update["event"], update["order"]["id"]) for update in stream.updates(3)]
    assert told == [("new", str(old.id)), ("replaced", str(old.id)), ("new", str(new.id))]


def test_a_cancel_under_way_is_told_before_it_is_done(
    exchange: ExchangeProcess, client: TradingClient, stream: RawStream
) -> None:
    exchange.set_fills(cancel_delay_ms=50)
    client.cancel_order_by_id(submit(client, limit_order(price=1)).id)
    assert [update["event"] for update in stream.updates(3)] == ["new", "pending_cancel", "canceled"]


@pytest.mark.parametrize(
    "status",
    [
        "accepted",
        "pending_new",
        "done_for_day",
        "stopped",
        "suspended",
        "calculated",
        "pending_cancel",
        "pending_replace",
        "expired",
        "rejected",
        "canceled",
    ],
)
def test_every_other_event_can_be_scripted(
    exchange: ExchangeProcess, client: TradingClient, stream: RawStream, status: str
) -> None:
    order = submit(client, limit_order(price=1))
    assert exchange.set_status(status, client_order_id=order.client_order_id) == [order.client_order_id]
    update = stream.updates(2)[1]
    assert (update["event"], update["order"]["status"]) == (status, status)
    stamp = {"expired": "expired_at", "rejected": "failed_at", "canceled": "canceled_at"}.get(status)
    assert stamp is None or update["order"][stamp] == update["timestamp"]


def test_the_order_of_events_is_the_ledgers(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient, stream: RawStream
) -> None:
    exchange.set_fills(delay_ms=0)
    orders = [submit(client, market_order("F")) for _ in range(20)]
    eventually(lambda: len(exchange.ledger(account["name"])["positions"]) == 1)
    updates = stream.updates(40)
    assert [u["event_id"] for u in updates] == sorted(u["event_id"] for u in updates)
    fills = [u["order"]["id"] for u in updates if u["event"] == "fill"]
    booked = sorted(exchange.ledger(account["name"])["orders"], key=lambda order: order["fills"][0]["at"])
    assert fills == [order["id"] for order in booked]
    assert [u["position_qty"] for u in updates if u["event"] == "fill"] == [str(n + 1) for n in range(len(orders))]


def test_pings_are_answered(stream: RawStream) -> None:
    assert stream.socket.ping().wait(3)


def test_the_control_port_shows_who_is_connected(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient, stream: RawStream
) -> None:
    submit(client, limit_order(price=1))
    stream.updates(1)
    (shown,) = exchange.streams()
    assert (shown["account"], shown["listening"], shown["sent"]) == (account["name"], True, 3)
    assert shown["since"].endswith("Z")


def test_a_stop_closes_every_stream_in_good_order(home: Path) -> None:
    with ExchangeProcess(home) as exchange, RawStream(exchange.url) as silent, RawStream(exchange.url) as raw:
        raw.authenticate(DEMO)
        assert exchange.stop() == 0
        for socket in (silent.socket, raw.socket):
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(3)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001


def test_a_reader_that_falls_far_behind_is_cut_off_and_the_books_go_on(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient, stream: RawStream
) -> None:
    for _ in range(50):
        submit(client, limit_order(price=1))
    for turn in range(500):
        exchange.set_status(("new", "accepted")[turn % 2], account=account["name"])
        if not exchange.streams():
            break
    assert exchange.streams() == []
    with pytest.raises(ConnectionClosed):
        list(iter(stream.hear, None))
    assert exchange.ledger(account["name"])["reserved"] == "50"


def test_a_client_that_is_killed_makes_room(exchange: ExchangeProcess, account: dict[str, Any]) -> None:
    raw = RawStream(exchange.url)
    raw.authenticate(account)
    raw.socket.socket.close()
    eventually(lambda: exchange.streams() == [])
