"""What is lost and back is told once, without it too: spool, alert, audit row, event (UC-SYSTEM-002)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from config.redis_names import SYSTEM_STATUS, SYSTEM_STATUS_CHANNEL
from domain.alerts import Severity
from domain.breaker import BreakerRules
from domain.system_status import DEGRADED, OPERATIONAL
from events.breakers import BreakerBoard
from events.spool import Spool
from events.system_status import StatusChannel
from models.session import Database
from services.alerts import Alert
from services.origin import Stamp
from services.spooled import raised
from tasks.alerting import settle_alerts
from tasks.context import Context
from tasks.spooling import replay
from tasks.watching import Watch
from tests.support.house import Bed, account_of, order, request
from tests.support.ports import free_port

NOWHERE = "postgresql://nobody@127.0.0.1:{}/nothing"


@dataclass
class Post:
    """A watch whose looks the test takes, and what was heard on the channel since."""

    bed: Bed
    ctx: Context
    watch: Watch
    pubsub: Any

    @property
    def name(self) -> str:
        return self.ctx.settings.accounts[0].name

    def looks(self, number: int = 2) -> None:
        for _ in range(number):
            self.watch.look()

    def heard(self) -> list[dict[str, Any]]:
        found = []
        while (message := self.pubsub.get_message(timeout=0.2)) is not None:
            found.append(json.loads(message["data"]))
        return found

    def alerts(self, kind: str, subject: str) -> list[Any]:
        return self.rows("trading.notifications", "occurred_at", kind=kind, subject=subject)

    def operations(self) -> list[str]:
        rows = self.rows("audit.operations", "recorded_at", account_name=self.name)
        return [row.operation for row in rows if row.operation.startswith("breaker_")]

    def rows(self, table: str, by: str, **where: str) -> list[Any]:
        conditions = " AND ".join(f"{name} = %({name})s" for name in where)
        with self.bed.database.statement() as unit:
            return list(unit.rows(f"SELECT * FROM {table} WHERE {conditions} ORDER BY {by}", where))  # noqa: S608  ours


@pytest.fixture
def post(quiet: Bed) -> Iterator[Post]:
    ctx = quiet.context()
    ctx.settings = ctx.settings.model_copy(update={"process": f"watch-{account_of(ctx).name}"})
    store = redis.Redis.from_url(quiet.runtime.redis_url, decode_responses=True)
    store.delete(SYSTEM_STATUS)
    pubsub = store.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis types half of itself
    pubsub.subscribe(SYSTEM_STATUS_CHANNEL)
    pubsub.get_message(timeout=1)
    watch = Watch(ctx)
    watch.look()
    yield Post(quiet, ctx, watch, pubsub)
    watch.stop()
    pubsub.close()
    store.close()


def test_a_start_that_finds_everything_well_says_nothing(post: Post) -> None:
    post.looks()
    assert post.heard() == []


def test_a_broker_that_is_lost_and_back_is_told_once_each(post: Post) -> None:
    order_id = request(post.ctx)
    with post.bed.database.statement() as unit:
        unit.run(
            "UPDATE trading.orders SET due_at = clock_timestamp() + interval '50 s' WHERE order_id = %(id)s",
            {"id": order_id},
        )
    post.ctx.breaker.follow(BreakerRules(failures=1, window_ms=30_000, pause_ms=60_000))
    post.ctx.breaker.met(post.name, "timeout")
    post.looks(3)
    (alert,) = post.alerts("broker_unavailable", post.name)
    assert (alert.severity, alert.resolved_at, alert.times) == ("critical", None, 1)
    assert alert.account_id == account_of(post.ctx).account_id
    assert "timeout" in alert.detail["why"]
    assert post.operations() == ["breaker_opened"]
    (event,) = post.heard()
    assert (event["message"], event["parts"]["brokers_unavailable"]) == (DEGRADED, 1)
    assert post.name not in json.dumps(event)
    assert order(post.ctx, order_id).hints == 0
    before = order(post.ctx, order_id).due_at
    post.ctx.breaker.met(post.name, None)
    post.looks(3)
    (alert,) = post.alerts("broker_unavailable", post.name)
    assert alert.resolved_at is not None
    assert post.operations() == ["breaker_opened", "breaker_closed"]
    assert [event["message"] for event in post.heard()] == [OPERATIONAL]
    assert order(post.ctx, order_id).due_at < before  # its entries need not wait for the pause's end


def test_a_breaker_that_opened_and_closed_between_two_looks_is_told(post: Post) -> None:
    post.ctx.breaker.follow(BreakerRules(failures=1, window_ms=30_000, pause_ms=60_000))
    post.ctx.breaker.met(post.name, "timeout")
    post.ctx.breaker.met(post.name, None)
    post.looks()
    (alert,) = post.alerts("broker_unavailable", post.name)
    assert alert.resolved_at is not None
    assert post.operations() == ["breaker_opened", "breaker_closed"]


def without_postgres(post: Post) -> Database:
    """Take the watch's database away; return it, to be given back."""
    before = post.watch._database
    post.watch._database = Database(NOWHERE.format(free_port()), application_name="test", pool_size=1)
    return before


def test_an_outage_of_postgres_is_told_without_it_and_written_once_after(post: Post) -> None:
    known = len(post.alerts("database_unavailable", "postgres"))
    before = without_postgres(post)
    post.looks(1)
    assert post.ctx.spool.read().lines == []  # one look may be a busy machine
    post.looks(3)
    assert [line["alert"]["kind"] for line in post.ctx.spool.read().lines] == ["database_unavailable"]
    assert len(post.alerts("database_unavailable", "postgres")) == known
    assert [(event["message"], event["parts"]["database"]) for event in post.heard()] == [(DEGRADED, "down")]
    post.watch._database.dispose()
    post.watch._database = before
    post.looks()
    alert = post.alerts("database_unavailable", "postgres")[-1]
    assert len(post.alerts("database_unavailable", "postgres")) == known + 1
    assert alert.occurred_at < alert.resolved_at
    assert [(event["message"], event["status"]) for event in post.heard()] == [(OPERATIONAL, "operational")]
    assert post.ctx.spool.read().lines == []


def test_a_crash_between_writing_and_emptying_doubles_nothing(post: Post) -> None:
    by = Stamp(post.ctx.clock.now(), post.ctx.ids, post.ctx.origin)
    alert = Alert(kind="spooled_twice", subject=post.name, severity=Severity.WARNING, message="why")
    lines = [raised(alert, by), raised(alert, by)]
    for _ in range(2):  # the file is as it was before the crash
        post.ctx.spool.keep([*lines, {"id": "nonsense"}])
        replay(post.bed.database, post.ctx.spool, post.ctx.ids)
    (row,) = post.alerts("spooled_twice", post.name)
    assert row.times == 2
    assert row.occurred_at == by.now
    assert post.ctx.spool.read().lines == []


def test_an_alert_that_postgres_does_not_take_waits_in_the_spool(post: Post) -> None:
    alert = Alert(kind="kept_for_later", subject=post.name, severity=Severity.WARNING, message="why")
    before = post.ctx.database
    post.ctx.__dict__["database"] = Database(NOWHERE.format(free_port()), application_name="test", pool_size=1)
    settle_alerts(post.ctx, post.name, wrong=[alert], kinds=["kept_for_later"])
    post.ctx.database.dispose()
    post.ctx.__dict__["database"] = before
    assert post.alerts("kept_for_later", post.name) == []
    post.looks(1)
    assert [row.times for row in post.alerts("kept_for_later", post.name)] == [1]


def test_the_spool_of_a_process_that_has_ended_is_written_too(post: Post) -> None:
    by = Stamp(post.ctx.clock.now(), post.ctx.ids, post.ctx.origin)
    alert = Alert(kind="left_behind", subject=post.name, severity=Severity.WARNING, message="why")
    Spool.of_process(post.ctx.settings.home.spool, "worker-gone").keep([raised(alert, by)])
    post.looks(1)
    assert len(post.alerts("left_behind", post.name)) == 1


def test_an_outage_of_redis_is_an_alert_and_its_end_an_event(post: Post) -> None:
    known = len(post.alerts("redis_unavailable", "redis"))
    board, channel = post.watch._board, post.watch._channel
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    for number in range(2):
        post.watch._board, post.watch._channel = BreakerBoard(nowhere), StatusChannel(nowhere)
        post.watch._board._away_until_ms = 0
        post.looks(1)
        post.watch._board.close()
        post.watch._channel.close()
        assert len(post.alerts("redis_unavailable", "redis")) == known + number
    post.watch._board, post.watch._channel = board, channel
    post.looks()
    alert = post.alerts("redis_unavailable", "redis")[-1]
    assert alert.resolved_at is not None
    assert [event["message"] for event in post.heard()] == [OPERATIONAL]


def test_of_two_watches_one_tells_and_the_other_takes_over(post: Post) -> None:
    second = Context(post.ctx.settings.model_copy(update={"process": "watch-second"}))
    other = Watch(second)
    post.ctx.breaker.follow(BreakerRules(failures=1, window_ms=30_000, pause_ms=60_000))
    post.ctx.breaker.met(post.name, "timeout")
    for _ in range(2):
        other.look()
        post.looks(1)
    assert post.operations() == ["breaker_opened"]
    post.watch.stop()  # lets its lease go
    post.watch._leads = None
    other.look()
    assert post.operations() == ["breaker_opened"]  # it takes over what is open
    post.ctx.breaker.met(post.name, None)
    other.look()
    assert post.operations() == ["breaker_opened", "breaker_closed"]
    assert len(post.heard()) == 2
    other.stop()
    second.close()
