"""Fills are counted once, and a status is never ahead of them (R15, R16)."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from domain.broker import BrokerFill, BrokerOrder
from domain.order_state import OrderEvent, OrderStatus
from services.fills import Polled, Told, apply_poll
from services.order_transition import Event, Move, move
from tasks.context import Context
from tests.support.house import TEST_ORIGIN, Bed, kinds, order, request

S = OrderStatus
NOW = SYSTEM_CLOCK.now()


@pytest.fixture(scope="module")
def ctx(quiet: Bed) -> Context:
    return quiet.context()


def working(ctx: Context, qty: int = 10) -> Polled:
    """Return an order of ten that works at the broker."""
    order_id = request(ctx, qty=Decimal(qty), limit_price=Decimal(200))
    with ctx.database.statement() as unit:
        move(unit, Move(order_id, S.SUBMITTING, 0), [Event(OrderEvent.SUBMITTING, "t", NOW)], TEST_ORIGIN)
        changes = {"broker_order_id": f"b-{order_id}", "reserved": Decimal(2000)}
        move(unit, Move(order_id, S.ACCEPTED, 0, changes), [Event(OrderEvent.ACCEPTED, "t", NOW)], TEST_ORIGIN)
    return Polled(order_id, f"b-{order_id}", f"opt-{order_id.hex}", NOW, Decimal(0))


def fill(polled: Polled, qty: int, cum: int, price: str = "190") -> BrokerFill:
    return BrokerFill(
        f"f-{cum}", polled.broker_order_id, "AAPL", "buy", Decimal(qty), Decimal(price), Decimal(cum), NOW
    )


def told(polled: Polled, status: OrderStatus | None, filled: int, raw: str = "x") -> BrokerOrder:
    return BrokerOrder(
        polled.broker_order_id,
        polled.broker_client_id,
        "AAPL",
        "buy",
        Decimal(10),
        Decimal(filled),
        None,
        status,
        raw,
        NOW,
    )


def poll(ctx: Context, polled: Polled, order_: BrokerOrder | None, *fills: BrokerFill) -> OrderStatus | None:
    with ctx.database.unit() as unit:
        told_ = Told(polled, order_, fills)
        return apply_poll(unit, [told_], now=NOW, ids=SYSTEM_IDS, origin=TEST_ORIGIN).get(polled.order_id)


def fills_of(ctx: Context, order_id: uuid.UUID) -> int:
    with ctx.database.statement() as unit:
        found = unit.row("SELECT count(*) AS n FROM trading.fills WHERE order_id = %(id)s", {"id": order_id})
    assert found is not None
    return int(found.n)


def test_a_fill_told_twice_counts_once(ctx: Context) -> None:
    polled = working(ctx)
    for _ in range(2):
        assert poll(ctx, polled, told(polled, S.PARTIALLY_FILLED, 4), fill(polled, 4, 4)) is S.PARTIALLY_FILLED
    assert (fills_of(ctx, polled.order_id), order(ctx, polled.order_id).filled_qty) == (1, 4)
    assert kinds(ctx, polled.order_id)[3:] == ["partially_filled"]


def test_partial_fills_sum_to_filled_at_their_average(ctx: Context) -> None:
    polled = working(ctx)
    poll(ctx, polled, told(polled, S.PARTIALLY_FILLED, 4), fill(polled, 4, 4, "190"))
    status = poll(ctx, polled, told(polled, S.FILLED, 10), fill(polled, 4, 4, "190"), fill(polled, 6, 10, "195"))
    row = order(ctx, polled.order_id)
    assert (status, row.filled_qty, row.filled_avg_price, row.due_at) == (S.FILLED, 10, 193, None)
    assert kinds(ctx, polled.order_id)[3:] == ["partially_filled", "filled"]
    assert (row.reserved, row.spent) == (0, 1930)  # until two balance reads that began after it agree


def test_two_fills_of_one_size_are_two_fills(ctx: Context) -> None:
    polled = working(ctx)
    assert poll(ctx, polled, told(polled, S.FILLED, 10), fill(polled, 5, 5), fill(polled, 5, 10)) is S.FILLED
    assert (fills_of(ctx, polled.order_id), order(ctx, polled.order_id).filled_qty) == (2, 10)


def test_filled_waits_for_its_fills(ctx: Context) -> None:
    polled = working(ctx)
    assert poll(ctx, polled, told(polled, S.FILLED, 10)) is S.ACCEPTED
    assert poll(ctx, polled, told(polled, S.FILLED, 10), fill(polled, 4, 4)) is S.PARTIALLY_FILLED
    assert poll(ctx, polled, told(polled, S.FILLED, 10), fill(polled, 6, 10)) is S.FILLED


@pytest.mark.parametrize(("age_s", "pause_s"), [(0, 0.5), (6, 2), (3600, 5)])
def test_a_working_order_is_asked_for_more_seldom_the_older_it_is(ctx: Context, age_s: int, pause_s: float) -> None:
    polled = working(ctx)
    then = order(ctx, polled.order_id).requested_at + dt.timedelta(seconds=age_s)
    with ctx.database.unit() as unit:
        apply_poll(unit, [Told(polled, None)], now=then, ids=SYSTEM_IDS, origin=TEST_ORIGIN)
    row = order(ctx, polled.order_id)
    assert abs(row.due_at - row.updated_at - dt.timedelta(seconds=pause_s)) < dt.timedelta(milliseconds=100)


def test_an_order_missing_from_the_list_has_not_ended(ctx: Context) -> None:
    polled = working(ctx)
    assert poll(ctx, polled, None) is S.ACCEPTED
    row = order(ctx, polled.order_id)
    assert row.due_at - SYSTEM_CLOCK.now() < dt.timedelta(seconds=6)


def test_a_status_nobody_knows_ends_nothing(ctx: Context) -> None:
    polled = working(ctx)
    assert poll(ctx, polled, told(polled, None, 0, raw="from_next_year")) is S.ACCEPTED


@pytest.mark.parametrize("status", [S.CANCELED, S.EXPIRED, S.REJECTED])
def test_an_end_at_the_broker_is_ours_too(ctx: Context, status: OrderStatus) -> None:
    polled = working(ctx)
    assert poll(ctx, polled, told(polled, status, 0, raw=status)) is status
    row = order(ctx, polled.order_id)
    assert (row.due_at, row.reserved) == (None, 0)
    assert kinds(ctx, polled.order_id)[-1] == status


def test_a_cancelled_rest_waits_for_the_fills_before_it(ctx: Context) -> None:
    polled = working(ctx)
    assert poll(ctx, polled, told(polled, S.CANCELED, 4)) is S.ACCEPTED
    assert poll(ctx, polled, told(polled, S.CANCELED, 4), fill(polled, 4, 4)) is S.CANCELED
    assert kinds(ctx, polled.order_id)[3:] == ["partially_filled", "canceled"]


def test_a_fill_after_the_end_moves_quantities_alone(ctx: Context) -> None:
    polled = working(ctx)
    poll(ctx, polled, told(polled, S.CANCELED, 0))
    assert poll(ctx, polled, told(polled, S.CANCELED, 2), fill(polled, 2, 2)) is S.CANCELED
    assert order(ctx, polled.order_id).filled_qty == 2
    assert kinds(ctx, polled.order_id)[-1] == "partially_filled"


def test_a_known_order_remembers_from_when_on_its_fills_may_be_missing(ctx: Context) -> None:
    polled = working(ctx)
    poll(ctx, polled, told(polled, S.PARTIALLY_FILLED, 4))
    assert order(ctx, polled.order_id).fills_known_at is None
    poll(ctx, polled, told(polled, S.PARTIALLY_FILLED, 4), fill(polled, 4, 4))
    assert order(ctx, polled.order_id).fills_known_at == NOW


def test_a_nul_in_a_brokers_words_does_not_make_the_outcome_unwritable(ctx: Context) -> None:
    polled = working(ctx)
    changes = {"reason": "no\0thing"}
    event = Event(OrderEvent.REJECTED, "t", NOW, reason="no\0thing", detail={"a": "b\0c"})
    with ctx.database.statement() as unit:
        row = move(unit, Move(polled.order_id, S.REJECTED, 0, changes), [event], TEST_ORIGIN)
    assert row is not None
    assert order(ctx, polled.order_id).reason == "no?thing"


def test_a_rest_that_the_broker_refuses_ends_the_order_without_calling_it_refused(ctx: Context) -> None:
    polled = working(ctx)
    assert poll(ctx, polled, told(polled, S.REJECTED, 4), fill(polled, 4, 4)) is S.CANCELED
    assert kinds(ctx, polled.order_id)[3:] == ["partially_filled", "canceled"]


@pytest.mark.requirement("ACC-002")
def test_money_moves_from_open_to_spent_at_the_fills_true_cost(ctx: Context) -> None:
    polled = working(ctx)  # 2000 reserved for ten
    poll(ctx, polled, told(polled, S.PARTIALLY_FILLED, 4), fill(polled, 4, 4, "250"))
    row = order(ctx, polled.order_id)
    assert (row.reserved, row.spent) == (1200, 1000)  # a fill above the price that was reserved raises the sum
    poll(ctx, polled, told(polled, S.CANCELED, 4), fill(polled, 4, 4, "250"))
    row = order(ctx, polled.order_id)
    assert (row.status, row.reserved, row.spent) == ("canceled", 0, 1000)


@pytest.mark.requirement("ACC-002")
def test_an_end_that_is_told_together_with_its_fill_holds_no_money_back(ctx: Context) -> None:
    polled = working(ctx)
    poll(ctx, polled, told(polled, S.CANCELED, 4), fill(polled, 4, 4))
    row = order(ctx, polled.order_id)
    assert (row.status, row.reserved, row.spent) == ("canceled", 0, 760)
