"""After a start nothing is sent before the account was compared with its broker; exits wait ten seconds (R14, R23)."""

import datetime as dt
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from brokers.protocol import BrokerUnavailable
from config.clock import SYSTEM_CLOCK
from domain.orders import Side
from services.accounts import upsert_accounts
from services.reconcile import begin, finish
from stack.waiting import poll
from tasks.context import Context
from tasks.placing import place_order
from tasks.reconcile_account import reconcile_account
from tasks.reconcile_reading import Reading, asked
from tasks.reconciling import hint_due
from tests.support.house import Bed, account_of, events, make_due, order, request


@pytest.fixture
def ctx(quiet: Bed) -> Iterator[Context]:
    made = quiet.context()
    made.begin_placing()
    yield made
    quiet.exchange.remove_faults()


def broken(bed: Bed, ctx: Context, path: str = "/v2/positions") -> None:
    bed.exchange.add_fault("502_before", account=ctx.settings.accounts[0].name, method="GET", path=path)


def repaired(bed: Bed, ctx: Context) -> None:
    """Have the broker answer again, and the pause after a failure be over."""
    bed.exchange.remove_faults()
    with ctx.database.statement() as unit:
        unit.run("DELETE FROM trading.leases WHERE name LIKE 'reconcile %%'")


def sent(bed: Bed, ctx: Context) -> list[Any]:
    return list(bed.exchange.ledger(ctx.settings.accounts[0].name)["orders"])


def again(ctx: Context, order_id: uuid.UUID) -> float | None:
    make_due(ctx, order_id)
    return place_order(ctx, order_id)


def test_the_first_order_after_a_start_reconciles_its_account_and_goes(ctx: Context) -> None:
    order_id = request(ctx)
    assert place_order(ctx, order_id) is None
    assert [event.event_type for event in events(ctx, order_id)] == ["requested", "submitting", "accepted"]
    with ctx.database.statement() as unit:
        row = unit.row("SELECT * FROM trading.accounts WHERE account_id = %(id)s", {"id": account_of(ctx).account_id})
    assert row is not None
    assert ctx.placing_since is not None
    assert row.reconciled_from > ctx.placing_since


def test_a_broker_that_does_not_answer_keeps_entries_waiting_and_ends_none(quiet: Bed, ctx: Context) -> None:
    broken(quiet, ctx)
    order_id = request(ctx)
    waited = place_order(ctx, order_id)
    assert waited is not None
    assert waited >= 0.25
    assert (order(ctx, order_id).status, sent(quiet, ctx)) == ("requested", [])
    last = events(ctx, order_id)[-1]
    assert (last.event_type, last.reason_code) == ("deferred", "reconciling")
    repaired(quiet, ctx)
    assert again(ctx, order_id) is None
    assert (order(ctx, order_id).status, len(sent(quiet, ctx))) == ("accepted", 1)


def test_who_waits_for_a_reconcile_is_due_as_soon_as_one_has_finished(ctx: Context) -> None:
    with ctx.database.unit() as unit:
        frozen = begin(unit, account_of(ctx).account_id, "a worker that stands still")
    assert frozen is not None
    waiting, other = request(ctx), request(ctx)
    place_order(ctx, waiting)
    with ctx.database.statement() as unit:
        unit.run("UPDATE trading.orders SET due_at = due_at + interval '9 s' WHERE status = 'requested'")
    later = order(ctx, other).due_at
    with ctx.database.unit() as unit:
        finish(unit, frozen)
    assert order(ctx, waiting).due_at <= SYSTEM_CLOCK.now()
    assert order(ctx, other).due_at == later  # it waits for something else


def test_a_reconcile_whose_account_another_has_taken_goes_no_further(ctx: Context) -> None:
    account_id = account_of(ctx).account_id
    with ctx.database.unit() as unit:
        frozen = begin(unit, account_id, "a worker that stands still")
        assert frozen is not None
        unit.run("UPDATE trading.leases SET expires_at = now() WHERE name = %(name)s", {"name": frozen.lease})
    assert reconcile_account(ctx, account_id)
    with ctx.database.unit() as unit:
        assert begin(unit, account_id, "another") is not None
    reading = Reading(ctx.broker(ctx.settings.accounts[0].name), ctx.clock.monotonic_ms() - 5001)
    with pytest.raises(BrokerUnavailable, match="took too long"):
        asked(ctx, frozen, reading, lambda: pytest.fail("it was asked"))


def test_an_entry_that_waited_too_long_is_rejected_and_never_sent(quiet: Bed, ctx: Context) -> None:
    broken(quiet, ctx)
    order_id = request(ctx, place_before=dt.timedelta(seconds=0))
    place_order(ctx, order_id)
    assert (order(ctx, order_id).reason_code, sent(quiet, ctx)) == ("too_late", [])


def test_a_reconcile_that_began_before_the_start_is_none(quiet: Bed, ctx: Context) -> None:
    assert reconcile_account(ctx, account_of(ctx).account_id)
    ctx.begin_placing()
    broken(quiet, ctx)
    order_id = request(ctx)
    place_order(ctx, order_id)
    assert events(ctx, order_id)[-1].reason_code == "reconciling"


def test_working_orders_survive_a_broker_that_does_not_answer(quiet: Bed, ctx: Context) -> None:
    order_id = request(ctx, limit_price=Decimal(1))
    place_order(ctx, order_id)
    broken(quiet, ctx, "/v2/orders")
    assert not reconcile_account(ctx, account_of(ctx).account_id)
    assert order(ctx, order_id).status == "accepted"


def test_an_exit_waits_ten_seconds_and_goes_then(quiet: Bed, ctx: Context) -> None:
    place_order(ctx, request(ctx, qty=Decimal(2)))
    assert poll(lambda: sent(quiet, ctx)[0]["status"] == "filled", seconds=5)
    repaired(quiet, ctx)
    assert reconcile_account(ctx, account_of(ctx).account_id)
    broken(quiet, ctx)
    ctx.begin_placing()
    assert ctx.placing_since is not None
    exit_id = request(ctx, side=Side.SELL, qty=Decimal(2))
    place_order(ctx, exit_id)
    assert events(ctx, exit_id)[-1].reason_code == "reconciling"
    with ctx.database.statement() as unit:
        unit.run("UPDATE trading.accounts SET reconciled_from = NULL WHERE account_id = %(id)s", _id(ctx))
    ctx.placing_since -= dt.timedelta(seconds=11)
    again(ctx, exit_id)
    assert order(ctx, exit_id).status == "accepted"
    entry_id = request(ctx)
    place_order(ctx, entry_id)
    assert events(ctx, entry_id)[-1].reason_code == "reconciling"


def test_other_keys_are_another_account_that_was_never_reconciled(ctx: Context) -> None:
    assert reconcile_account(ctx, account_of(ctx).account_id)
    section = ctx.settings.accounts[0].model_copy(update={"base_url": "http://127.0.0.1:9"})
    with ctx.database.unit() as unit:
        upsert_accounts(unit, [section], ctx.ids)
    with ctx.database.statement() as unit:
        row = unit.row("SELECT reconciled_from FROM trading.accounts WHERE account_id = %(id)s", _id(ctx))
    assert row == (None,)
    assert not reconcile_account(ctx, account_of(ctx).account_id)


def test_a_tick_hints_the_accounts_whose_turn_it_is_and_a_second_beat_none(ctx: Context) -> None:
    with ctx.database.statement() as unit:
        unit.run("UPDATE trading.accounts SET reconciled_from = clock_timestamp()")
        unit.run("UPDATE trading.accounts SET reconciled_from = NULL WHERE account_id = %(id)s", _id(ctx))
        unit.run("DELETE FROM trading.leases WHERE name = 'accounts.reconcile_due'")
    assert [hint_due(ctx), hint_due(ctx)] == [1, 0]


def _id(ctx: Context) -> dict[str, uuid.UUID]:
    return {"id": account_of(ctx).account_id}
