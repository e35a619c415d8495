"""Settling: one settler at a time, and only the order we meant is adopted (R11)."""

import dataclasses
import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from domain.broker import Accepted, BrokerOrder
from domain.order_state import OrderEvent, OrderStatus
from services.order_outcome import Attempt, record_outcome
from services.order_settlement import Settlement, claim_for_resend, claim_for_settling, record_found
from services.order_transition import After, Event, Move, move
from tasks.context import Context
from tests.support.house import TEST_ORIGIN, Bed, kinds, make_due, order, request

S = OrderStatus
NOW = SYSTEM_CLOCK.now()


@pytest.fixture(scope="module")
def ctx(quiet: Bed) -> Context:
    return quiet.context()


def in_state(ctx: Context, status: OrderStatus, *, due: bool = True) -> uuid.UUID:
    order_id = request(ctx, qty=Decimal(3))
    lease: dict[str, Any] = {"fence": 1, "due_at": After(10), "lease_until": After(10), "lease_owner": "gone"}
    with ctx.database.statement() as unit:
        move(unit, Move(order_id, S.SUBMITTING, 0, lease), [Event(OrderEvent.SUBMITTING, "t", NOW)], TEST_ORIGIN)
        if status is S.UNKNOWN:
            step = Move(order_id, S.UNKNOWN, 1, {"due_at": After(1)})
            move(unit, step, [Event(OrderEvent.UNKNOWN, "t", NOW)], TEST_ORIGIN)
    if due:
        make_due(ctx, order_id)
    return order_id


def settle(ctx: Context, order_id: uuid.UUID) -> Settlement | None:
    with ctx.database.unit() as unit:
        return claim_for_settling(unit, order_id, now=NOW, origin=TEST_ORIGIN)


def attempt(settlement: Settlement) -> Attempt:
    return Attempt(settlement.order_id, settlement.fence, settlement.attempts, "settle", NOW, NOW, 1.0, 0.5)


def at_broker(settlement: Settlement, **changes: Any) -> BrokerOrder:
    found = BrokerOrder(
        "b-1",
        settlement.ticket.broker_client_id,
        "AAPL",
        "buy",
        Decimal(3),
        Decimal(0),
        None,
        S.ACCEPTED,
        "new",
        SYSTEM_CLOCK.now(),
    )
    return dataclasses.replace(found, **changes)


@pytest.mark.parametrize("status", [S.SUBMITTING, S.UNKNOWN])
def test_nobody_settles_before_the_time(ctx: Context, status: OrderStatus) -> None:
    assert settle(ctx, in_state(ctx, status, due=False)) is None


@pytest.mark.parametrize("status", [S.SUBMITTING, S.UNKNOWN])
def test_one_of_many_settles(ctx: Context, status: OrderStatus) -> None:
    order_id = in_state(ctx, status)
    with ThreadPoolExecutor(8) as pool:
        taken = [found for found in pool.map(lambda _: settle(ctx, order_id), range(8)) if found is not None]
    assert [found.fence for found in taken] == [2]
    assert order(ctx, order_id).status == "unknown"


def test_a_dead_workers_order_becomes_unknown_with_its_reason(ctx: Context) -> None:
    order_id = in_state(ctx, S.SUBMITTING)
    settle(ctx, order_id)
    assert kinds(ctx, order_id)[2:] == ["lease_expired", "unknown"]


def test_our_order_is_adopted(ctx: Context) -> None:
    settlement = settle(ctx, in_state(ctx, S.UNKNOWN))
    assert settlement is not None
    with ctx.database.statement() as unit:
        assert record_found(unit, attempt(settlement), settlement, at_broker(settlement), origin=TEST_ORIGIN)
    row = order(ctx, settlement.order_id)
    assert (row.status, row.broker_order_id) == ("accepted", "b-1")


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "MSFT"},
        {"side": "sell"},
        {"qty": Decimal(4)},
        {"qty": None},
        {"created_at": NOW - dt.timedelta(hours=1)},
    ],
)
def test_another_order_under_our_id_is_put_into_quarantine(ctx: Context, changes: dict[str, Any]) -> None:
    settlement = settle(ctx, in_state(ctx, S.UNKNOWN))
    assert settlement is not None
    with ctx.database.statement() as unit:
        record_found(unit, attempt(settlement), settlement, at_broker(settlement, **changes), origin=TEST_ORIGIN)
    row = order(ctx, settlement.order_id)
    assert (row.status, row.reason_code, row.broker_order_id) == ("quarantined", "not_our_order", None)


def test_an_answer_after_the_fence_moved_is_kept_and_not_applied(ctx: Context) -> None:
    order_id = in_state(ctx, S.SUBMITTING)
    settlement = settle(ctx, order_id)
    assert settlement is not None
    stopped = dataclasses.replace(attempt(settlement), fence=1)  # the worker that was stopped beyond its lease
    with ctx.database.statement() as unit:
        applied = record_outcome(unit, stopped, Accepted(at_broker(settlement)), TEST_ORIGIN)
    assert not applied
    assert (order(ctx, order_id).status, kinds(ctx, order_id)[-1]) == ("unknown", "late_result")


def test_an_outcome_of_an_order_that_is_gone_is_an_error(ctx: Context) -> None:
    settlement = settle(ctx, in_state(ctx, S.UNKNOWN))
    assert settlement is not None
    gone = dataclasses.replace(attempt(settlement), order_id=SYSTEM_IDS.new())
    with ctx.database.statement() as unit, pytest.raises(RuntimeError, match="is gone"):
        record_outcome(unit, gone, Accepted(at_broker(settlement)), TEST_ORIGIN)


def test_a_resend_is_claimed_once_under_the_same_id(ctx: Context) -> None:
    settlement = settle(ctx, in_state(ctx, S.UNKNOWN))
    assert settlement is not None
    with ctx.database.statement() as unit:
        fences = [claim_for_resend(unit, attempt(settlement), TEST_ORIGIN) for _ in range(2)]
    assert fences == [settlement.fence + 1, None]
    assert order(ctx, settlement.order_id).broker_client_id == settlement.ticket.broker_client_id
