"""Our record and the broker's are made one: what is missing, what is foreign, what is held (R12, R14-R19)."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import requests

from services.order_outcome import Attempt
from services.order_settlement import Age, claim_for_settling, record_missing
from stack.waiting import poll
from tasks.canceling import cancel_order
from tasks.context import Context
from tasks.placing import place_order
from tasks.reconcile_account import reconcile_account
from tasks.settling import settle_order
from tests.support.house import Bed, account_of, kinds, make_due, order, request


@pytest.fixture
def ctx(quiet: Bed) -> Iterator[Context]:
    yield quiet.context()
    quiet.exchange.remove_faults()


def reconcile(ctx: Context) -> bool:
    return reconcile_account(ctx, account_of(ctx).account_id)


def rows(ctx: Context, statement: str) -> list[Any]:
    """Return rows of a statement about the context's account (`%(id)s`)."""
    with ctx.database.statement() as unit:
        return list(unit.rows(statement, {"id": account_of(ctx).account_id}))


def operations(ctx: Context, kind: str) -> list[Any]:
    found = rows(ctx, "SELECT * FROM audit.operations WHERE account_id = %(id)s ORDER BY recorded_at")
    return [row for row in found if row.operation == kind]


def external(ctx: Context) -> list[Any]:
    return rows(ctx, "SELECT * FROM trading.orders WHERE account_id = %(id)s AND source = 'external'")


def held(ctx: Context, symbol: str = "AAPL") -> Any:
    found = rows(ctx, "SELECT symbol, qty FROM trading.positions WHERE account_id = %(id)s")
    return next((row.qty for row in found if row.symbol == symbol), Decimal(0))


def place_outside(ctx: Context, **terms: str) -> str:
    """Place an order past the house, as its owner could on the broker's page; return the broker's id."""
    account = ctx.settings.accounts[0]
    keys = {
        "APCA-API-KEY-ID": account.api_key.get_secret_value(),
        "APCA-API-SECRET-KEY": account.secret_key.get_secret_value(),
    }
    body = {"symbol": "AAPL", "side": "buy", "type": "market", "time_in_force": "day", "qty": "3"} | terms
    answer = requests.post(f"{account.base_url}/v2/orders", json=body, headers=keys, timeout=5)
    assert answer.ok, answer.text
    return str(answer.json()["id"])


def until_filled(bed: Bed, ctx: Context) -> None:
    name = ctx.settings.accounts[0].name
    assert poll(lambda: all(o["status"] == "filled" for o in bed.exchange.ledger(name)["orders"]), seconds=5)


def test_an_ended_reconcile_is_one_operation_with_its_counts_and_times(ctx: Context) -> None:
    assert reconcile(ctx)
    (operation,) = operations(ctx, "reconcile")
    assert operation.success
    assert operation.total_ms > 0
    assert operation.network_ms > 0
    assert operation.detail["requests"] == 4
    (account,) = rows(ctx, "SELECT reconciled_from FROM trading.accounts WHERE account_id = %(id)s")
    assert account.reconciled_from.isoformat() == operation.detail["began"]


def test_a_fill_that_nobody_polled_is_found_and_counted_once(quiet: Bed, ctx: Context) -> None:
    order_id = request(ctx, qty=Decimal(2), limit_price=Decimal(500))
    place_order(ctx, order_id)
    until_filled(quiet, ctx)
    assert reconcile(ctx)
    assert reconcile(ctx)
    assert (order(ctx, order_id).status, order(ctx, order_id).filled_qty) == ("filled", 2)
    assert kinds(ctx, order_id)[-1] == "filled"
    assert held(ctx) == 2


def test_what_the_broker_ended_ends_here(quiet: Bed, ctx: Context) -> None:
    order_id = request(ctx, limit_price=Decimal(1))
    place_order(ctx, order_id)
    quiet.exchange.set_status("canceled", account=ctx.settings.accounts[0].name)
    assert reconcile(ctx)
    assert order(ctx, order_id).status == "canceled"


@pytest.mark.parametrize("path", ["/v2/positions", "/v2/orders", "/v2/account/activities/FILL"])
def test_a_read_that_fails_concludes_nothing(quiet: Bed, ctx: Context, path: str) -> None:
    order_id = request(ctx, limit_price=Decimal(1))
    place_order(ctx, order_id)
    quiet.exchange.add_fault("502_before", account=ctx.settings.accounts[0].name, path=path)
    assert not reconcile(ctx)
    assert order(ctx, order_id).status == "accepted"
    (operation,) = operations(ctx, "reconcile")
    assert (operation.success, operation.reason_code) == (False, "http_502")
    (account,) = rows(ctx, "SELECT reconciled_from FROM trading.accounts WHERE account_id = %(id)s")
    assert account.reconciled_from is None


def test_an_external_order_is_imported_with_its_reservation_and_fills(quiet: Bed, ctx: Context) -> None:
    broker_id = place_outside(ctx, type="limit", limit_price="100")
    assert reconcile(ctx)
    (found,) = external(ctx)
    assert (found.broker_order_id, found.status, found.reserved, found.qty) == (broker_id, "accepted", 300, 3)
    assert (found.account_type, found.source, kinds(ctx, found.order_id)) == ("paper", "external", ["imported"])
    assert reconcile(ctx)
    assert len(external(ctx)) == 1
    quiet.exchange.release(account=ctx.settings.accounts[0].name)
    until_filled(quiet, ctx)
    assert reconcile(ctx)
    (found,) = external(ctx)
    assert (found.status, found.filled_qty, found.reserved) == ("filled", 3, 0)
    assert held(ctx) == 3


def test_an_external_order_that_filled_before_anybody_looked_is_imported_whole(quiet: Bed, ctx: Context) -> None:
    place_outside(ctx)
    until_filled(quiet, ctx)
    assert reconcile(ctx)
    (found,) = external(ctx)
    assert (found.status, found.filled_qty, held(ctx)) == ("filled", 3, 3)
    assert kinds(ctx, found.order_id) == ["imported", "filled"]


def test_a_user_may_cancel_an_external_order(quiet: Bed, ctx: Context) -> None:
    broker_id = place_outside(ctx, type="limit", limit_price="1")
    reconcile(ctx)
    (found,) = external(ctx)
    with ctx.database.statement() as unit:
        unit.run("UPDATE trading.orders SET cancel_due_at = now() WHERE order_id = %(id)s", {"id": found.order_id})
    cancel_order(ctx, found.order_id)
    assert reconcile(ctx)
    assert order(ctx, found.order_id).status == "canceled"
    ledger = quiet.exchange.ledger(ctx.settings.accounts[0].name)["orders"]
    assert [entry["status"] for entry in ledger if entry["id"] == broker_id] == ["canceled"]


def lose_the_ledger(ctx: Context) -> None:
    """Have the record say less than the broker: one fill is gone, as if it had never been told."""
    account_id = account_of(ctx).account_id
    with ctx.database.unit() as unit:
        unit.run(
            "INSERT INTO trading.position_corrections (correction_id, account_id, symbol, qty, old_qty, new_qty, "
            "occurred_at) VALUES (%(id)s, %(account)s, 'AAPL', -2, 3, 1, now())",
            {"id": uuid.uuid4(), "account": account_id},  # noqa: TID251  a key nobody else has
        )


def test_a_position_is_corrected_when_two_reads_agree_and_says_so(quiet: Bed, ctx: Context) -> None:
    place_outside(ctx)
    until_filled(quiet, ctx)
    reconcile(ctx)
    lose_the_ledger(ctx)
    assert reconcile(ctx)
    assert (held(ctx), operations(ctx, "position_corrected")) == (1, [])
    assert reconcile(ctx)
    (correction,) = operations(ctx, "position_corrected")
    assert (held(ctx), correction.symbol) == (3, "AAPL")
    assert [Decimal(correction.detail[word]) for word in ("old", "new")] == [1, 3]


def test_a_position_with_an_order_in_flight_is_left_alone(quiet: Bed, ctx: Context) -> None:
    place_outside(ctx)
    until_filled(quiet, ctx)
    reconcile(ctx)
    lose_the_ledger(ctx)
    working = request(ctx, limit_price=Decimal(1))
    place_order(ctx, working)
    for _ in range(3):
        assert reconcile(ctx)
    assert (held(ctx), operations(ctx, "position_corrected")) == (1, [])


def unknown(bed: Bed, ctx: Context) -> uuid.UUID:
    """Return an order that the exchange has and of which we had no answer."""
    bed.exchange.add_fault("drop_after", account=ctx.settings.accounts[0].name, method="POST", times=1)
    order_id = request(ctx, limit_price=Decimal(1))
    place_order(ctx, order_id)
    assert order(ctx, order_id).status == "unknown"
    make_due(ctx, order_id)
    return order_id


def give_up(ctx: Context, order_id: uuid.UUID, age: Age) -> None:
    """Record a look-up that found nothing, too late to send the order again."""
    now = ctx.clock.now()
    with ctx.database.unit() as unit:
        settlement = claim_for_settling(unit, order_id, now=now, origin=ctx.origin)
        assert settlement is not None
        attempt = Attempt(order_id, settlement.fence, settlement.attempts, "settle", now, now, 1.0, 0.5)
        record_missing(unit, attempt, replace(settlement, age=age), origin=ctx.origin)


def test_an_order_too_late_is_looked_for_and_cancelled_when_it_appears(quiet: Bed, ctx: Context) -> None:
    order_id = unknown(quiet, ctx)
    give_up(ctx, order_id, Age.LATE)
    assert (order(ctx, order_id).status, order(ctx, order_id).reserved > 0) == ("unknown", True)
    make_due(ctx, order_id)
    settle_order(ctx, order_id)
    assert order(ctx, order_id).status == "accepted"
    cancel_order(ctx, order_id)
    assert reconcile(ctx)
    assert order(ctx, order_id).status == "canceled"


def test_an_order_given_up_for_good_that_works_at_the_broker_is_cancelled_there(quiet: Bed, ctx: Context) -> None:
    order_id = unknown(quiet, ctx)
    give_up(ctx, order_id, Age.GIVEN_UP)
    assert order(ctx, order_id).status == "rejected"
    assert reconcile(ctx)
    ledger = quiet.exchange.ledger(ctx.settings.accounts[0].name)["orders"]
    assert [entry["status"] for entry in ledger] == ["canceled"]
    assert (order(ctx, order_id).status, kinds(ctx, order_id)[-1]) == ("rejected", "cancel_sent")


def test_what_nobody_knows_the_end_of_is_left_to_its_settling(quiet: Bed, ctx: Context) -> None:
    order_id = unknown(quiet, ctx)
    assert reconcile(ctx)
    assert (order(ctx, order_id).status, external(ctx)) == ("unknown", [])
