"""The relay: what is due is hinted again, not too often, by one relay at a time (R1, R3)."""

import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest

from config.celery import PLACE_ENTRY, PLACE_EXIT, POLL_ORDERS, SETTLE_ORDER
from domain.order_state import OrderStatus
from domain.orders import Lane, PositionIntent, Side
from models.unit import Unit
from services.due import DueOrder, take_due
from services.leases import drop_lease, take_lease
from services.order_cancel import CancelWish, request_cancel
from tasks import relay
from tasks.context import Context
from tasks.placing import place_order
from tests.support.house import TEST_ORIGIN, Bed, make_due, request

CALL = "AAPL280121C00150000"
ORDER, OTHER, ACCOUNT = (uuid.UUID(int=number) for number in (1, 2, 3))


@pytest.fixture
def ctx(quiet: Bed) -> Iterator[Context]:
    made = quiet.context()
    with made.database.statement() as unit:
        unit.run("UPDATE trading.orders SET due_at = NULL, cancel_due_at = NULL")
    broker = quiet.servers.broker()
    broker.flushall()
    yield made
    broker.flushall()
    broker.close()


def due_ids(ctx: Context) -> list[uuid.UUID]:
    with ctx.database.unit() as unit:
        return [entry.order_id for entry in take_due(unit, 100)]


def age(unit: Unit, order_id: uuid.UUID, seconds: int) -> None:
    unit.run(
        "UPDATE trading.orders SET due_at = clock_timestamp() - make_interval(secs => %(s)s) WHERE order_id = %(id)s",
        {"s": seconds, "id": order_id},
    )


@pytest.mark.parametrize(
    ("status", "lane", "task", "argument"),
    [
        (OrderStatus.REQUESTED, Lane.ENTRY, PLACE_ENTRY, ORDER),
        (OrderStatus.REQUESTED, Lane.EXIT, PLACE_EXIT, ORDER),
        (OrderStatus.SUBMITTING, Lane.ENTRY, SETTLE_ORDER, ORDER),
        (OrderStatus.UNKNOWN, Lane.EXIT, SETTLE_ORDER, ORDER),
        (OrderStatus.ACCEPTED, Lane.ENTRY, POLL_ORDERS, ACCOUNT),
        (OrderStatus.PARTIALLY_FILLED, Lane.EXIT, POLL_ORDERS, ACCOUNT),
    ],
)
def test_status_and_lane_say_what_is_next(status: OrderStatus, lane: Lane, task: str, argument: uuid.UUID) -> None:
    assert relay.hints_for([DueOrder(ORDER, ACCOUNT, status, lane)]) == [(task, str(argument))]


def test_polls_of_one_account_are_one_hint() -> None:
    due = [DueOrder(order, ACCOUNT, OrderStatus.ACCEPTED, Lane.ENTRY) for order in (ORDER, OTHER)]
    assert relay.hints_for(due) == [(POLL_ORDERS, str(ACCOUNT))]


def test_a_new_order_is_left_to_its_own_hint_for_a_second(ctx: Context) -> None:
    order_id = request(ctx)
    assert due_ids(ctx) == []
    with ctx.database.statement() as unit:
        age(unit, order_id, 2)
    assert due_ids(ctx) == [order_id]


def test_the_pause_between_hints_of_one_row_doubles(ctx: Context) -> None:
    order_id = request(ctx)
    pauses = []
    with ctx.database.statement() as unit:
        for _ in range(7):
            age(unit, order_id, 2)
            unit.run("UPDATE trading.orders SET next_hint_at = clock_timestamp()")
            assert len(take_due(unit, 100)) == 1
            row = unit.row(
                "SELECT round(extract(epoch FROM next_hint_at - clock_timestamp())) AS s FROM trading.orders "
                "WHERE order_id = %(id)s",
                {"id": order_id},
            )
            assert row is not None
            pauses.append(int(row.s))
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert due_ids(ctx) == []


def test_a_lost_hint_is_hinted_again(ctx: Context, quiet: Bed) -> None:
    order_id = request(ctx)
    with ctx.database.statement() as unit:
        age(unit, order_id, 2)
    assert relay.tick(ctx) == 1
    broker = quiet.servers.broker()
    assert broker.llen("orders.entry") == 1
    broker.close()


def test_a_lost_hint_of_a_cancel_is_hinted_again(ctx: Context, quiet: Bed) -> None:
    order_id = request(ctx, limit_price=Decimal(1))
    place_order(ctx, order_id)
    with ctx.database.unit() as unit:
        request_cancel(unit, order_id, CancelWish("test", ctx.clock.now()), TEST_ORIGIN)
    relay.tick(ctx)
    broker = quiet.servers.broker()
    assert broker.llen("orders.cancel") == 1
    broker.close()


def test_a_second_relay_stands_by_until_the_first_lets_go(ctx: Context) -> None:
    with ctx.database.statement() as unit:
        drop_lease(unit, "relay", ctx.origin.process)
        assert take_lease(unit, "relay", "another", 60)
    order_id = request(ctx)
    make_due(ctx, order_id)
    with ctx.database.statement() as unit:
        age(unit, order_id, 2)
    assert relay.tick(ctx) == 0
    with ctx.database.statement() as unit:
        drop_lease(unit, "relay", "another")
    assert relay.tick(ctx) == 1


def test_a_lease_that_ran_out_is_taken_over(ctx: Context) -> None:
    with ctx.database.statement() as unit:
        assert take_lease(unit, "job", "one", 60)
        assert take_lease(unit, "job", "one", 60)
        assert not take_lease(unit, "job", "two", 60)
        unit.run("UPDATE trading.leases SET expires_at = clock_timestamp() WHERE name = 'job'")
        assert take_lease(unit, "job", "two", 60)


@pytest.mark.parametrize(
    ("side", "intent", "lane"),
    [
        # a short position is closed by buying: it leaves by the exits, and opening one by selling is an entry (R25)
        (Side.BUY, PositionIntent.BUY_TO_CLOSE, Lane.EXIT),
        (Side.SELL, PositionIntent.SELL_TO_OPEN, Lane.ENTRY),
        (Side.BUY, PositionIntent.BUY_TO_OPEN, Lane.ENTRY),
        (Side.SELL, PositionIntent.SELL_TO_CLOSE, Lane.EXIT),
        (Side.BUY, None, Lane.ENTRY),
        (Side.SELL, None, Lane.EXIT),
    ],
)
def test_an_option_goes_the_way_of_its_intent(
    ctx: Context, side: Side, intent: PositionIntent | None, lane: Lane
) -> None:
    order_id = request(ctx, side=side, position_intent=intent, symbol=CALL, multiplier=100, limit_price=Decimal(1))
    other = Lane.ENTRY if lane is Lane.EXIT else Lane.EXIT
    with ctx.database.unit() as unit:
        age(unit, order_id, 2)
        assert take_due(unit, 100, placing=[other]) == []
        assert [due.lane for due in take_due(unit, 100, placing=[lane])] == [lane]


def test_a_deep_queue_is_not_made_deeper_and_holds_up_no_other(
    ctx: Context, quiet: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [request(ctx), request(ctx, side=Side.SELL, limit_price=Decimal(200))]
    with ctx.database.statement() as unit:
        for order_id in orders:
            age(unit, order_id, 2)
    broker = quiet.servers.broker()
    broker.rpush("orders.entry", *["x"] * 11)
    monkeypatch.setattr(relay, "DEEP_QUEUE", 10)
    assert relay.tick(ctx) == 1
    assert (broker.llen("orders.entry"), broker.llen("orders.exit")) == (11, 1)
    broker.close()
