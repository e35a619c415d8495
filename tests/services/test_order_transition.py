"""The one door: no change without its event, no event for a change that did not happen."""

import dataclasses
import datetime as dt
import uuid
from typing import Any

import pytest

from config.clock import SYSTEM_CLOCK
from domain.order_state import TERMINAL, TRANSITIONS, OrderEvent, OrderStatus
from services.order_transition import After, Event, Move, move, note
from tasks.context import Context
from tests.support.house import TEST_ORIGIN, Bed, events, kinds, order, request

S = OrderStatus


@pytest.fixture(scope="module")
def ctx(quiet: Bed) -> Context:
    return quiet.context()


def event(kind: OrderEvent = OrderEvent.SUBMITTING, **more: Any) -> Event:
    return dataclasses.replace(Event(kind, "test", SYSTEM_CLOCK.now()), **more)


def put(ctx: Context, order_id: uuid.UUID, status: OrderStatus) -> None:
    """Set a status from outside the house, as no code of ours can."""
    with ctx.database.statement() as unit:
        unit.run(
            "UPDATE trading.orders SET (status) = ROW(%(s)s) WHERE order_id = %(id)s", {"s": status, "id": order_id}
        )


def test_a_move_writes_row_and_events_together(ctx: Context) -> None:
    order_id = request(ctx)
    with ctx.database.statement() as unit:
        row = move(
            unit,
            Move(order_id, S.SUBMITTING, 0, {"fence": 1, "due_at": After(10), "lease_owner": "w"}),
            [event(total_ms=1.23456, network_ms=0.5, reason_code="r"), event(OrderEvent.LOOKED_UP)],
            TEST_ORIGIN,
        )
    assert row is not None
    assert (row.status, row.fence) == ("submitting", 1)
    now = order(ctx, order_id)
    assert (now.status, now.fence, now.last_seq, now.lease_owner) == ("submitting", 1, 3, "w")
    last = events(ctx, order_id)
    assert [(e.seq, e.event_type) for e in last] == [(1, "requested"), (2, "submitting"), (3, "looked_up")]
    assert (str(last[1].total_ms), str(last[1].network_ms), last[1].reason_code) == ("1.235", "0.500", "r")
    assert (last[1].actor, last[1].account_type, last[1].trace_id) == ("test", "paper", now.trace_id)


@pytest.mark.parametrize("before", sorted(S))
@pytest.mark.parametrize("after", sorted(S))
def test_the_table_decides_what_may_follow(ctx: Context, before: OrderStatus, after: OrderStatus) -> None:
    order_id = request(ctx)
    put(ctx, order_id, before)
    with ctx.database.statement() as unit:
        row = move(unit, Move(order_id, after, 0), [event(OrderEvent(after.value))], TEST_ORIGIN)
    assert (row is not None) == (after in TRANSITIONS[before])
    assert order(ctx, order_id).status == (after if row is not None else before)
    assert len(events(ctx, order_id)) == (2 if row is not None else 1)


def test_whoever_was_overtaken_changes_nothing(ctx: Context) -> None:
    order_id = request(ctx)
    with ctx.database.statement() as unit:
        move(unit, Move(order_id, S.SUBMITTING, 0, {"fence": 1}), [event()], TEST_ORIGIN)
        late = move(unit, Move(order_id, S.ACCEPTED, 0), [event(OrderEvent.ACCEPTED)], TEST_ORIGIN)
    assert late is None
    assert kinds(ctx, order_id) == ["requested", "submitting"]


def test_a_note_leaves_the_status_and_moves_the_timer(ctx: Context) -> None:
    order_id = request(ctx)
    with ctx.database.statement() as unit:
        unit.run("UPDATE trading.orders SET hints = 5 WHERE order_id = %(id)s", {"id": order_id})
        row = note(unit, order_id, [event(OrderEvent.DEFERRED)], TEST_ORIGIN, changes={"due_at": After(7)})
    assert row is not None
    now = order(ctx, order_id)
    assert (now.status, now.hints) == ("requested", 0)
    assert dt.timedelta(seconds=6) < now.due_at - SYSTEM_CLOCK.now() < dt.timedelta(seconds=8)
    assert kinds(ctx, order_id) == ["requested", "deferred"]


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_ended_order_is_never_due_again(ctx: Context, status: OrderStatus) -> None:
    order_id = request(ctx)
    put(ctx, order_id, S.UNKNOWN)
    with ctx.database.statement() as unit:
        row = move(unit, Move(order_id, status, 0), [event(OrderEvent(status.value))], TEST_ORIGIN)
    assert row is not None
    now = order(ctx, order_id)
    assert (now.due_at, now.lease_owner) == (None, None)
    assert now.reserved == 0


@pytest.mark.parametrize("column", ["status", "order_id", "qty; DROP TABLE trading.orders"])
def test_the_door_lets_only_its_own_columns_through(ctx: Context, column: str) -> None:
    with ctx.database.statement() as unit, pytest.raises(ValueError, match="not for the door"):
        move(unit, Move(request(ctx), S.SUBMITTING, 0, {column: "x"}), [event()], TEST_ORIGIN)
