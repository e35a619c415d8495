"""What a unit gives and raises, and a restarted Postgres costs one error, not one a connection."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest

from models.session import Database
from models.unit import StoreAway, StoreError, Unit
from tests.support.house import Bed, until

CONNECTIONS = 8


@pytest.fixture
def database(quiet: Bed) -> Iterator[Database]:
    made = Database(quiet.runtime.app_database_url, application_name="test-unit", pool_size=CONNECTIONS)
    yield made
    made.dispose()


def fill(database: Database) -> None:
    """Open every connection of the pool at once."""
    barrier = Barrier(CONNECTIONS)

    def use(_: int) -> None:
        with database.statement() as unit:
            unit.row("SELECT 1")
            barrier.wait(5)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(use, range(CONNECTIONS)))


def cut(quiet: Bed) -> None:
    """End every connection of the pool from the server's side, as a restart does."""
    with quiet.servers.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test-unit'"
        )


def test_rows_have_names_and_a_percent_is_one(database: Database) -> None:
    with database.unit() as unit:
        row = unit.row("SELECT %(a)s::int AS a, '50%%' AS b", {"a": 1})
    assert row is not None
    assert (row.a, row.b) == (1, "50%")


def test_statements_of_one_round_trip_see_each_other_and_fail_as_one(database: Database) -> None:
    name = {"name": "of-each"}
    insert = "INSERT INTO trading.leases (name, owner, expires_at) VALUES (%(name)s, 'x', now()) RETURNING name"
    count = "SELECT count(*) AS n FROM trading.leases WHERE name = %(name)s"
    with pytest.raises(StoreError, match="division by zero"), database.unit() as unit:
        unit.rows_of_each([(insert, name), ("SELECT 1/0", {}), (count, name)])
    with database.unit() as unit:
        none, written, one = unit.rows_of_each([(count, name), (insert, name), (count, name)])
        assert (none[0].n, written[0].name, one[0].n) == (0, "of-each", 1)
        unit.run("DELETE FROM trading.leases WHERE name = %(name)s", name)


def test_a_client_that_stops_inside_a_pipeline_keeps_no_lock_for_long(quiet: Bed, database: Database) -> None:
    lock = "SELECT 1 FROM trading.leases WHERE name = 'frozen' FOR NO KEY UPDATE"
    with database.statement() as unit:
        unit.run("INSERT INTO trading.leases (name, owner, expires_at) VALUES ('frozen', 'x', now())")

    def stop_inside() -> None:
        with database.unit() as unit, borrowed(unit).pipeline():
            assert borrowed(unit).execute(lock.encode()).fetchall()  # and nothing has said that the round trip is over
            assert not is_free(quiet, lock)
            until(lambda: is_free(quiet, lock), 20)

    with pytest.raises(StoreAway):
        stop_inside()


def test_a_server_that_bounds_no_transaction_is_asked_one_by_one(database: Database, monkeypatch: Any) -> None:
    with database.unit() as unit:
        monkeypatch.setattr("models.unit._TRANSACTION_TIMEOUT", 99_00_00)
        monkeypatch.setattr(borrowed(unit), "pipeline", None)
        assert [rows[0].n for rows in unit.rows_of_each([("SELECT 1 AS n", {}), ("SELECT 2 AS n", {})])] == [1, 2]


def borrowed(unit: Unit) -> "psycopg.Connection[Any]":
    return unit._connection


def is_free(quiet: Bed, lock: str) -> bool:
    with quiet.servers.connect() as connection:
        try:
            connection.execute(f"{lock} NOWAIT".encode())
        except psycopg.errors.LockNotAvailable:
            return False
        return True


@pytest.mark.parametrize(
    "statement", ["SELECT * FROM trading.nothing", "SELEC 1", "SELECT 1/0", "DELETE FROM trading.orders"]
)
def test_errors_hide_their_values(database: Database, statement: str) -> None:
    with pytest.raises(StoreError) as caught, database.unit() as unit:
        unit.row(statement, {"secret": "canary"})
    assert "canary" not in str(caught.value)


def test_a_failed_unit_leaves_nothing_and_the_connection_usable(database: Database) -> None:
    def write_and_fail() -> None:
        with database.unit() as unit:
            unit.run("INSERT INTO trading.leases (name, owner, expires_at) VALUES ('half', 'x', now())")
            unit.row("SELECT 1/0")

    with pytest.raises(StoreError):
        write_and_fail()
    with database.statement() as unit:
        assert unit.row("SELECT 1 FROM trading.leases WHERE name = 'half'") is None


def test_a_server_that_went_away_costs_one_error(quiet: Bed, database: Database) -> None:
    fill(database)
    cut(quiet)
    failures = 0
    for _ in range(CONNECTIONS * 2):
        try:
            with database.statement() as unit:
                unit.row("SELECT 1")
        except StoreAway:
            failures += 1
    assert failures == 1


def test_a_transaction_cut_in_the_middle_raises_and_the_next_one_works(quiet: Bed, database: Database) -> None:
    def cut_midway() -> None:
        with database.unit() as unit:
            unit.row("SELECT 1")
            cut(quiet)
            unit.row("SELECT 1")

    with pytest.raises(StoreAway):
        cut_midway()
    with database.unit() as unit:
        assert unit.row("SELECT 1 AS one") is not None
