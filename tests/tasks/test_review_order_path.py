"""What once lost, stranded or doubled an order on its way; each test fails when its guarantee is broken again."""

import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest

from brokers.rate_budget import LocalRateBudget
from domain.broker import Rejected, Timed
from domain.order_state import OrderEvent, OrderStatus
from services.due import take_due
from services.order_claim import defer
from services.order_outcome import Attempt
from services.order_settlement import claim_for_settling, record_no_answer
from services.order_transition import After, Event
from tasks import placing, settling
from tasks.placing import place_order
from tasks.settling import settle_order
from tests.support.desk import Desk, DeskMaker, desks


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskMaker]:
    with desks(tmp_path_factory.mktemp("exchange")) as made:
        yield made


@pytest.fixture
def desk(maker: DeskMaker) -> Iterator[Desk]:
    with maker.desk() as made:
        yield made


def lost(desk: Desk, *, patience_s: float = 60) -> uuid.UUID:
    """An order whose POST never arrived, and whose outcome nobody knows."""
    order_id = desk.request(limit="100", patience_s=patience_s)
    desk.exchange.add_fault("drop_before", method="POST", path="/v2/orders")
    place_order(desk.ctx, order_id)
    assert desk.status(order_id) is OrderStatus.UNKNOWN
    desk.expire_waits(order_id)
    return order_id


def attempt_of(desk: Desk, order_id: uuid.UUID, fence: int) -> Attempt:
    now = desk.ctx.clock.now()
    return Attempt(order_id, fence, 1, "settle", now, now, 1, None)


def test_a_row_hinted_a_thousand_times_does_not_stop_the_relay_for_all(desk: Desk) -> None:
    old, new = desk.request(limit="100"), desk.request(limit="100")
    desk.change("hints = 1100, due_at = due_at - interval '1 hour'", "order_id = %s", old)
    desk.change("due_at = due_at - interval '5 seconds'", "order_id = %s", new)
    with desk.ctx.database.unit() as unit:
        assert {due.order_id for due in take_due(unit, 100)} >= {old, new}


def test_a_full_queue_of_entries_does_not_keep_unknown_orders_from_being_asked_for(desk: Desk) -> None:
    waiting, unknown = desk.request(limit="100"), lost(desk)
    desk.change("due_at = due_at - interval '5 seconds'", "account_id = %s", desk.account_id)
    with desk.ctx.database.unit() as unit:
        due = {order.order_id for order in take_due(unit, 100, placing=())}
    assert unknown in due
    assert waiting not in due


def test_an_order_that_never_arrived_is_sent_again_under_its_own_id(desk: Desk) -> None:
    order_id = lost(desk)
    settle_order(desk.ctx, order_id)
    assert desk.status(order_id) is OrderStatus.ACCEPTED
    ours = desk.row(order_id)["broker_client_id"]
    assert [order["client_order_id"] for order in desk.exchange.ledger(desk.account)["orders"]] == [ours]


def test_an_unknown_order_is_not_sent_again_after_its_deadline(desk: Desk) -> None:
    order_id = lost(desk, patience_s=60)
    desk.change("place_before = clock_timestamp() - interval '1 second'", "order_id = %s", order_id)
    settle_order(desk.ctx, order_id)
    row = desk.row(order_id)
    assert desk.sent(order_id) == 0
    assert (row["status"], row["reserved"]) == ("unknown", Decimal(100))
    assert row["due_at"] is not None


def test_an_unknown_order_that_appears_after_its_deadline_is_adopted(desk: Desk) -> None:
    order_id = desk.request(limit="100")
    desk.exchange.add_fault("drop_after", method="POST", path="/v2/orders")
    place_order(desk.ctx, order_id)
    desk.expire_waits(order_id)
    desk.change("place_before = clock_timestamp() - interval '1 hour'", "order_id = %s", order_id)
    settle_order(desk.ctx, order_id)
    assert desk.status(order_id) is OrderStatus.ACCEPTED


def test_an_unknown_order_is_given_up_after_a_day_and_frees_its_reservation(desk: Desk) -> None:
    order_id = lost(desk)
    desk.change("place_before = clock_timestamp() - interval '25 hours'", "order_id = %s", order_id)
    settle_order(desk.ctx, order_id)
    row = desk.row(order_id)
    assert (row["status"], row["reason_code"], row["reserved"], row["due_at"]) == ("rejected", "too_late", 0, None)


def test_a_second_request_that_was_not_taken_leaves_the_first_unknown(desk: Desk) -> None:
    order_id = lost(desk)
    desk.exchange.add_fault("429", method="POST", path="/v2/orders")
    settle_order(desk.ctx, order_id)
    row = desk.row(order_id)
    assert (row["status"], row["reserved"]) == ("unknown", Decimal(100))


def test_a_refusal_of_the_second_request_does_not_reject_the_first_that_arrived(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = lost(desk)
    real_send = placing.send

    def first_arrives_then_refused(*args: object) -> Timed:
        real_send(*args)  # type: ignore[arg-type]  # the first request, late
        return Timed(Rejected("insufficient_buying_power", "insufficient buying power", 403), 1, None)

    monkeypatch.setattr(settling, "send", first_arrives_then_refused)
    settle_order(desk.ctx, order_id)
    assert desk.status(order_id) is OrderStatus.UNKNOWN
    desk.expire_waits(order_id)
    settle_order(desk.ctx, order_id)
    assert desk.status(order_id) is OrderStatus.ACCEPTED
    assert desk.sent(order_id) == 1


def test_settling_without_budget_leaves_the_order_due(desk: Desk) -> None:
    order_id = lost(desk)
    desk.ctx.__dict__["budget"] = LocalRateBudget(desk.ctx.clock, {desk.account: 0.001})
    assert not desk.ctx.budget.take(desk.account, 2)
    before = desk.row(order_id)
    settle_order(desk.ctx, order_id)
    after = desk.row(order_id)
    assert (after["due_at"], after["fence"]) == (before["due_at"], before["fence"])


def test_an_overtaken_settler_does_not_reset_anothers_timer(desk: Desk) -> None:
    order_id = lost(desk)
    with desk.ctx.database.unit() as unit:
        frozen = claim_for_settling(unit, order_id, now=desk.ctx.clock.now(), origin=desk.ctx.origin)
    assert frozen is not None
    desk.expire_waits(order_id)
    desk.exchange.set_fills(delay_ms=0)
    settle_order(desk.ctx, order_id)
    desk.change("status = 'canceled', due_at = NULL", "order_id = %s", order_id)
    with desk.ctx.database.statement() as unit:
        record_no_answer(unit, attempt_of(desk, order_id, frozen.fence), "timeout", "late", origin=desk.ctx.origin)
    assert desk.row(order_id)["due_at"] is None


def test_an_order_that_was_claimed_meanwhile_is_not_put_off(desk: Desk) -> None:
    order_id = desk.request(limit="100")
    desk.change("status = 'rejected', due_at = NULL", "order_id = %s", order_id)
    event = Event(OrderEvent.DEFERRED, "claim", desk.ctx.clock.now(), success=False, reason_code="rate_budget")
    with desk.ctx.database.statement() as unit:
        defer(unit, order_id, event, wait=After(1), origin=desk.ctx.origin)
    assert desk.row(order_id)["due_at"] is None
    assert desk.events(order_id) == ["requested"]


@pytest.mark.requirement("ACC-002")
def test_a_market_sell_of_more_than_is_held_is_priced_and_placed(desk: Desk) -> None:
    order_id = desk.request(side="sell", symbol="MSFT")
    place_order(desk.ctx, order_id)
    row = desk.row(order_id)
    assert row["status"] != "requested"
    assert row["reason_code"] != "price_unavailable"


@pytest.mark.requirement("ACC-002")
def test_an_order_whose_cost_no_table_holds_is_refused_instead_of_waiting_for_ever(desk: Desk) -> None:
    order_id = desk.request(qty="1000000000", limit="100000")
    place_order(desk.ctx, order_id)
    row = desk.row(order_id)
    assert (row["status"], row["reason_code"], row["due_at"]) == ("rejected", "cost_too_large", None)


def test_an_order_not_taken_at_first_is_requested_again(desk: Desk) -> None:
    order_id = desk.request(limit="100")
    desk.exchange.add_fault("429", method="POST", path="/v2/orders")
    assert place_order(desk.ctx, order_id) is not None
    assert desk.status(order_id) is OrderStatus.REQUESTED
