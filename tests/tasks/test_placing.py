"""Placing: one POST a claim, whatever is doubled, late, locked or slow (R5, R8, R9)."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from brokers.alpaca.adapter import AlpacaBroker
from brokers.protocol import Broker
from domain.broker import NotAccepted, Ticket, Timed
from domain.orders import Side
from models.unit import StoreAway, Unit
from services.order_claim import claim_for_placing
from tasks import placing
from tasks.context import Context
from tasks.placing import place_order, send
from tasks.settling import settle_order
from tests.support.exchange import ExchangeProcess
from tests.support.house import Bed, account_of, events, kinds, make_due, order, order_request, request


def posts(ctx: Context, exchange: ExchangeProcess) -> dict[str, int]:
    """Return how often each of our ids was posted at the exchange."""
    return dict(exchange.ledger(ctx.settings.accounts[0].name)["attempts"])


def test_a_doubled_hint_places_once(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: place_order(ctx, order_id), range(16)))
    assert order(ctx, order_id).status == "accepted"
    assert posts(ctx, quiet.exchange) == {f"opt-{order_id.hex}": 1}


def test_without_budget_the_order_is_due_later_and_nothing_is_sent(quiet: Bed) -> None:
    ctx = quiet.context(rate_limit_per_minute=2)
    while not ctx.budget.take(ctx.settings.accounts[0].name):
        pass
    order_id = request(ctx)
    wait = place_order(ctx, order_id)
    assert wait is not None
    assert wait > 1
    assert (order(ctx, order_id).status, events(ctx, order_id)[-1].reason_code) == ("requested", "rate_budget")
    assert place_order(ctx, order_id) is None  # not due
    assert posts(ctx, quiet.exchange) == {}


def test_more_than_four_seconds_after_the_claim_nothing_is_sent(quiet: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = quiet.context()
    order_id = request(ctx)
    monkeypatch.setattr("tasks.placing.SEND_WITHIN_MS", -1)
    assert place_order(ctx, order_id) == 1
    assert (order(ctx, order_id).status, order(ctx, order_id).reserved) == ("requested", 0)
    assert events(ctx, order_id)[-1].reason_code == "claim_too_slow"
    assert posts(ctx, quiet.exchange) == {}
    monkeypatch.undo()
    make_due(ctx, order_id)
    place_order(ctx, order_id)
    assert posts(ctx, quiet.exchange) == {f"opt-{order_id.hex}": 1}


def test_a_claim_that_cannot_be_committed_sends_nothing(quiet: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = quiet.context()
    order_id = request(ctx)

    def claims_and_loses_its_connection(unit: Unit, *given: Any, **named: Any) -> Any:
        claimed = claim_for_placing(unit, *given, **named)
        mine = unit.row("SELECT pg_backend_pid() AS pid")
        with ctx.database.statement() as other:
            other.run("SELECT pg_terminate_backend(%(pid)s)", {"pid": mine and mine.pid})
        return claimed

    monkeypatch.setattr("tasks.placing.claim_for_placing", claims_and_loses_its_connection)
    with pytest.raises(StoreAway):
        place_order(ctx, order_id)
    assert (order(ctx, order_id).status, posts(ctx, quiet.exchange)) == ("requested", {})


def test_an_account_that_somebody_holds_is_not_waited_for_and_its_order_stays_due(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx)
    url = ctx.settings.app_database_url.get_secret_value().replace("+psycopg", "", 1)
    with psycopg.connect(url) as holder:
        name = (account_of(ctx).name,)
        holder.execute("SELECT 1 FROM trading.accounts WHERE name = %s FOR NO KEY UPDATE", name)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            place_order(ctx, order_id)
    assert (order(ctx, order_id).status, kinds(ctx, order_id)) == ("requested", ["requested"])
    place_order(ctx, order_id)
    assert posts(ctx, quiet.exchange) == {f"opt-{order_id.hex}": 1}


def test_four_seconds_are_four_seconds(quiet: Bed) -> None:
    ctx = quiet.context()
    ticket = Ticket(f"opt-{uuid.uuid4().hex}", order_request(ctx).terms)  # noqa: TID251  an id nobody has
    long_ago = ctx.clock.monotonic_ms() - 4001
    assert send(ctx, ctx.settings.accounts[0].name, ticket, long_ago).outcome == NotAccepted(
        "claim_too_slow", "more than 4 s passed between claim and send"
    )
    assert posts(ctx, quiet.exchange) == {}


@pytest.mark.requirement("ACC-001")
def test_the_last_look_before_the_socket_holds_when_the_rules_were_wrong(
    quiet: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = quiet.context()
    order_id = request(ctx)
    monkeypatch.setattr(ctx.broker(ctx.settings.accounts[0].name), "_may_enter", lambda _url: "locked")
    place_order(ctx, order_id)
    row = order(ctx, order_id)
    assert (row.status, row.rejected_by, row.reason_code) == ("rejected", "opitios", "live_not_armed")
    assert posts(ctx, quiet.exchange) == {}


def test_a_worker_stopped_beyond_its_lease_changes_nothing(quiet: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = quiet.context()
    order_id = request(ctx)

    def frozen(broker: Broker, ticket: Ticket) -> Timed:
        timed: Timed = original(broker, ticket)
        make_due(ctx, order_id)
        settle_order(ctx, order_id)
        return timed

    original: Any = AlpacaBroker.place
    monkeypatch.setattr(AlpacaBroker, "place", frozen)
    place_order(ctx, order_id)
    assert kinds(ctx, order_id) == ["requested", "submitting", "lease_expired", "unknown", "accepted", "late_result"]
    assert order(ctx, order_id).status == "accepted"
    assert posts(ctx, quiet.exchange) == {f"opt-{order_id.hex}": 1}


@pytest.mark.requirement("TRD-001", "FR-005")
@pytest.mark.parametrize(
    ("terms", "reason"),
    [({"qty": "100000"}, "insufficient_buying_power"), ({"qty": "1", "side": Side.SELL}, "insufficient_qty")],
)
def test_a_refusal_of_the_broker_is_recorded_with_its_words(quiet: Bed, terms: dict[str, Any], reason: str) -> None:
    ctx = quiet.context()
    order_id = request(ctx, **terms | {"qty": Decimal(terms["qty"])})
    place_order(ctx, order_id)
    row, last = order(ctx, order_id), events(ctx, order_id)[-1]
    assert (row.status, row.rejected_by, row.reason_code, row.reserved) == ("rejected", "broker", reason, 0)
    assert (last.success, last.detail["http_status"]) == (False, 403)
    assert 0 < last.network_ms <= last.total_ms


def disable(ctx: Context) -> None:
    name = ctx.settings.accounts[0].name
    with ctx.database.statement() as unit:
        unit.run("UPDATE trading.accounts SET disabled_by = 'anna' WHERE name = %(n)s", {"n": name})


@pytest.mark.requirement("ACC-001")
def test_an_entry_whose_account_stops_after_its_claim_is_refused_and_not_sent(
    quiet: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = quiet.context()
    order_id = request(ctx)
    monkeypatch.setattr("tasks.placing.FRESH_MS", -1)
    look = placing._stopped

    def stops_meanwhile(*given: Any) -> Timed | None:
        disable(ctx)
        return look(*given)

    monkeypatch.setattr("tasks.placing._stopped", stops_meanwhile)
    place_order(ctx, order_id)
    row = order(ctx, order_id)
    assert (row.status, row.rejected_by, row.reason_code, row.reserved) == ("rejected", "opitios", "entries_stopped", 0)
    assert "is switched off" in row.reason
    assert posts(ctx, quiet.exchange) == {}


@pytest.mark.requirement("ACC-001")
def test_an_unknown_entry_of_an_account_that_stopped_is_looked_for_and_not_sent_again(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx)
    fault = quiet.exchange.add_fault("drop_before", account=ctx.settings.accounts[0].name, method="POST")
    place_order(ctx, order_id)
    quiet.exchange.control("DELETE", f"/faults/{fault}")
    sent = posts(ctx, quiet.exchange)
    disable(ctx)
    make_due(ctx, order_id)
    settle_order(ctx, order_id)
    row = order(ctx, order_id)
    assert (row.status, row.cancel_reason, row.reserved > 0) == ("unknown", "entries_stopped", True)
    assert events(ctx, order_id)[-1].reason_code == "entries_stopped"
    assert posts(ctx, quiet.exchange) == sent
