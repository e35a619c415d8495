"""No position is sold twice: two sellers, a slow tick, an owner who says no, a database that is away (R19-R21)."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.exits import Moment
from domain.ids import broker_client_id
from domain.orders import Side
from services.exits import PlannedExit, exit_order_id, place_exit
from tasks import sell_degraded
from tasks.placing import place_order
from tasks.sell_decisions import decisions, plan
from tasks.sell_prices import Priced
from tasks.settling import settle_order
from tests.support.house import Bed, events, kinds, make_due, request, until
from tests.support.selling import CALL, Desk, desk_of

pytestmark = pytest.mark.requirement("TRD-002")


@pytest.fixture
def desk(quiet: Bed) -> Iterator[Desk]:
    made = desk_of(quiet)
    made.hold(CALL, "5", "1")
    made.quote(CALL, "1")
    made.tick()
    made.quote(CALL, "2")
    yield made
    made.close()
    quiet.exchange.remove_faults()
    quiet.exchange.set_fills(symbol=CALL, never=None)


def planned(desk: Desk) -> PlannedExit:
    """Return what a tick would write now."""
    ctx, lots = desk.ctx, desk.lots()
    prices = desk.seller.prices.read(
        ctx, [Priced(one.account, one.lot) for one in lots], ctx.settings.sell_module.price_rules
    )
    (decided,) = decisions(ctx.settings, lots, prices, Moment(ctx.clock.now(), None))
    found = plan(ctx.settings, decided, ctx.clock.now())
    assert found is not None
    return found


def write(desk: Desk, exit_: PlannedExit) -> bool:
    with desk.ctx.database.unit() as unit:
        return place_exit(unit, exit_, total_ms=0, origin=desk.ctx.origin)


def test_two_sellers_that_tick_at_once_are_one_tick(desk: Desk) -> None:
    sellers = [desk.seller, desk.another(), desk.another()]
    desk.rest()
    began: list[bool] = []
    barrier = threading.Barrier(len(sellers))

    def tick(number: int) -> None:
        barrier.wait(10)
        began.append(sellers[number].tick())

    threads = [threading.Thread(target=tick, args=(number,)) for number in range(len(sellers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in sellers[1:]:
        other.close()
    assert sorted(began) == [False, False, True]
    assert len(desk.exits()) == 1


def test_a_slow_tick_that_decides_what_another_has_written_writes_nothing(desk: Desk) -> None:
    slow = planned(desk)
    assert desk.tick()
    assert not write(desk, slow)
    desk.told()
    assert not write(desk, slow)
    assert not write(desk, replace(slow, attempt=1, decided_at=desk.ctx.clock.now()))
    assert desk.at_exchange() == [(CALL, "sell", "5")]


def test_an_attempt_waits_until_the_one_before_has_ended(desk: Desk) -> None:
    desk.bed.exchange.set_fills(symbol=CALL, never=True)
    desk.tick()
    (first,) = desk.exits()
    assert not write(desk, replace(planned_again(desk, first.lot_id), attempt=2))
    assert len(desk.exits()) == 1


def planned_again(desk: Desk, lot_id: object) -> PlannedExit:
    """Return a second exit of a lot, as one would plan it who had not heard of the first."""
    (watched,) = [one for one in desk.lots() if one.lot.lot_id == lot_id]
    lots = [replace(watched, lot=replace(watched.lot, busy_qty=watched.lot.qty * 0), last_exit=None)]
    prices = desk.seller.prices.read(
        desk.ctx, [Priced(one.account, one.lot) for one in lots], desk.ctx.settings.sell_module.price_rules
    )
    (decided,) = decisions(desk.ctx.settings, lots, prices, Moment(desk.ctx.clock.now(), None))
    found = plan(desk.ctx.settings, decided, desk.ctx.clock.now(), attempt=2)
    assert found is not None
    return found


def test_an_owner_who_says_no_after_the_decision_is_heard(desk: Desk) -> None:
    decided = planned(desk)
    with desk.ctx.database.statement() as unit:
        unit.run(
            "UPDATE trading.lots SET auto_sell_enabled = false WHERE lot_id = %(id)s",
            {"id": decided.decision.lot.lot_id},
        )
    assert not write(desk, decided)


def test_more_than_is_held_is_denied_at_the_claim(desk: Desk) -> None:
    greedy = planned(desk)
    assert write(desk, replace(greedy, terms=replace(greedy.terms, qty=greedy.decision.qty + 1)))
    place_order(desk.ctx, greedy.order_id)
    (exit_,) = desk.exits()
    assert (exit_.status, exit_.reason_code) == ("rejected", "nothing_to_close")
    assert desk.at_exchange() == []


@pytest.mark.requirement("FR-005")
def test_an_exit_says_on_record_why_it_was_sent_and_that_it_is_exempt(desk: Desk) -> None:
    desk.tick()
    (exit_,) = desk.exits()
    requested, submitting, *_ = events(desk.ctx, exit_.order_id)
    said = requested.detail["exit"]
    assert (said["reason"], said["message"], said["held"], said["attempt"]) == ("take_profit", exit_.message, "5", 1)
    assert said.keys() >= {"lot_id", "inputs", "entry_price", "price", "price_at", "price_source"}
    checks = submitting.detail["checks"]
    assert checks["minimum_balance"]["exempt"] == "an exit of the sell module"
    assert (checks["reduce_only"]["closable_qty"], checks["reduce_only"]["qty"]) == ("5", "5")


def test_what_was_sold_without_the_database_is_on_record_once_it_is_back(desk: Desk) -> None:
    with desk.without_store():
        assert desk.degraded_tick()
        assert desk.degraded_tick()
    assert desk.at_exchange() == [(CALL, "sell", "5")]
    desk.tick()
    (exit_,) = desk.exits()
    assert (exit_.degraded, exit_.reason, exit_.status) == (True, "take_profit", "unknown")
    requested, sent, *_ = events(desk.ctx, exit_.order_id)
    assert requested.detail["exit"]["reason"] == "take_profit"
    assert sent.detail["checks"]["minimum_balance"]["exempt"] == "an exit of the sell module"
    settle(desk, exit_.order_id)
    assert [row.status for row in desk.told()] == ["filled"]
    assert kinds(desk.ctx, exit_.order_id)[:3] == ["requested", "submitting", "unknown"]
    desk.tick()
    assert desk.at_exchange() == [(CALL, "sell", "5")]
    with desk.ctx.database.statement() as unit:
        (row,) = unit.rows(
            "SELECT success, network_ms FROM audit.operations "
            "WHERE operation = 'degraded_exit' AND account_name = %(name)s",
            {"name": desk.account},
        )
    assert row.success
    assert row.network_ms > 0


def statuses(desk: Desk) -> list[str]:
    return [entry["status"] for entry in desk.bed.exchange.ledger(desk.account)["orders"]]


def settle(desk: Desk, order_id: object) -> None:
    make_due(desk.ctx, order_id)  # type: ignore[arg-type]  # a row's
    settle_order(desk.ctx, order_id)  # type: ignore[arg-type]  # likewise


def test_an_exit_that_both_ways_have_sent_is_one_order(desk: Desk) -> None:
    exit_ = planned(desk)
    assert write(desk, exit_)  # and nobody had the time to send it
    with desk.without_store():
        desk.degraded_tick()
    assert desk.at_exchange() == [(CALL, "sell", "5")]
    desk.tick()  # writes what was spooled, and sends what was written
    settle(desk, exit_.order_id)
    assert [row.status for row in desk.told()] == ["filled"]
    assert desk.at_exchange() == [(CALL, "sell", "5")]


def test_who_comes_after_a_crash_sends_the_same_id_again_or_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The worker dies here."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    with desk.without_store(), monkeypatch.context() as patched:
        patched.setattr(sell_degraded, "send", die)
        with pytest.raises(Killed):
            desk.degraded_tick()
    assert desk.at_exchange() == []
    (lot,) = desk.lots()
    successor = desk.another()
    successor.store._is_away.set()
    assert successor.tick()
    successor.close()
    ((entry),) = desk.bed.exchange.ledger(desk.account)["orders"]
    assert entry["client_order_id"] == broker_client_id(exit_order_id(lot.lot.lot_id, 1))
    third = desk.another()
    third.store._is_away.set()
    third.tick()
    third.close()
    assert len(desk.at_exchange()) == 1


def test_what_works_at_the_broker_already_is_not_sold_again(desk: Desk) -> None:
    desk.bed.exchange.set_fills(symbol=CALL, never=True)
    desk.tick()
    with desk.without_store():
        desk.degraded_tick()
        desk.degraded_tick()
    assert desk.at_exchange() == [(CALL, "sell", "5")]


def test_an_order_that_fills_between_the_two_looks_frees_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.configure(stocks=True)
    desk.quote(CALL, "1")
    desk.quote("KO", "10")
    desk.hold("KO", "7", "10")
    manual = request(desk.ctx, symbol="KO", side=Side.SELL, qty=Decimal(7), limit_price=Decimal(9999))
    place_order(desk.ctx, manual)
    desk.tick()
    desk.quote("KO", "20")
    broker = desk.ctx.broker(desk.account)

    def then_fill(look: Callable[[], Sequence[Any]]) -> Callable[[], Sequence[Any]]:
        def looked() -> Sequence[Any]:
            found = list(look())
            desk.bed.exchange.release(account=desk.account, symbol="KO")  # whichever look is the first
            return found

        return looked

    for name in ("open_orders", "positions"):
        monkeypatch.setattr(broker, name, then_fill(getattr(broker, name)))
    with desk.without_store():
        desk.degraded_tick()
    assert desk.at_exchange() == [("KO", "sell", "7")]


def test_nothing_is_sent_that_cannot_be_written_down(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(desk.ctx.spool), "keep", lambda *_: False)
    with desk.without_store():
        desk.degraded_tick()
    assert desk.at_exchange() == []


def test_an_order_whose_time_is_over_is_cancelled_without_the_database(desk: Desk) -> None:
    desk.configure(order_type="limit", order_cancel_minutes="0.001")
    desk.bed.exchange.set_fills(symbol=CALL, never=True)
    desk.tick()
    desk.quote(CALL, "1")
    desk.tick()  # the snapshot knows of the order now
    with desk.without_store():
        until(lambda: desk.degraded_tick() and statuses(desk) == ["canceled"])
    assert desk.at_exchange() == [(CALL, "sell", "5")]


def test_a_seller_that_was_switched_off_sells_nothing_without_the_database(desk: Desk) -> None:
    desk.configure(enabled=False)
    desk.tick()
    with desk.without_store():
        desk.degraded_tick()
    assert desk.at_exchange() == []


def test_a_snapshot_outlives_its_process(desk: Desk) -> None:
    desk.quote(CALL, "1")
    desk.tick()
    desk.quote(CALL, "2")
    successor = desk.another()
    successor.store._is_away.set()
    successor.tick()
    successor.close()
    assert desk.at_exchange() == [(CALL, "sell", "5")]


def test_a_restart_that_was_asked_for_ends_the_worker_once(desk: Desk) -> None:
    with desk.ctx.database.statement() as unit:
        unit.run("UPDATE trading.sell_module SET generation = generation + 1")
    assert not desk.tick()
    assert desk.restarts == ["restart"]
