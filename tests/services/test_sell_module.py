"""The seller's switch: who turned it, one tick at a time, ticks on record for a week (TRD-002)."""

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from services.origin import Stamp
from services.sell_module import (
    ControlResult,
    SellAction,
    Switch,
    TickRecord,
    begin_tick,
    control,
    end_tick,
    follow_configuration,
    read_switch,
)
from tests.support.house import TEST_ORIGIN, Bed

INTERVAL = dt.timedelta(seconds=5)
LONG = dt.timedelta(hours=1)


@pytest.fixture
def bed(quiet: Bed) -> Iterator[Bed]:
    """A house where nobody has touched the switch."""
    forget(quiet)
    yield quiet
    forget(quiet)


def forget(bed: Bed) -> None:
    with bed.database.statement() as unit:
        unit.run(
            "UPDATE trading.sell_module SET running = false, configured = false, changed_by = 'nobody', "
            "started_at = NULL, tick_begun_at = NULL, tick_ended_at = NULL, tick_process = NULL"
        )
        unit.run("DELETE FROM trading.sell_ticks")


def stamp(actor: str = "alice") -> Stamp:
    return Stamp(SYSTEM_CLOCK.now(), SYSTEM_IDS, replace(TEST_ORIGIN, actor=actor))


def switch(bed: Bed) -> Switch:
    with bed.database.unit() as unit:
        return read_switch(unit)


def act(bed: Bed, action: SellAction, actor: str = "alice") -> ControlResult:
    with bed.database.unit() as unit:
        return control(unit, action, stamp(actor))


def configure(bed: Bed, *, enabled: bool) -> Switch:
    with bed.database.unit() as unit:
        follow_configuration(unit, enabled, stamp("worker"))
        return read_switch(unit)


def begin(bed: Bed, process: str = "worker-sell:1", interval: dt.timedelta = INTERVAL) -> Switch | None:
    with bed.database.unit() as unit:
        return begin_tick(unit, interval=interval, process=process)


def changes(bed: Bed) -> list[Any]:
    with bed.database.statement() as unit:
        return list(
            unit.rows("SELECT * FROM audit.config_changes WHERE subject LIKE 'sell_module.%%' ORDER BY recorded_at")
        )


def age_tick(bed: Bed, seconds: float) -> None:
    with bed.database.statement() as unit:
        unit.run(
            "UPDATE trading.sell_module SET tick_begun_at = clock_timestamp() - make_interval(secs => %(s)s)",
            {"s": seconds},
        )


def test_it_is_off_until_somebody_says_otherwise(bed: Bed) -> None:
    read = switch(bed)
    assert (read.running, read.started_at, read.tick_begun_at) == (False, None, None)
    assert begin(bed) is None


def test_who_starts_and_stops_it_is_on_record_with_the_old_and_the_new(bed: Bed) -> None:
    before = len(changes(bed))
    assert act(bed, SellAction.START).changed
    started = switch(bed)
    assert started.running
    assert started.changed_by == "alice"
    assert started.started_at == started.changed_at

    assert act(bed, SellAction.STOP, "bob").changed
    stopped = switch(bed)
    assert (stopped.running, stopped.started_at, stopped.changed_by) == (False, None, "bob")
    assert [(row.subject, row.actor, row.old["running"], row.new["running"]) for row in changes(bed)[before:]] == [
        ("sell_module.start", "alice", False, True),
        ("sell_module.stop", "bob", True, False),
    ]


def test_a_start_of_what_runs_is_no_change(bed: Bed) -> None:
    act(bed, SellAction.START)
    before = len(changes(bed))
    again = act(bed, SellAction.START, "bob")
    assert not again.changed
    assert again.after.changed_by == "alice"
    assert len(changes(bed)) == before


def test_a_restart_starts_what_is_off_and_raises_the_generation(bed: Bed) -> None:
    before = switch(bed)
    result = act(bed, SellAction.RESTART)
    assert result.changed
    assert result.after.running
    assert result.after.generation == before.generation + 1
    assert act(bed, SellAction.RESTART).after.generation == before.generation + 2


def test_a_changed_configuration_is_a_start_or_a_stop_by_the_configuration(bed: Bed) -> None:
    before = len(changes(bed))
    assert configure(bed, enabled=True).running
    assert not configure(bed, enabled=False).running
    assert [(row.subject, row.actor) for row in changes(bed)[before:]] == [
        ("sell_module.start", "configuration"),
        ("sell_module.stop", "configuration"),
    ]


def test_what_an_operator_said_stays_while_the_configuration_stays(bed: Bed) -> None:
    configure(bed, enabled=True)
    act(bed, SellAction.STOP)
    assert not configure(bed, enabled=True).running
    assert switch(bed).changed_by == "alice"


def test_a_changed_configuration_that_says_what_is_so_already_changes_nothing(bed: Bed) -> None:
    act(bed, SellAction.START)
    before = len(changes(bed))
    assert configure(bed, enabled=True).changed_by == "alice"
    assert len(changes(bed)) == before
    assert not configure(bed, enabled=False).running  # and the next change counts from there


def test_a_tick_is_not_taken_before_the_interval_is_over(bed: Bed) -> None:
    act(bed, SellAction.START)
    taken = begin(bed, "worker-sell:1")
    assert taken is not None
    assert (taken.tick_process, taken.tick_ended_at) == ("worker-sell:1", None)
    assert taken.tick_begun_at is not None
    assert begin(bed, "worker-sell:2", LONG) is None
    age_tick(bed, 4)
    assert begin(bed) is None
    age_tick(bed, 4.8)  # a beat a little early
    assert begin(bed) is not None


def test_a_clock_that_was_set_back_stops_no_ticks(bed: Bed) -> None:
    act(bed, SellAction.START)
    age_tick(bed, -3600)
    assert begin(bed) is not None


def test_of_eight_beats_at_once_one_has_the_tick(bed: Bed) -> None:
    act(bed, SellAction.START)
    gate = threading.Barrier(8)

    def beat(number: int) -> Switch | None:
        gate.wait()
        return begin(bed, f"worker-sell:{number}", LONG)

    with ThreadPoolExecutor(8) as pool:
        taken = [one for one in pool.map(beat, range(8)) if one is not None]
    assert len(taken) == 1


def test_no_tick_is_taken_while_it_is_stopped(bed: Bed) -> None:
    act(bed, SellAction.START)
    act(bed, SellAction.STOP)
    assert begin(bed) is None


def tick(**more: Any) -> TickRecord:
    values: dict[str, Any] = {
        "tick_id": SYSTEM_IDS.new(),
        "begun_at": SYSTEM_CLOCK.now(),
        "total_ms": 12.34567,
        "price_ms": 3,
        "degraded": False,
        "process": "worker-sell:1",
        "accounts": 2,
        "positions": 5,
        "requests": 2,
        "exits": 1,
        "failures": {"stale": 2},
    }
    return TickRecord(**(values | more))


def test_a_tick_that_ends_is_one_row_however_often_it_is_written(bed: Bed) -> None:
    act(bed, SellAction.START)
    begin(bed)
    done = tick()
    with bed.database.unit() as unit:
        end_tick(unit, done)
        end_tick(unit, done)
        (row,) = unit.rows("SELECT * FROM trading.sell_ticks")
    assert (float(row.total_ms), row.failures, row.error, row.positions) == (12.346, {"stale": 2}, None, 5)
    ended = switch(bed)
    assert ended.tick_ended_at is not None
    assert ended.tick_begun_at is not None
    assert ended.tick_ended_at > ended.tick_begun_at


def test_ticks_are_forgotten_after_a_week(bed: Bed) -> None:
    now = SYSTEM_CLOCK.now()
    with bed.database.unit() as unit:
        end_tick(unit, tick(begun_at=now - dt.timedelta(days=8)))
        end_tick(unit, tick(begun_at=now - dt.timedelta(days=6)))
        end_tick(unit, tick(begun_at=now))
        rows = unit.rows("SELECT begun_at FROM trading.sell_ticks ORDER BY begun_at")
    assert [(now - row.begun_at).days for row in rows] == [6, 0]
