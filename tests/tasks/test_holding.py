"""While a broker does not work its entries are held, what protects tries on, and one look ends it (R26)."""

import uuid
from decimal import Decimal

import pytest

from domain.breaker import BreakerRules
from domain.orders import Side
from services.order_hold import wake_entries
from tasks.balances import check_balance
from tasks.canceling import cancel_order
from tasks.context import Context
from tasks.placing import place_order
from tests.support.house import Bed, account_of, events, kinds, make_due, order, request
from tests.tasks.test_canceling import wish, working

HOURS = BreakerRules(failures=2, window_ms=30_000, pause_ms=60_000)


def broken(bed: Bed, ctx: Context) -> None:
    """Let the account's broker fail until its breaker is open."""
    ctx.breaker.follow(HOURS)
    bed.exchange.add_fault("502_before", account=name_of(ctx), times=None)
    for _ in range(2):
        assert not check_balance(ctx, account_of(ctx).account_id)
    assert ctx.breaker.gate(name_of(ctx)).wait_s > 0


def name_of(ctx: Context) -> str:
    return ctx.settings.accounts[0].name


def end_time(ctx: Context, order_id: uuid.UUID) -> None:
    with ctx.database.statement() as unit:
        unit.run(
            "UPDATE trading.orders SET place_before = clock_timestamp() - interval '1 ms' WHERE order_id = %(id)s",
            {"id": order_id},
        )


def posts(bed: Bed, ctx: Context) -> dict[str, int]:
    return dict(bed.exchange.ledger(name_of(ctx))["attempts"])


def heal(bed: Bed, ctx: Context) -> None:
    bed.exchange.remove_faults()
    assert check_balance(ctx, account_of(ctx).account_id)


def test_an_entry_is_held_and_goes_when_the_broker_answers(quiet: Bed) -> None:
    ctx = quiet.context()
    broken(quiet, ctx)
    order_id = request(ctx)
    wait_s = place_order(ctx, order_id)
    assert wait_s is not None
    assert wait_s > 1
    assert (order(ctx, order_id).status, events(ctx, order_id)[-1].reason_code) == ("requested", "broker_unavailable")
    assert place_order(ctx, order_id) is None  # not due: no message makes it busy
    assert kinds(ctx, order_id) == ["requested", "deferred"]
    heal(quiet, ctx)
    with ctx.database.statement() as unit:
        assert wake_entries(unit, name_of(ctx)) == 1
    make_due(ctx, order_id)
    place_order(ctx, order_id)
    assert order(ctx, order_id).status == "accepted"
    assert list(posts(quiet, ctx).values()) == [1]


def test_past_its_time_a_held_entry_is_refused_for_its_broker(quiet: Bed) -> None:
    ctx = quiet.context()
    broken(quiet, ctx)
    order_id = request(ctx)
    end_time(ctx, order_id)
    assert place_order(ctx, order_id) is None
    row = order(ctx, order_id)
    assert (row.status, row.rejected_by, row.reason_code) == ("rejected", "opitios", "broker_unavailable")
    assert (row.reserved, row.due_at) == (0, None)
    assert place_order(ctx, order_id) is None
    assert kinds(ctx, order_id) == ["requested", "rejected"]
    assert posts(quiet, ctx) == {}
    quiet.exchange.remove_faults()


def test_an_entry_waits_no_longer_than_its_own_time(quiet: Bed) -> None:
    ctx = quiet.context()
    broken(quiet, ctx)
    order_id = request(ctx)
    with ctx.database.statement() as unit:
        unit.run(
            "UPDATE trading.orders SET place_before = clock_timestamp() + interval '20 s' WHERE order_id = %(id)s",
            {"id": order_id},
        )
    wait_s = place_order(ctx, order_id)
    assert wait_s is not None
    assert wait_s <= 20.1
    quiet.exchange.remove_faults()


def test_exits_and_cancels_try_on(quiet: Bed) -> None:
    ctx = quiet.context()
    working_id = working(ctx)
    wish(ctx, working_id)
    broken(quiet, ctx)
    sell = request(ctx, side=Side.SELL, limit_price=Decimal(1000))
    place_order(ctx, sell)
    assert kinds(ctx, sell)[-1] == "unknown"  # it was sent, and the gateway's 502 says nothing
    cancel_order(ctx, working_id)
    assert kinds(ctx, working_id)[-1] == "cancel_failed"
    assert events(ctx, working_id)[-1].reason_code == "http_502"
    quiet.exchange.remove_faults()
    sold = request(ctx, side=Side.SELL, limit_price=Decimal(1000))
    place_order(ctx, sold)
    assert f"opt-{sold.hex}" in posts(quiet, ctx)
    assert ctx.breaker.gate(name_of(ctx)).wait_s == 0  # any answer closes it, a refusal too


def test_the_first_entry_after_the_pause_has_the_account_read(quiet: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = quiet.context()
    hinted: list[tuple[str, ...]] = []
    monkeypatch.setattr(ctx.hints, "hint", lambda *words, **_: hinted.append(words))
    ctx.breaker.follow(BreakerRules(failures=1, window_ms=30_000, pause_ms=1))
    ctx.breaker.met(name_of(ctx), "timeout")
    order_ids = [request(ctx) for _ in range(3)]
    for order_id in order_ids:
        assert place_order(ctx, order_id)
    assert hinted == [("balances.check", str(account_of(ctx).account_id))]
    assert posts(quiet, ctx) == {}
    check_balance(ctx, account_of(ctx).account_id)
    make_due(ctx, order_ids[0])
    place_order(ctx, order_ids[0])
    assert order(ctx, order_ids[0]).status == "accepted"


def test_market_data_that_fails_holds_nothing(quiet: Bed) -> None:
    ctx = quiet.context()
    ctx.breaker.follow(BreakerRules(failures=1, window_ms=30_000, pause_ms=60_000))
    quiet.exchange.add_fault("502_before", account=name_of(ctx), path="/v2/stocks", times=None)
    order_id = request(ctx)
    place_order(ctx, order_id)
    assert ctx.breaker.gate(name_of(ctx)).wait_s == 0
    quiet.exchange.remove_faults()
