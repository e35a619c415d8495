"""What a unit gives and raises, and a restarted Postgres costs one error, not one a connection."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from models.session import Database
from models.unit import StoreAway, StoreError
from tests.support.house import Bed

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
