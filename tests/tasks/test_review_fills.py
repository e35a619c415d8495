"""Fills that were once lost, and working orders that were once never asked for."""

import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests

from domain.order_state import OrderStatus
from tasks import polling
from tasks.placing import place_order
from tasks.polling import poll_account
from tasks.settling import settle_order
from tests.support.desk import Desk, DeskMaker, desks


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskMaker]:
    with desks(tmp_path_factory.mktemp("exchange")) as made:
        yield made


@pytest.fixture
def desk(maker: DeskMaker) -> Iterator[Desk]:
    with maker.desk() as made:
        made.exchange.set_fills(never=True)
        yield made


def cancel_at_broker(desk: Desk, order_id: uuid.UUID) -> None:
    """Cancel as somebody at the broker's own page would."""
    account = desk.ctx.settings.accounts[0]
    headers = {
        "APCA-API-KEY-ID": account.api_key.get_secret_value(),
        "APCA-API-SECRET-KEY": account.secret_key.get_secret_value(),
    }
    ours = desk.row(order_id)["broker_client_id"]
    theirs = desk.exchange.order(ours, desk.account)
    assert theirs is not None
    with requests.Session() as session:
        session.trust_env = False
        url = f"{desk.exchange.url}/v2/orders/{theirs['id']}"
        session.delete(url, headers=headers, timeout=5).raise_for_status()


def place(desk: Desk, qty: str = "10") -> uuid.UUID:
    order_id = desk.request(qty=qty, limit="500")
    place_order(desk.ctx, order_id)
    return order_id


def test_fills_of_an_order_that_ended_before_it_was_known_are_counted(desk: Desk) -> None:
    order_id = desk.request(qty="10", limit="500")
    desk.exchange.add_fault("drop_after", method="POST", path="/v2/orders")
    place_order(desk.ctx, order_id)
    desk.exchange.release(account=desk.account, qty="4")
    cancel_at_broker(desk, order_id)
    desk.expire_waits(order_id)
    settle_order(desk.ctx, order_id)
    assert desk.row(order_id)["reserved"] == Decimal(5000)
    desk.poll()
    row = desk.row(order_id)
    assert (row["status"], row["filled_qty"], row["due_at"]) == ("canceled", Decimal(4), None)


def test_a_partial_fill_and_then_a_cancel_between_two_polls_loses_nothing(desk: Desk) -> None:
    order_id = place(desk)
    desk.exchange.release(account=desk.account, qty="4")
    cancel_at_broker(desk, order_id)
    desk.poll()
    assert (desk.status(order_id), desk.row(order_id)["filled_qty"]) == (OrderStatus.CANCELED, Decimal(4))


def test_a_fill_is_counted_once_however_often_it_is_polled(desk: Desk) -> None:
    order_id = place(desk)
    desk.exchange.release(account=desk.account, qty="4")
    for _ in range(3):
        desk.change("filled_qty = 0", "order_id = %s", order_id)  # so that the fills are read again
        desk.poll()
    assert desk.row(order_id)["filled_qty"] == Decimal(4)
    assert desk.events(order_id).count("partially_filled") == 1


def test_an_order_that_there_was_no_room_to_ask_for_comes_first_the_next_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = place(desk), place(desk)
    monkeypatch.setattr(polling, "SINGLE_READS", 1)
    # as after a jump of the clock: the list begins after both orders
    desk.change("submitted_at = clock_timestamp() + interval '1 hour'", "account_id = %s", desk.account_id)
    desk.change("due_at = clock_timestamp() - interval '2 seconds'", "order_id = %s", first)
    desk.change("due_at = clock_timestamp() - interval '1 second'", "order_id = %s", second)
    desk.exchange.release(account=desk.account, client_order_id=desk.row(second)["broker_client_id"])
    for _ in range(2):
        poll_account(desk.ctx, desk.account_id)
        desk.change("due_at = due_at - interval '10 seconds'", "account_id = %s", desk.account_id)
    assert [desk.status(order_id) for order_id in (first, second)] == [OrderStatus.ACCEPTED, OrderStatus.FILLED]
