"""The inbox: every event kept once, applied only under the lease, and what it does not say is asked for (R3, R15)."""

import json
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from brokers.alpaca.updates import parse_update
from config.clock import SYSTEM_CLOCK
from domain.trade_updates import TradeUpdate
from services.inbox import Arrived, Written, keep_failed, receive
from services.streams import StreamedAccount, take_streams
from tasks.context import Context
from tasks.placing import place_order
from tests.support.house import Bed, account_of, events, order, request
from tests.support.streams import inbox

OWNER = "streams:1"


@pytest.fixture
def ctx(quiet: Bed) -> Context:
    """Return an account whose stream's lease is ours."""
    made = quiet.context()
    with made.database.statement() as unit:
        assert take_streams(unit, [streamed(made).lease], OWNER)
    return made


def streamed(ctx: Context) -> StreamedAccount:
    account = account_of(ctx)
    return StreamedAccount(account.account_id, account.name)


def working(ctx: Context) -> uuid.UUID:
    """Return an order of ten that works at the exchange."""
    order_id = request(ctx, qty=Decimal(10), limit_price=Decimal(1))
    place_order(ctx, order_id)
    return order_id


def frame(ctx: Context, order_id: uuid.UUID, event: str, **more: Any) -> TradeUpdate:
    """Return an event as the exchange words it: `qty` of an execution, `cum` after it, `status` of the order."""
    row = order(ctx, order_id)
    cum, qty = more.get("cum", "0"), more.get("qty")
    body = {
        "id": row.broker_order_id or "early",
        "client_order_id": f"opt-{order_id.hex}",
        "symbol": "AAPL",
        "side": "buy",
        "qty": "10",
        "filled_qty": cum,
        "status": more.get("status", "partially_filled" if cum != "0" else "new"),
    }
    data = {"event": event, "timestamp": "2026-11-21T12:00:00.123456789Z", "order": body}
    if qty is not None:
        data |= {"qty": qty, "price": "1", "execution_id": str(order_id)}
    return parse_update(json.dumps({"stream": "trade_updates", "data": data}).encode())


def told(ctx: Context, *updates: TradeUpdate, owner: str = OWNER) -> Written:
    """Receive these events as one batch."""
    now, account = SYSTEM_CLOCK.now(), streamed(ctx)
    batch = [Arrived(account, update, now, 0) for update in updates]
    with ctx.database.unit() as unit:
        return receive(unit, batch, now=now, owner=owner, ids=ctx.ids, origin=ctx.origin)


def is_due(ctx: Context, order_id: uuid.UUID) -> bool:
    return bool(order(ctx, order_id).due_at <= SYSTEM_CLOCK.now())


def test_an_event_is_applied_once(ctx: Context) -> None:
    order_id = working(ctx)
    fill = frame(ctx, order_id, "partial_fill", qty="4", cum="4")
    told(ctx, fill, fill)
    told(ctx, fill)
    assert order(ctx, order_id).filled_qty == 4
    assert [(row.event, row.outcome) for row in inbox(ctx)] == [("partial_fill", "applied")]
    assert events(ctx, order_id)[-1].stage == "stream"


@pytest.mark.parametrize("change", ["owner = 'streams:2'", "expires_at = clock_timestamp() - interval '1 ms'"])
def test_without_the_lease_nothing_is_written(ctx: Context, change: str) -> None:
    order_id = working(ctx)
    with ctx.database.statement() as unit:
        unit.run(f"UPDATE trading.leases SET {change} WHERE name = %(n)s", {"n": streamed(ctx).lease})  # noqa: S608  ours
    written = told(ctx, frame(ctx, order_id, "partial_fill", qty="4", cum="4"))
    assert written.lost == {account_of(ctx).account_id}
    assert (order(ctx, order_id).filled_qty, list(inbox(ctx))) == (0, [])


def test_a_missing_fill_is_asked_for_at_once_and_never_invented(ctx: Context) -> None:
    order_id = working(ctx)
    told(ctx, frame(ctx, order_id, "fill", qty="4", cum="10", status="filled"))
    assert (order(ctx, order_id).status, order(ctx, order_id).filled_qty) == ("partially_filled", 4)
    assert is_due(ctx, order_id)
    told(ctx, frame(ctx, order_id, "partial_fill", qty="6", cum="6"))
    assert (order(ctx, order_id).status, order(ctx, order_id).filled_qty) == ("filled", 10)


def test_an_end_that_comes_before_its_fill_waits_for_it(ctx: Context) -> None:
    order_id = working(ctx)
    told(ctx, frame(ctx, order_id, "canceled", cum="4", status="canceled"))
    assert order(ctx, order_id).status == "accepted"
    assert is_due(ctx, order_id)
    told(ctx, frame(ctx, order_id, "canceled", cum="0", status="canceled"))
    assert order(ctx, order_id).status == "canceled"


def test_a_fill_and_the_end_in_one_word_leave_nothing_reserved(ctx: Context) -> None:
    order_id = working(ctx)
    fill = frame(ctx, order_id, "partial_fill", qty="4", cum="4")
    told(ctx, fill, frame(ctx, order_id, "canceled", cum="4", status="canceled"))
    row = order(ctx, order_id)
    assert (row.status, row.filled_qty, row.reserved, row.spent) == ("canceled", 4, 0, 4)


@pytest.mark.parametrize(("event", "status"), [("trade_bust", "new"), ("new", "held_for_review")])
def test_what_nobody_documented_is_kept_and_the_order_asked_for(ctx: Context, event: str, status: str) -> None:
    order_id = working(ctx)
    update = frame(ctx, order_id, event, status=status)
    assert update.trouble is not None
    told(ctx, update)
    assert [row.event for row in inbox(ctx)] == [event]
    assert is_due(ctx, order_id)


@pytest.mark.parametrize("text", [b"{half", b"\xff\xfe", b'{"stream":"trade_updates","data":null}', b"[1]", b"NaN"])
def test_what_cannot_be_read_is_kept(ctx: Context, text: bytes) -> None:
    told(ctx, parse_update(text))
    (row,) = inbox(ctx)
    assert (row.event, row.outcome) == ("unreadable", "not understood")
    assert row.raw["unreadable"] == text.decode(errors="replace")


def test_what_postgres_does_not_take_is_kept_as_text(ctx: Context) -> None:
    order_id = working(ctx)
    update = replace(frame(ctx, order_id, "new"), raw='{"note": "\\u0000"}')
    arrived = Arrived(streamed(ctx), update, SYSTEM_CLOCK.now(), 0)
    with ctx.database.unit() as unit:
        keep_failed(unit, arrived, owner=OWNER)
    (row,) = inbox(ctx)
    assert (row.outcome, "u0000" in row.raw["unreadable"]) == ("could not be applied", True)
    assert is_due(ctx, order_id)


def test_a_fill_of_an_order_on_its_way_waits_for_the_answer_to_its_request(ctx: Context) -> None:
    order_id = request(ctx, qty=Decimal(10), limit_price=Decimal(1))
    update = frame(ctx, order_id, "partial_fill", qty="4", cum="4")
    waiting = told(ctx, update).waiting
    assert [(row.outcome, row.applied_at) for row in inbox(ctx)] == [(None, None)]
    place_order(ctx, order_id)
    broker_id = order(ctx, order_id).broker_order_id
    assert update.order is not None
    assert update.fill is not None
    known = replace(
        update,
        order=replace(update.order, broker_order_id=broker_id),
        fill=replace(update.fill, broker_order_id=broker_id),
    )
    with ctx.database.unit() as unit:
        again = [replace(one, update=known) for one in waiting]
        receive(unit, again, now=SYSTEM_CLOCK.now(), owner=OWNER, ids=ctx.ids, origin=ctx.origin)
    assert order(ctx, order_id).filled_qty == 4
    assert [row.outcome for row in inbox(ctx)] == ["applied"]


def test_an_unknown_order_is_left_to_its_settlement_and_due_at_once(ctx: Context, quiet: Bed) -> None:
    quiet.exchange.add_fault("drop_after", account=account_of(ctx).name, method="POST", path="/v2/orders")
    order_id = working(ctx)
    assert order(ctx, order_id).status == "unknown"
    written = told(ctx, frame(ctx, order_id, "partial_fill", qty="4", cum="4"))
    assert (order(ctx, order_id).status, written.unsettled) == ("unknown", {order_id})
    assert is_due(ctx, order_id)


@pytest.mark.parametrize(("client_id", "outcome"), [("theirs", "not our order"), ("opt-gone", None)])
def test_an_order_that_is_not_ours_is_marked(ctx: Context, client_id: str, outcome: str | None) -> None:
    update = frame(ctx, working(ctx), "fill", qty="10", cum="10", status="filled")
    assert update.order is not None
    written = told(ctx, replace(update, order=replace(update.order, client_order_id=client_id)))
    assert [row.outcome for row in inbox(ctx)] == [outcome or "our prefix, but no order of ours"]
    assert written.strange == {account_of(ctx).account_id}
