"""Replacing: an order of its own takes another's place, once, and never trades what that one already did (R27)."""

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.orders import Side
from services.account_figures import read_figures
from services.due import take_due_cancels
from services.order_facts import terms_of
from services.orders import request_order
from tasks.canceling import cancel_order
from tasks.context import Context
from tasks.placing import place_order
from tasks.polling import poll_account
from tasks.settling import settle_order
from tests.support.house import TEST_ORIGIN, Bed, account_of, events, kinds, make_due, order, order_request, request

TEN = Decimal(10)
FAR = Decimal(1)  # a limit the market does not reach


def working(ctx: Context, **terms: Any) -> uuid.UUID:
    order_id = request(ctx, **({"limit_price": FAR, "qty": TEN} | terms))
    place_order(ctx, order_id)
    assert order(ctx, order_id).status == "accepted"
    return order_id


def replacement(ctx: Context, old_id: uuid.UUID, **changes: Any) -> uuid.UUID:
    """Ask for an order in the other's place, as the API does."""
    old = order(ctx, old_id)
    terms = replace(terms_of(old), **({"qty": old.qty - old.filled_qty} | changes))
    wanted = replace(order_request(ctx), terms=terms, replaces=old_id, replaced_filled=old.filled_qty)
    with ctx.database.statement() as unit:
        return request_order(unit, wanted, TEST_ORIGIN).order_id


def poll(ctx: Context, *order_ids: uuid.UUID) -> list[str]:
    for order_id in order_ids:
        make_due(ctx, order_id)
    poll_account(ctx, account_of(ctx).account_id)
    return [order(ctx, order_id).status for order_id in order_ids]


def reserved(ctx: Context) -> Any:
    with ctx.database.statement() as unit:
        return read_figures(unit, ctx.settings.accounts[0].name)[0].reserved


def at_broker(bed: Bed, ctx: Context) -> dict[str, Any]:
    """Return the exchange's orders by our id."""
    ledger = bed.exchange.ledger(ctx.settings.accounts[0].name)
    return {entry["client_order_id"]: entry for entry in ledger["orders"]}


@pytest.mark.requirement("TRD-001", "ACC-002")
def test_a_working_order_gives_its_place_and_its_money(quiet: Bed) -> None:
    ctx = quiet.context()
    old = working(ctx)
    new = replacement(ctx, old, limit_price=Decimal(2))
    place_order(ctx, new)
    assert order(ctx, new).status == "accepted"
    assert reserved(ctx) == 20  # the larger of the two, not both
    assert poll(ctx, old, new) == ["replaced", "accepted"]
    assert (order(ctx, old).reserved, order(ctx, new).reserved, reserved(ctx)) == (0, 20, 20)
    found = at_broker(quiet, ctx)
    assert {key: entry["status"] for key, entry in found.items()} == {
        f"opt-{old.hex}": "replaced",
        f"opt-{new.hex}": "new",
    }
    assert Decimal(found[f"opt-{new.hex}"]["limit_price"]) == 2


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "504_after", "504_before"])
def test_a_patch_nobody_knows_is_settled_by_the_new_id(quiet: Bed, fault: str) -> None:
    ctx = quiet.context()
    old = working(ctx)
    new = replacement(ctx, old, limit_price=Decimal(2))
    quiet.exchange.add_fault(fault, account=ctx.settings.accounts[0].name, method="PATCH")
    place_order(ctx, new)
    assert (order(ctx, new).status, reserved(ctx)) == ("unknown", 20)
    make_due(ctx, new)
    settle_order(ctx, new)
    assert order(ctx, new).status == "accepted"
    assert poll(ctx, old, new) == ["replaced", "accepted"]
    assert set(at_broker(quiet, ctx)) == {f"opt-{old.hex}", f"opt-{new.hex}"}


def test_an_order_that_filled_since_is_not_replaced(quiet: Bed) -> None:
    ctx = quiet.context()
    old = working(ctx)
    new = replacement(ctx, old, limit_price=Decimal(2))
    quiet.exchange.release(account=ctx.settings.accounts[0].name, qty="4")
    assert poll(ctx, old) == ["partially_filled"]
    place_order(ctx, new)
    row = order(ctx, new)
    assert (row.status, row.rejected_by, row.reason_code) == ("rejected", "opitios", "not_replaceable")
    assert "filled 4 more" in row.reason
    assert at_broker(quiet, ctx).keys() == {f"opt-{old.hex}"}


def test_what_filled_meanwhile_is_not_traded_twice(quiet: Bed) -> None:
    ctx = quiet.context()
    old = working(ctx)
    new = replacement(ctx, old, limit_price=Decimal(2))
    quiet.exchange.release(account=ctx.settings.accounts[0].name, qty="4")  # and nobody has told us
    place_order(ctx, new)
    assert poll(ctx, old) == ["replaced"]
    assert "filled 4 more" in order(ctx, new).cancel_reason
    with ctx.database.unit() as unit:
        assert new in take_due_cancels(unit, 1000)
    cancel_order(ctx, new)
    assert poll(ctx, new) == ["canceled"]


def test_the_rest_of_a_partly_filled_order_is_replaced(quiet: Bed) -> None:
    ctx = quiet.context()
    old = working(ctx)
    quiet.exchange.release(account=ctx.settings.accounts[0].name, qty="4")
    poll(ctx, old)
    new = replacement(ctx, old, limit_price=Decimal(2))
    place_order(ctx, new)
    assert poll(ctx, old, new) == ["replaced", "accepted"]
    assert (order(ctx, old).filled_qty, order(ctx, new).qty, order(ctx, new).cancel_due_at) == (4, 6, None)
    assert Decimal(at_broker(quiet, ctx)[f"opt-{new.hex}"]["qty"]) == 6


def test_one_order_has_one_replacement_at_a_time(quiet: Bed) -> None:
    ctx = quiet.context()
    old = working(ctx)
    first, second = (replacement(ctx, old, limit_price=Decimal(price)) for price in (2, 3))
    quiet.exchange.add_fault("drop_after", account=ctx.settings.accounts[0].name, method="PATCH")
    place_order(ctx, first)
    place_order(ctx, second)
    assert [order(ctx, first).status, order(ctx, second).status] == ["unknown", "rejected"]
    assert "being replaced already" in order(ctx, second).reason


@pytest.mark.requirement("ACC-002", "FR-002")
def test_a_dearer_replacement_must_fit_the_money(quiet: Bed) -> None:
    ctx = quiet.context(balance_rule="after", at_exchange={"cash": "10000"})
    old = working(ctx, limit_price=Decimal(100), symbol="MSFT")
    new = replacement(ctx, old, limit_price=Decimal(600))
    place_order(ctx, new)
    numbers = events(ctx, new)[-1].detail["checks"]["minimum_balance"]
    assert (order(ctx, new).reason_code, kinds(ctx, new)) == ("insufficient_balance", ["requested", "rejected"])
    assert (numbers["available"], numbers["order_cost"]) == ("10000", "6000")
    fits = replacement(ctx, old, limit_price=Decimal(500))
    place_order(ctx, fits)
    assert order(ctx, fits).status == "accepted"
    assert reserved(ctx) == 5000


@pytest.mark.requirement("ACC-002")
def test_a_sell_and_its_replacement_hold_the_shares_once(quiet: Bed) -> None:
    ctx = quiet.context()
    bought = request(ctx, limit_price=Decimal(500), qty=TEN)
    place_order(ctx, bought)
    quiet.exchange.release(account=ctx.settings.accounts[0].name)
    assert poll(ctx, bought) == ["filled"]
    sell = working(ctx, side=Side.SELL, limit_price=Decimal(900))
    new = replacement(ctx, sell, limit_price=Decimal(800))
    place_order(ctx, new)
    row = order(ctx, new)
    assert (row.status, row.reserved) == ("accepted", 0)  # what is held is sold: nothing goes short
    other = request(ctx, side=Side.SELL, limit_price=Decimal(800), qty=Decimal(1))
    place_order(ctx, other)
    judged = next(event for event in events(ctx, other) if event.event_type == "submitting")
    assert judged.detail["checks"]["minimum_balance"]["order_cost"] == "800"  # one more would be short
