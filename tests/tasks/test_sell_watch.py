"""A seller that stands still is told, ended by force and on record; one that sells on without Postgres is left alone.

MON-002. The workers here are processes that sleep: what the watch looks at is a file, /proc and a row.
"""

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from config.clock import SYSTEM_CLOCK
from domain.clock import Clock
from events.heartbeat import age, beat
from tasks import sell_process
from tasks.context import Context
from tasks.sell_alerts import tell_prices
from tasks.sell_guard import guard
from tasks.sell_process import SellProcess, kill, lives, read_process
from tasks.sell_watch import SellWatch
from tasks.spooling import replay
from tests.support.house import Bed, until

pytestmark = pytest.mark.requirement("MON-002")

SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)", "tasks.worker", "sell")


class LaterClock(Clock):
    """The machine's clock, `ahead_ms` later."""

    ahead_ms = 0.0

    def now(self) -> dt.datetime:
        return SYSTEM_CLOCK.now()

    def monotonic_ms(self) -> float:
        return SYSTEM_CLOCK.monotonic_ms() + self.ahead_ms


@dataclass
class Post:
    """A watch whose looks the test takes, beside workers that the test makes and ends."""

    bed: Bed
    ctx: Context
    clock: LaterClock
    watch: SellWatch
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def look(self, *, later_s: float = 0, postgres: bool = True) -> None:
        self.clock.ahead_ms += later_s * 1000
        self.watch.look(self.bed.database if postgres else None)
        if postgres:
            replay(self.bed.database, self.ctx.spool, self.ctx.ids)

    def worker(self) -> "subprocess.Popen[bytes]":
        """Start a worker that enters as the real one does."""
        made = subprocess.Popen(SLEEPER)
        self.workers.append(made)
        before = read_process(self.ctx.settings.home)
        started = sell_process._started(made.pid)
        assert started is not None
        crashed = before is not None and not lives(before)
        self.say(SellProcess(made.pid, started, after_crash=crashed))
        beat(self.ctx.settings.home)
        return made

    def say(self, worker: SellProcess) -> None:
        text = f'{{"pid": {worker.pid}, "started": {worker.started}, "after_crash": {str(worker.after_crash).lower()}}}'
        self.ctx.settings.home.run.mkdir(exist_ok=True)
        (self.ctx.settings.home.run / "worker-sell.pid").write_text(text)

    def silent(self, seconds: float) -> None:
        """Let the last beat be so long ago."""
        said = f"{SYSTEM_CLOCK.monotonic_ms() - seconds * 1000:020.0f}\n"
        (self.ctx.settings.home.run / "worker-sell.alive").write_text(said)

    def switch(self, *, running: bool = True, tick_s: float | None = 1, ended: bool = True, by: int = 1) -> None:
        with self.bed.database.unit() as unit:
            unit.run(
                "INSERT INTO trading.sell_module (running, configured, changed_at, changed_by) "
                "VALUES (false, false, clock_timestamp(), 'test') ON CONFLICT DO NOTHING"
            )
            unit.run(
                "UPDATE trading.sell_module SET running = %(running)s, "
                "started_at = clock_timestamp() - make_interval(secs => %(started)s), "
                "tick_begun_at = clock_timestamp() - make_interval(secs => %(tick)s), "
                "tick_ended_at = CASE WHEN %(ended)s THEN clock_timestamp() END, tick_process = %(process)s",
                {"running": running, "started": 900, "tick": tick_s, "ended": ended, "process": f"worker-sell:{by}"},
            )

    def alerts(self, kind: str = "sell_module_stopped") -> list[Any]:
        with self.bed.database.statement() as unit:
            return list(
                unit.rows(
                    "SELECT * FROM trading.notifications WHERE kind = %(kind)s AND occurred_at >= %(since)s "
                    "ORDER BY occurred_at",
                    {"kind": kind, "since": self.since},
                )
            )

    def restarts(self) -> list[Any]:
        with self.bed.database.statement() as unit:
            return list(
                unit.rows(
                    "SELECT * FROM audit.operations WHERE operation = 'sell_module_restarted' "
                    "AND occurred_at >= %(since)s ORDER BY occurred_at",
                    {"since": self.since},
                )
            )

    since: dt.datetime = field(default_factory=SYSTEM_CLOCK.now)


@pytest.fixture
def post(quiet: Bed) -> Iterator[Post]:
    ctx = quiet.context(read=False)
    ctx.settings = ctx.settings.model_copy(update={"process": "relay-of-a-test"})
    ctx.clock = clock = LaterClock()
    made = Post(quiet, ctx, clock, SellWatch(ctx))
    made.switch()
    made.worker()
    made.look()
    yield made
    for worker in made.workers:
        worker.kill()
        worker.wait()
    for name in ("worker-sell.pid", "worker-sell.alive"):
        (ctx.settings.home.run / name).unlink(missing_ok=True)
    with quiet.database.statement() as unit:
        unit.run("UPDATE trading.sell_module SET running = false, tick_begun_at = NULL, tick_ended_at = NULL")
        unit.run("UPDATE trading.notifications SET resolved_at = now() WHERE subject = 'sell_module'")


def has_ended(worker: "subprocess.Popen[bytes]") -> bool:
    return worker.poll() == -signal.SIGKILL


def test_a_seller_that_ticks_is_left_alone(post: Post) -> None:
    post.look(later_s=60)
    assert (post.alerts(), post.restarts(), post.workers[0].poll()) == ([], [], None)


def test_a_frozen_worker_is_told_ended_by_force_and_its_restart_recorded(post: Post) -> None:
    frozen = post.workers[0]
    os.kill(frozen.pid, signal.SIGSTOP)
    post.silent(11)
    post.switch(tick_s=12)
    post.look(later_s=60)
    (alert,) = post.alerts()
    assert (alert.severity, alert.resolved_at, alert.detail["reason"]) == ("critical", None, "worker_silent")
    until(lambda: has_ended(frozen))

    new = post.worker()
    post.look()
    post.switch(tick_s=1)
    post.look()
    (restart,) = post.restarts()
    assert (restart.reason_code, restart.detail["pid"]) == ("killed_by_watch", new.pid)
    assert 12 <= restart.detail["last_tick_s"] <= 80
    (alert,) = post.alerts()
    assert (alert.times, alert.resolved_at is None) == (1, False)
    assert new.poll() is None


def test_a_killed_worker_is_told_and_recorded_however_quickly_it_is_back(post: Post) -> None:
    post.workers[0].kill()
    post.workers[0].wait()
    new = post.worker()
    post.look()
    (restart,) = post.restarts()
    assert (restart.reason_code, restart.detail["pid"]) == ("worker_ended", new.pid)
    assert post.alerts()[0].detail["reason"] == "worker_ended"
    post.look()
    assert post.alerts()[0].resolved_at is not None
    assert (len(post.restarts()), new.poll()) == (1, None)


def test_a_worker_whose_last_beat_was_late_is_known_by_its_tick(post: Post) -> None:
    post.silent(15)
    post.switch(tick_s=11, by=post.workers[0].pid)
    post.look(later_s=60)
    until(lambda: has_ended(post.workers[0]))


def test_a_worker_that_is_gone_is_told_at_once(post: Post) -> None:
    post.workers[0].kill()
    post.workers[0].wait()
    post.look()
    assert [alert.detail["reason"] for alert in post.alerts()] == ["worker_gone"]


def test_a_worker_that_ended_in_order_has_half_a_minute_to_be_back(post: Post) -> None:
    post.workers[0].kill()
    post.workers[0].wait()
    (post.ctx.settings.home.run / "worker-sell.pid").unlink()
    post.silent(20)
    post.switch(tick_s=22)
    post.look(later_s=60)
    assert (post.alerts(), post.restarts()) == ([], [])
    post.silent(31)
    post.switch(tick_s=32)
    post.look()
    assert [alert.detail["reason"] for alert in post.alerts()] == ["worker_silent"]


def test_a_worker_that_has_just_come_has_time_for_its_first_tick_and_ends_the_alert_with_it(post: Post) -> None:
    post.switch(tick_s=100)
    post.look(later_s=16)
    post.worker()
    post.look(later_s=14)
    assert (post.workers[1].poll(), post.alerts()[0].resolved_at) == (None, None)
    post.switch(tick_s=1)
    post.look()
    assert post.alerts()[0].resolved_at is not None


def test_a_worker_with_a_heartbeat_and_no_ticks_is_ended_too(post: Post) -> None:
    post.switch(tick_s=100)
    post.look(later_s=16)
    assert post.alerts()[0].detail["reason"] == "no_tick"
    until(lambda: has_ended(post.workers[0]))


def test_at_most_one_worker_is_ended_in_twenty_seconds(post: Post) -> None:
    post.silent(11)
    post.switch(tick_s=30)
    post.look(later_s=60)
    until(lambda: has_ended(post.workers[0]))
    second = post.worker()
    post.silent(11)
    post.look(later_s=16)
    assert second.poll() is None
    post.silent(15)
    post.look(later_s=5)
    until(lambda: has_ended(second))
    assert [alert.times for alert in post.alerts()] == [1]


def test_a_slow_tick_at_work_is_waited_for(post: Post) -> None:
    post.switch(tick_s=40, ended=False)
    post.look(later_s=30)
    assert (post.alerts(), post.workers[0].poll()) == ([], None)


def test_without_postgres_the_heartbeat_alone_decides(post: Post) -> None:
    post.look(later_s=300, postgres=False)
    post.look(postgres=False)
    assert post.workers[0].poll() is None
    assert post.ctx.spool.read().lines == []

    os.kill(post.workers[0].pid, signal.SIGSTOP)
    post.silent(11)
    post.look(postgres=False)
    until(lambda: has_ended(post.workers[0]))
    post.worker()
    post.look(postgres=False)
    assert [line["what"] for line in post.ctx.spool.read().lines] == ["raise", "operation"]
    post.look()
    assert (len(post.alerts()), len(post.restarts())) == (1, 1)


def test_an_outage_of_postgres_is_no_reason_to_end_who_sold_on(post: Post) -> None:
    post.look(later_s=60, postgres=False)
    post.switch(tick_s=60)  # the last one before the outage
    post.look(later_s=1)
    assert (post.alerts(), post.workers[0].poll()) == ([], None)


def test_a_seller_on_another_machine_is_told_of_and_nobody_is_killed(post: Post) -> None:
    post.silent(300)
    post.switch(tick_s=100)
    post.look(later_s=60)
    assert post.alerts()[0].detail["reason"] == "no_tick"
    assert (post.workers[0].poll(), post.restarts()) == (None, [])
    post.switch(tick_s=1)
    post.look()
    (restart,) = post.restarts()
    assert (restart.reason_code, restart.detail["last_tick_s"] >= 100) == ("back_elsewhere", True)


def test_the_guard_of_a_container_ends_a_worker_that_stands_still_and_no_other(post: Post) -> None:
    home = post.ctx.settings.home
    assert guard(home)
    post.silent(11)
    assert not guard(home)
    until(lambda: has_ended(post.workers[0]))
    assert not guard(home)  # not there yet


def test_what_is_switched_off_may_stand_still(post: Post) -> None:
    post.switch(running=False, tick_s=600)
    post.silent(600)
    post.look(later_s=60)
    assert post.alerts() == []


def test_an_alert_of_an_earlier_watch_is_closed_when_all_is_well(post: Post) -> None:
    post.switch(tick_s=100)
    post.look(later_s=30)
    assert post.alerts()[0].resolved_at is None
    post.worker()
    post.switch(tick_s=1)
    other = SellWatch(post.ctx)
    other.look(post.bed.database)
    replay(post.bed.database, post.ctx.spool, post.ctx.ids)
    assert post.alerts()[0].resolved_at is not None


def test_another_process_under_its_pid_is_never_hit(post: Post) -> None:
    worker = post.workers[0]
    said = read_process(post.ctx.settings.home)
    assert said is not None
    assert not kill(SellProcess(worker.pid, said.started - 1))
    other = subprocess.Popen((sys.executable, "-c", "import time; time.sleep(60)"))
    post.workers.append(other)
    started = sell_process._started(other.pid)
    assert started is not None
    assert not kill(SellProcess(other.pid, started))
    assert (worker.poll(), other.poll()) == (None, None)


def test_a_worker_says_which_it_is_until_it_leaves(post: Post) -> None:
    home = post.ctx.settings.home
    post.workers[0].kill()
    post.workers[0].wait()
    sell_process.enter(home)
    mine = read_process(home)
    assert mine is not None
    assert (mine.pid, mine.after_crash, lives(mine)) == (os.getpid(), True, True)
    assert (home.run / "worker-sell.pid").stat().st_mode & 0o777 == 0o600
    sell_process.leave(home)
    assert read_process(home) is None


def test_a_beat_of_an_earlier_start_of_the_machine_says_nothing(post: Post) -> None:
    post.silent(-3600)
    assert age(post.ctx.settings.home) is None
    beat(post.ctx.settings.home)
    found = age(post.ctx.settings.home)
    assert found is not None
    assert found < 60


def test_three_ticks_without_any_price_are_an_alert_until_one_is_back(post: Post) -> None:
    kind = "sell_prices_unavailable"
    for _ in range(2):
        tell_prices(post.ctx, 3, {"stale": 2, "missing": 1})
    tell_prices(post.ctx, 3, {"stale": 2})
    for _ in range(2):
        tell_prices(post.ctx, 3, {"unavailable": 3})
    assert post.alerts(kind) == []
    tell_prices(post.ctx, 3, {"unavailable": 3})
    tell_prices(post.ctx, 3, {"unavailable": 3})
    (alert,) = post.alerts(kind)
    assert (alert.times, alert.severity, alert.detail["unavailable"]) == (1, "critical", 3)
    tell_prices(post.ctx, 0, {})
    assert post.alerts(kind)[0].resolved_at is not None
