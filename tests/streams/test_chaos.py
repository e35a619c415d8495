"""Fills that the stream never told, told twice or told in the wrong order: the record ends the same (R15, R16)."""

import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from domain.order_state import TERMINAL
from services.fills import due_for_poll
from tasks.context import Context
from tasks.placing import place_order
from tasks.polling import poll_account
from tests.streams.conftest import Pier
from tests.support.house import Bed, account_of, order, request, until
from tests.support.streams import inbox

ALWAYS: dict[str, Any] = {"times": None}
FAULTS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "clean": [],
    "twice": [("stream_duplicate", ALWAYS)],
    "swapped": [("stream_reorder", ALWAYS)],
    "missing": [("stream_drop", ALWAYS | {"chance": 0.5, "seed": 7})],
    "all of it": [
        (kind, ALWAYS | {"chance": 0.3, "seed": seed})
        for seed, kind in enumerate(("stream_drop", "stream_duplicate", "stream_reorder", "stream_unknown_event"))
    ],
}


@pytest.fixture(scope="module")
def accounts(quay: Bed, pier: Pier) -> Iterator[dict[str, Context]]:
    """Return an account for each kind of trouble, and one whose fills are found by polls alone."""
    told = {what: pier.account() for what in FAULTS}
    for what, ctx in told.items():
        for kind, where in FAULTS[what]:
            quay.exchange.add_fault(kind, account=name(ctx), **where)
    yield told | {"polled": quay.context()}
    quay.exchange.remove_faults()


def name(ctx: Context) -> str:
    return ctx.settings.accounts[0].name


def traded(quay: Bed, ctx: Context) -> list[uuid.UUID]:
    """Place three orders; the exchange fills two in parts and cancels what is left of the third."""
    made = [request(ctx, qty=Decimal(qty), limit_price=Decimal(price)) for qty, price in ((10, 3), (6, 2), (8, 1))]
    for order_id in made:
        place_order(ctx, order_id)
    for number, parts in ((0, ("3", "3", "4")), (1, ("1", "5")), (2, ("2",))):
        for part in parts:
            quay.exchange.release(account=name(ctx), client_order_id=f"opt-{made[number].hex}", qty=part)
    quay.exchange.set_status("canceled", account=name(ctx), client_order_id=f"opt-{made[2].hex}")
    return made


def has_settled(ctx: Context, orders: list[uuid.UUID]) -> bool:
    """Poll what is due, as a worker would, and return whether every order has ended."""
    account_id = account_of(ctx).account_id
    with ctx.database.statement() as unit:
        _, due = due_for_poll(unit, account_id)
    if due:
        poll_account(ctx, account_id)
    return all(order(ctx, order_id).status in TERMINAL for order_id in orders)


def record(ctx: Context, orders: list[uuid.UUID]) -> list[Any]:
    """Return all that our tables say of these orders, without ids and times."""
    found = []
    for order_id in orders:
        with ctx.database.statement() as unit:
            row = unit.row(
                "SELECT status, filled_qty, filled_avg_price, reserved, spent, due_at FROM trading.orders "
                "WHERE order_id = %(id)s",
                {"id": order_id},
            )
            fills = unit.rows(
                "SELECT cum_qty, qty, price FROM trading.fills WHERE order_id = %(id)s ORDER BY cum_qty",
                {"id": order_id},
            )
        found.append((row, list(fills)))
    return found


def test_the_record_ends_the_same_whatever_the_stream_did(quay: Bed, accounts: dict[str, Context]) -> None:
    orders = {what: traded(quay, ctx) for what, ctx in accounts.items()}
    until(lambda: all(has_settled(ctx, orders[what]) for what, ctx in accounts.items()), 30)
    wanted = record(accounts["polled"], orders["polled"])
    assert [(row.status, row.filled_qty) for row, _ in wanted] == [("filled", 10), ("filled", 6), ("canceled", 2)]
    for what, ctx in accounts.items():
        assert record(ctx, orders[what]) == wanted, what


def test_each_event_is_kept_once(accounts: dict[str, Context]) -> None:
    for ctx in accounts.values():
        keys = [row.event_key for row in inbox(ctx)]
        assert len(keys) == len(set(keys))
    until(lambda: all(row.applied_at for what in FAULTS for row in inbox(accounts[what])))
    assert any(row.event not in {"new", "partial_fill", "fill", "canceled"} for row in inbox(accounts["all of it"]))
