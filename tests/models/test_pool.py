"""One process's connections: bounded, checked, replaced, counted, and none held for long (US-SYSTEM-020)."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

import psycopg
import pytest

from config.clock import SYSTEM_CLOCK
from models import pool
from models.session import Database
from models.unit import NotConnected, StoreAway
from stack.waiting import poll
from tests.support.house import Bed
from tests.support.stopped import stopped

pytestmark = pytest.mark.requirement("US-SYSTEM-020")
NAME = "test-pool"
LIMIT, KEEP = 6, 2


@pytest.fixture
def database(quiet: Bed) -> Iterator[Database]:
    made = Database(quiet.runtime.app_database_url, application_name=NAME, pool_size=LIMIT, keep=KEEP)
    yield made
    made.dispose()


def use_at_once(database: Database, count: int) -> None:
    """Hold so many connections at the same time."""
    barrier = Barrier(count)

    def use(_: int) -> None:
        with database.statement() as unit:
            unit.row("SELECT 1")
            barrier.wait(5)

    with ThreadPoolExecutor(count) as threads:
        list(threads.map(use, range(count)))


def at_server(quiet: Bed) -> int:
    """Return how many connections of the pool the server sees."""
    with quiet.servers.connect() as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [NAME]).fetchone()
    assert row is not None
    return int(row[0])


def cut(quiet: Bed, count: int = LIMIT) -> None:
    """End connections of the pool from the server's side, as a restart or a firewall does."""
    with quiet.servers.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s LIMIT %s", [NAME, count]
        )
    assert poll(lambda: at_server(quiet) <= LIMIT - count, seconds=3)


def test_nothing_is_opened_before_it_is_used_and_then_one_by_one(quiet: Bed, database: Database) -> None:
    assert (at_server(quiet), database.stats().idle) == (0, 0)
    for _ in range(5):
        with database.statement() as unit:
            unit.row("SELECT 1")
    assert (at_server(quiet), database.stats().idle, database.stats().borrowed) == (1, 1, 5)


def test_the_gauges_say_who_works_and_who_waits(database: Database) -> None:
    held, go = Barrier(LIMIT + 1), Event()

    def hold() -> None:
        with database.statement() as unit:
            unit.row("SELECT 1")
            held.wait(5)
            go.wait(5)

    holders = [Thread(target=hold) for _ in range(LIMIT)]
    for holder in holders:
        holder.start()
    held.wait(5)
    late = Thread(target=use_at_once, args=(database, 1))
    late.start()
    assert poll(lambda: database.stats().waiting == 1, seconds=2)
    stats = database.stats()
    assert (stats.limit, stats.active, stats.idle) == (LIMIT, LIMIT, 0)
    go.set()
    for thread in (*holders, late):
        thread.join(5)
    stats = database.stats()
    assert (stats.active, stats.idle, stats.waiting, stats.borrowed) == (0, LIMIT, 0, LIMIT + 1)
    assert stats.waited_ms > 0
    assert stats.errors == 0


def test_a_pool_that_is_used_up_answers_within_its_patience(database: Database) -> None:
    def wait_in_vain() -> None:
        with database.statement():
            pass

    held, go = Barrier(LIMIT + 1), Event()

    def hold(_: int) -> None:
        with database.unit():
            held.wait(5)
            go.wait(10)

    with ThreadPoolExecutor(LIMIT) as threads:
        threads.map(hold, range(LIMIT))
        held.wait(5)
        began = SYSTEM_CLOCK.monotonic_ms()
        with pytest.raises(NotConnected):
            wait_in_vain()
        took_ms = SYSTEM_CLOCK.monotonic_ms() - began
        go.set()
    assert 1900 < took_ms < 3000
    assert database.stats().errors == 1


def test_a_check_replaces_the_dead_before_anybody_meets_them(quiet: Bed, database: Database) -> None:
    use_at_once(database, LIMIT)
    cut(quiet)
    database.check()
    assert database.stats().replaced == LIMIT
    for _ in range(LIMIT):
        use_at_once(database, 2)
    assert database.stats().errors == 0


def test_a_check_opens_what_is_missing_of_the_minimum(quiet: Bed, database: Database) -> None:
    use_at_once(database, 1)
    assert at_server(quiet) == 1
    database.check()
    assert (at_server(quiet), database.stats().idle) == (KEEP, KEEP)


def test_what_nobody_needed_for_a_minute_is_closed_down_to_the_minimum(quiet: Bed, database: Database) -> None:
    use_at_once(database, LIMIT)
    for _ in range(5):
        database.check()
        assert at_server(quiet) == LIMIT
    for _ in range(2):
        database.check()
    assert poll(lambda: at_server(quiet) == KEEP, seconds=3)
    assert database.stats().idle == KEEP
    use_at_once(database, LIMIT)
    assert database.stats().idle == LIMIT


def test_the_check_runs_by_itself_and_tells_the_gauges(
    quiet: Bed, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "CHECK_S", 0.2)
    told: list[object] = []
    database.report_to(told.append)
    use_at_once(database, LIMIT)
    assert poll(lambda: bool(told), seconds=3)
    cut(quiet)
    assert poll(lambda: database.stats().replaced == LIMIT, seconds=3)


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("SELECT pg_sleep(6)", "57014"),
        ("LOCK TABLE trading.leases IN ACCESS EXCLUSIVE MODE", "55P03"),
    ],
)
def test_no_statement_and_no_lock_is_waited_for_without_end(
    quiet: Bed, database: Database, statement: str, sqlstate: str
) -> None:
    with quiet.servers.connect() as other, other.transaction():
        other.execute("LOCK TABLE trading.leases IN ACCESS SHARE MODE")
        began = SYSTEM_CLOCK.monotonic_ms()
        with pytest.raises(StoreAway) as caught, database.unit() as unit:
            unit.run(statement)
    assert caught.value.sqlstate == sqlstate
    assert SYSTEM_CLOCK.monotonic_ms() - began < 5900


def test_a_transaction_that_is_left_open_is_ended(database: Database) -> None:
    def dawdle() -> None:
        with database.unit() as unit:
            unit.row("SELECT 1")
            assert not poll(lambda: False, seconds=2.5)
            unit.row("SELECT 1")

    with pytest.raises(StoreAway):
        dawdle()
    use_at_once(database, 1)


def test_a_server_that_says_nothing_is_given_up_within_two_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"postgresql+psycopg://nobody:x@127.0.0.1:{mute.getsockname()[1]}/nothing"
        database = Database(url, application_name=NAME)
        began = SYSTEM_CLOCK.monotonic_ms()
        with pytest.raises(NotConnected), database.statement():
            pass
        assert SYSTEM_CLOCK.monotonic_ms() - began < 3000
        assert database.stats().errors == 1
        database.dispose()


def test_a_server_that_stands_still_is_given_up_and_its_connection_replaced(quiet: Bed) -> None:
    database = Database(quiet.runtime.app_database_url, application_name=NAME, pool_size=1, patience_s=0.3)
    with database.statement() as unit:
        unit.row("SELECT 1")
    began = SYSTEM_CLOCK.monotonic_ms()
    with stopped(quiet.servers.pid("postgres") or 0), pytest.raises(StoreAway), database.unit() as unit:
        unit.row("SELECT 1")
    assert SYSTEM_CLOCK.monotonic_ms() - began < 2000
    with database.statement() as unit:
        assert unit.row("SELECT 1 AS one").one == 1  # type: ignore[union-attr]
    database.dispose()


def test_what_a_check_holds_when_the_pool_is_closed_is_closed_too(
    quiet: Bed, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_at_once(database, LIMIT)
    asked: list[object] = []

    def answers(connection: psycopg.Connection) -> bool:
        asked.append(connection)
        if len(asked) == LIMIT:
            database.dispose()
        return True

    monkeypatch.setattr(pool, "_answers", answers)
    database.check()
    assert poll(lambda: at_server(quiet) == 0, seconds=3)
