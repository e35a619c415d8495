"""What a stream tells is kept and applied at once, by the same rules as a poll (R15, R16, R31)."""

import uuid
from decimal import Decimal

import pytest

from config.clock import SYSTEM_CLOCK
from tasks.context import Context
from tasks.placing import place_order
from tasks.polling import poll_account
from tests.streams.conftest import Pier
from tests.support.house import Bed, account_of, events, make_due, order, request, until
from tests.support.streams import inbox, stream


@pytest.fixture(scope="module")
def ctx(pier: Pier) -> Context:
    return pier.account()


def working(ctx: Context, qty: int = 10) -> uuid.UUID:
    """Return an order that the exchange has and does not fill by itself."""
    order_id = request(ctx, qty=Decimal(qty), limit_price=Decimal(1))
    place_order(ctx, order_id)
    assert order(ctx, order_id).status == "accepted"
    return order_id


def release(quay: Bed, ctx: Context, order_id: uuid.UUID, qty: str) -> None:
    quay.exchange.release(account=ctx.settings.accounts[0].name, client_order_id=f"opt-{order_id.hex}", qty=qty)


def test_a_fill_is_told_before_any_poll(quay: Bed, ctx: Context) -> None:
    order_id = working(ctx)
    release(quay, ctx, order_id, "4")
    until(lambda: order(ctx, order_id).filled_qty == 4)
    release(quay, ctx, order_id, "6")
    found = until(lambda: (row := order(ctx, order_id)).status == "filled" and row)
    assert (found.filled_qty, found.reserved, found.due_at) == (10, 0, None)
    assert [event.stage for event in events(ctx, order_id)][-2:] == ["stream", "stream"]
    told = [row for row in inbox(ctx) if row.broker_client_id == f"opt-{order_id.hex}"]
    assert [row.event for row in told] == ["new", "partial_fill", "fill"]
    assert [row.outcome for row in told[1:]] == ["applied", "applied"]  # "new" is news when it overtakes the answer


def test_a_working_order_is_polled_every_five_seconds_while_its_stream_is_healthy(ctx: Context) -> None:
    found = order(ctx, working(ctx))
    assert 4 < (found.due_at - found.submitted_at).total_seconds() < 6
    assert stream(ctx).is_healthy


def test_a_stream_that_did_not_tell_a_fill_is_opened_anew(quay: Bed, ctx: Context) -> None:
    before = stream(ctx).reconnects
    order_id = working(ctx)
    dropped = quay.exchange.add_fault("stream_drop", account=ctx.settings.accounts[0].name, event="partial_fill")
    release(quay, ctx, order_id, "4")
    until(lambda: quay.exchange.fired(dropped))
    make_due(ctx, order_id)
    poll_account(ctx, account_of(ctx).account_id)
    assert order(ctx, order_id).filled_qty == 4
    assert stream(ctx).untold_at is not None
    long_ago(quay, ctx)
    until(lambda: stream(ctx).reconnects > before)
    assert order(ctx, order_id).due_at <= SYSTEM_CLOCK.now()  # what was missed is asked for


def test_a_fill_that_a_poll_saw_first_is_no_complaint(quay: Bed, ctx: Context) -> None:
    until(lambda: stream(ctx).is_healthy)
    order_id = working(ctx)
    release(quay, ctx, order_id, "4")
    until(lambda: order(ctx, order_id).filled_qty == 4)
    before = stream(ctx).reconnects
    with quay.servers.connect() as connection:
        connection.execute(
            "UPDATE trading.streams SET untold_at = clock_timestamp() WHERE account_id = %s",
            [account_of(ctx).account_id],
        )
    long_ago(quay, ctx)
    until(lambda: stream(ctx).untold_at is None)
    assert stream(ctx).reconnects == before


def long_ago(quay: Bed, ctx: Context) -> None:
    """Let ten seconds go by for what polls found."""
    with quay.servers.connect() as connection:
        for table, column in (("fills", "recorded_at"), ("streams", "untold_at")):
            connection.execute(
                f"UPDATE trading.{table} SET {column} = {column} - interval '11 seconds' "  # noqa: S608  ours
                "WHERE account_id = %s",
                [account_of(ctx).account_id],
            )
