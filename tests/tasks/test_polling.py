"""Many orders told in one poll are written in one go, and none of them holds the others up (R15, R16)."""

import threading
import uuid
from decimal import Decimal

import pytest

from brokers.alpaca.adapter import AlpacaBroker
from domain.broker import BrokerFill
from stack.waiting import poll
from tasks.context import Context
from tasks.placing import place_order
from tasks.polling import poll_account
from tests.support.house import Bed, account_of, kinds, make_due, order, request

COUNT = 6


@pytest.fixture
def ctx(quiet: Bed) -> Context:
    return quiet.context()


def placed(bed: Bed, ctx: Context, count: int = COUNT) -> list[uuid.UUID]:
    """Return orders that the exchange has filled and we do not know of."""
    made = [request(ctx, qty=Decimal(2), limit_price=Decimal(500)) for _ in range(count)]
    for order_id in made:
        place_order(ctx, order_id)
    assert {order(ctx, order_id).status for order_id in made} == {"accepted"}
    assert poll(lambda: filled_at_exchange(bed, ctx) == count, seconds=5)
    for order_id in made:
        make_due(ctx, order_id)
    return made


def filled_at_exchange(bed: Bed, ctx: Context) -> int:
    ledger = bed.exchange.ledger(ctx.settings.accounts[0].name)
    return sum(entry["status"] == "filled" for entry in ledger["orders"])


def statuses(ctx: Context, orders: list[uuid.UUID]) -> list[str]:
    return [order(ctx, order_id).status for order_id in orders]


def test_all_that_one_poll_told_is_written(quiet: Bed, ctx: Context) -> None:
    orders = placed(quiet, ctx)
    poll_account(ctx, account_of(ctx).account_id)
    assert statuses(ctx, orders) == ["filled"] * COUNT
    for order_id in orders:
        row = order(ctx, order_id)
        assert (row.filled_qty, row.due_at, row.reserved) == (2, None, 0)
        assert row.spent == 2 * row.filled_avg_price
        assert kinds(ctx, order_id)[-2:] == ["accepted", "filled"]


def test_an_order_that_somebody_is_writing_is_waited_for_alone(quiet: Bed, ctx: Context) -> None:
    orders = placed(quiet, ctx)
    held, *others = orders
    with ctx.database.unit() as unit:
        unit.run("UPDATE trading.orders SET hints = 1 WHERE order_id = %(id)s", {"id": held})
        polling = threading.Thread(target=poll_account, args=(ctx, account_of(ctx).account_id))
        polling.start()
        assert poll(lambda: statuses(ctx, others) == ["filled"] * len(others), seconds=1.5)
        assert statuses(ctx, [held]) == ["accepted"]
    polling.join(5)
    assert statuses(ctx, [held]) == ["filled"]


def test_one_that_cannot_be_written_holds_no_other_up(
    quiet: Bed, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = placed(quiet, ctx)
    bad = order(ctx, orders[2]).broker_order_id
    told = AlpacaBroker.fills_after

    def with_a_price_that_no_column_holds(broker: AlpacaBroker, *args: object) -> list[BrokerFill]:
        return [
            BrokerFill(
                f.broker_fill_id,
                f.broker_order_id,
                f.symbol,
                f.side,
                f.qty,
                Decimal(10) ** 40,
                f.cum_qty,
                f.occurred_at,
            )
            if f.broker_order_id == bad
            else f
            for f in told(broker, *args)  # type: ignore[arg-type]
        ]

    monkeypatch.setattr(AlpacaBroker, "fills_after", with_a_price_that_no_column_holds)
    poll_account(ctx, account_of(ctx).account_id)
    assert statuses(ctx, orders) == ["filled"] * 2 + ["accepted"] + ["filled"] * (COUNT - 3)
    monkeypatch.undo()
    make_due(ctx, orders[2])
    poll_account(ctx, account_of(ctx).account_id)
    assert statuses(ctx, orders) == ["filled"] * COUNT
