"""Cancelling: a wish on the row, sent until the broker says the order has ended, never a second order (R12, R13)."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import NotCancelable, NotFound
from domain.order_state import OrderStatus
from services.due import take_due_cancels
from services.order_cancel import CancelWish, open_orders, request_cancel
from services.order_claim import Claim, Clocks, claim_for_placing
from tasks.balances import check_balance
from tasks.canceling import cancel_order
from tasks.context import Context
from tasks.placing import finish, place_order, send
from tasks.polling import poll_account
from tasks.settling import settle_order
from tasks.stopwatch import Stopwatch
from tests.support.house import TEST_ORIGIN, Bed, account_of, events, kinds, make_due, order, request, until

FAR = Decimal(1)  # a limit the market does not reach


def wish(ctx: Context, order_id: uuid.UUID, reason: str = "test") -> OrderStatus:
    with ctx.database.unit() as unit:
        return request_cancel(unit, order_id, CancelWish(reason, ctx.clock.now()), TEST_ORIGIN)


def due_again(ctx: Context, order_id: uuid.UUID) -> None:
    with ctx.database.statement() as unit:
        unit.run(
            "UPDATE trading.orders SET cancel_due_at = clock_timestamp(), next_hint_at = NULL WHERE order_id = %(id)s",
            {"id": order_id},
        )


def hinted(ctx: Context) -> set[uuid.UUID]:
    with ctx.database.unit() as unit:
        return set(take_due_cancels(unit, 1000))


def working(ctx: Context, **terms: Any) -> uuid.UUID:
    order_id = request(ctx, **({"limit_price": FAR} | terms))
    place_order(ctx, order_id)
    assert order(ctx, order_id).status == "accepted"
    return order_id


def poll(ctx: Context, order_id: uuid.UUID) -> str:
    make_due(ctx, order_id)
    poll_account(ctx, account_of(ctx).account_id)
    return str(order(ctx, order_id).status)


def ledger(bed: Bed, ctx: Context) -> dict[str, Any]:
    return bed.exchange.ledger(ctx.settings.accounts[0].name)


@pytest.mark.requirement("TRD-001")
def test_an_order_that_was_never_sent_ends_at_once_and_never_leaves(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx, limit_price=FAR)
    assert wish(ctx, order_id) is OrderStatus.CANCELED
    place_order(ctx, order_id)
    assert (order(ctx, order_id).status, kinds(ctx, order_id)) == ("canceled", ["requested", "canceled"])
    assert ledger(quiet, ctx)["attempts"] == {}


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_working_order_is_cancelled_and_its_money_is_free(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = working(ctx, qty=Decimal(10))
    assert order(ctx, order_id).reserved == 10
    assert wish(ctx, order_id, "asked for by anna") is OrderStatus.ACCEPTED
    assert order_id in hinted(ctx)
    cancel_order(ctx, order_id)
    assert order(ctx, order_id).status == "accepted"  # the request is no proof
    assert poll(ctx, order_id) == "canceled"
    row = order(ctx, order_id)
    assert (row.reserved, row.due_at, row.cancel_due_at, row.cancel_reason) == (0, None, None, "asked for by anna")
    assert kinds(ctx, order_id)[2:] == ["accepted", "cancel_requested", "cancel_sent", "canceled"]
    sent = events(ctx, order_id)[-2]
    assert sent.network_ms > 0
    assert sent.total_ms >= sent.network_ms


def test_asking_twice_changes_nothing(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = working(ctx)
    wish(ctx, order_id, "first")
    wish(ctx, order_id, "second")
    assert (order(ctx, order_id).cancel_reason, kinds(ctx, order_id).count("cancel_requested")) == ("first", 1)


def test_a_doubled_hint_asks_the_broker_once(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = working(ctx)
    wish(ctx, order_id)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: cancel_order(ctx, order_id), range(16)))
    assert kinds(ctx, order_id).count("cancel_sent") == 1


def test_what_has_ended_cannot_be_cancelled(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx, limit_price=FAR)
    wish(ctx, order_id)
    with pytest.raises(NotCancelable, match="canceled"):
        wish(ctx, order_id)
    with pytest.raises(NotFound):
        wish(ctx, uuid.uuid4())  # noqa: TID251  an id nobody has


def claimed(ctx: Context, order_id: uuid.UUID) -> Claim:
    clocks = Clocks(ctx.clock.now(), ctx.clock.now(), 1.0)
    policy = ctx.policy(ctx.settings.accounts[0].name)
    with ctx.database.unit() as unit:
        claim = claim_for_placing(unit, order_id, ask=None, policy=policy, clocks=clocks, origin=TEST_ORIGIN)
    assert claim is not None
    return claim


def test_a_cancel_while_the_order_is_being_sent_waits_for_the_outcome(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx, limit_price=FAR)
    claim = claimed(ctx, order_id)
    assert wish(ctx, order_id) is OrderStatus.SUBMITTING
    assert order_id not in hinted(ctx)  # nobody knows whether the broker has it
    cancel_order(ctx, order_id)
    timed = send(ctx, claim.account, claim.ticket, ctx.clock.monotonic_ms())
    finish(ctx, claim, timed, Stopwatch(ctx.clock), stage="send")
    assert order_id in hinted(ctx)
    cancel_order(ctx, order_id)
    assert poll(ctx, order_id) == "canceled"


def test_a_cancelled_order_that_the_broker_did_not_take_is_not_sent_again(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx, limit_price=FAR)
    name = ctx.settings.accounts[0].name
    claim = claimed(ctx, order_id)
    wish(ctx, order_id)
    quiet.exchange.add_fault("429", account=name, method="POST", path="/v2/orders")
    timed = send(ctx, claim.account, claim.ticket, ctx.clock.monotonic_ms())
    finish(ctx, claim, timed, Stopwatch(ctx.clock), stage="send")
    assert order(ctx, order_id).status == "requested"

    def taken_up() -> bool:
        make_due(ctx, order_id)
        place_order(ctx, order_id)
        return bool(order(ctx, order_id).status != "requested")

    until(taken_up, 5)  # the busy broker is left alone for a second
    row = order(ctx, order_id)
    assert (row.status, row.reason_code, row.reserved) == ("canceled", "canceled_unsent", 0)
    assert ledger(quiet, ctx)["orders"] == []


def test_a_cancelled_order_nobody_knows_is_looked_for_and_not_sent_again(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx, limit_price=FAR)
    quiet.exchange.add_fault("drop_before", account=ctx.settings.accounts[0].name, method="POST", path="/v2/orders")
    place_order(ctx, order_id)
    assert wish(ctx, order_id) is OrderStatus.UNKNOWN
    make_due(ctx, order_id)
    settle_order(ctx, order_id)
    row = order(ctx, order_id)
    assert (row.status, row.reserved) == ("unknown", 1)  # the first request may still arrive: its money stays held
    assert list(ledger(quiet, ctx)["attempts"].values()) == [1]


def test_an_unknown_order_that_is_found_is_cancelled_then(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx, limit_price=FAR)
    quiet.exchange.add_fault("drop_after", account=ctx.settings.accounts[0].name, method="POST", path="/v2/orders")
    place_order(ctx, order_id)
    wish(ctx, order_id)
    make_due(ctx, order_id)
    settle_order(ctx, order_id)
    assert order(ctx, order_id).status == "accepted"
    cancel_order(ctx, order_id)
    assert poll(ctx, order_id) == "canceled"


def test_an_order_given_up_as_too_late_is_cancelled_should_it_appear(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx, limit_price=FAR)
    quiet.exchange.add_fault("drop_before", account=ctx.settings.accounts[0].name, method="POST", path="/v2/orders")
    place_order(ctx, order_id)
    with ctx.database.statement() as unit:
        unit.run(
            "UPDATE trading.orders SET place_before = clock_timestamp() - interval '1 s' WHERE order_id = %(id)s",
            {"id": order_id},
        )
    make_due(ctx, order_id)
    settle_order(ctx, order_id)
    assert (order(ctx, order_id).status, order(ctx, order_id).cancel_reason) == ("unknown", "too_late")
    row = order(ctx, order_id)
    broker = ctx.broker(ctx.settings.accounts[0].name)
    body = {"symbol": "AAPL", "side": "buy", "type": "limit", "time_in_force": "day", "qty": "1", "limit_price": "1"}
    broker._trading.post("/orders", body | {"client_order_id": row.broker_client_id})  # type: ignore[attr-defined]
    make_due(ctx, order_id)
    settle_order(ctx, order_id)
    assert order_id in hinted(ctx)
    cancel_order(ctx, order_id)
    assert poll(ctx, order_id) == "canceled"


def test_a_refused_cancel_is_repeated_until_the_order_has_ended(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = working(ctx)
    wish(ctx, order_id)
    quiet.exchange.add_fault("504_before", account=ctx.settings.accounts[0].name, method="DELETE", times=2)
    for attempt in (1, 2):
        cancel_order(ctx, order_id)
        row = order(ctx, order_id)
        assert (row.cancel_attempts, kinds(ctx, order_id)[-1]) == (attempt, "cancel_failed")
        pause_s = (row.cancel_due_at - row.updated_at).total_seconds()
        assert 0.7 * 2**attempt - 0.5 < pause_s < 2**attempt + 1
        assert events(ctx, order_id)[-1].reason_code == "http_504"
        cancel_order(ctx, order_id)  # not due
        assert order(ctx, order_id).cancel_attempts == attempt
        due_again(ctx, order_id)
    cancel_order(ctx, order_id)
    assert (kinds(ctx, order_id)[-1], poll(ctx, order_id)) == ("cancel_sent", "canceled")


def test_the_pause_between_cancels_is_bounded_and_never_the_same(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = working(ctx)
    wish(ctx, order_id)
    quiet.exchange.add_fault("504_before", account=ctx.settings.accounts[0].name, method="DELETE", times=None)
    with ctx.database.statement() as unit:
        unit.run("UPDATE trading.orders SET cancel_attempts = 50 WHERE order_id = %(id)s", {"id": order_id})
    pauses = []
    for _ in range(6):
        cancel_order(ctx, order_id)
        row = order(ctx, order_id)
        pauses.append((row.cancel_due_at - row.updated_at).total_seconds())
        due_again(ctx, order_id)
    quiet.exchange.remove_faults()
    assert all(44 < pause_s < 61 for pause_s in pauses)
    assert max(pauses) - min(pauses) > 0.5
    failed = [event for event in events(ctx, order_id) if event.event_type == "cancel_failed"]
    assert [event.detail["attempt"] for event in failed] == [51, 52, 53, 54, 55, 56]


def test_a_fill_that_comes_first_ends_the_order_as_filled(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = working(ctx)
    wish(ctx, order_id)
    quiet.exchange.release(account=ctx.settings.accounts[0].name)
    cancel_order(ctx, order_id)
    assert kinds(ctx, order_id)[-1] == "cancel_failed"
    assert poll(ctx, order_id) == "filled"
    assert order(ctx, order_id).cancel_due_at is None


def test_a_partly_filled_order_keeps_what_it_bought(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = working(ctx, qty=Decimal(10))
    quiet.exchange.release(account=ctx.settings.accounts[0].name, qty="4")
    assert poll(ctx, order_id) == "partially_filled"
    wish(ctx, order_id)
    cancel_order(ctx, order_id)
    assert poll(ctx, order_id) == "canceled"
    row = order(ctx, order_id)
    assert (row.filled_qty, row.reserved, row.spent) == (4, 0, 4)
    check_balance(ctx, account_of(ctx).account_id)


def test_open_orders_are_found_by_account_symbol_and_side(quiet: Bed) -> None:
    ctx = quiet.context()
    name = ctx.settings.accounts[0].name
    first, second = request(ctx, limit_price=FAR), request(ctx, limit_price=FAR, symbol="MSFT")
    ended = request(ctx, limit_price=FAR)
    wish(ctx, ended)
    with ctx.database.statement() as unit:
        assert list(open_orders(unit, account=name)) == [first, second]
        assert list(open_orders(unit, account=name, symbol="MSFT")) == [second]
        assert list(open_orders(unit, account=name, side="sell")) == []
        assert {first, second} <= set(open_orders(unit))
