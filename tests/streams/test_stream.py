"""What a stream tells is kept and applied at once, by the same rules as a poll (R15, R16, R31)."""

import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tasks.context import Context
from tasks.placing import place_order
from tests.support.house import Bed, events, order, request, until
from tests.support.streams import inbox, stream, streams


@pytest.fixture(scope="module")
def ctx(quay: Bed) -> Iterator[Context]:
    made = quay.context()
    with streams(quay, [made], "streams-told"):
        yield made


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
    assert [(row.event, row.outcome) for row in told] == [
        ("new", "nothing new"),
        ("partial_fill", "applied"),
        ("fill", "applied"),
    ]


def test_a_working_order_is_polled_every_five_seconds_while_its_stream_is_healthy(ctx: Context) -> None:
    found = order(ctx, working(ctx))
    assert 4 < (found.due_at - found.submitted_at).total_seconds() < 6
    assert stream(ctx).is_healthy
