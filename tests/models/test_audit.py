"""The audit trail refuses change: as the role the system runs as, and by triggers as its owner too (R29)."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from tests.support.house import Bed, request

STATEMENTS = [
    "UPDATE audit.{table} SET actor = 'x'",
    "DELETE FROM audit.{table}",
    "TRUNCATE audit.{table}",
    "ALTER TABLE audit.{table} DISABLE TRIGGER ALL",
    "DROP TABLE audit.{table}",
    "INSERT INTO audit.{table} SELECT * FROM audit.{table}",
]


@pytest.fixture(scope="module")
def app(quiet: Bed) -> Iterator[psycopg.Connection]:
    request(quiet.context())
    with psycopg.connect(quiet.runtime.app_database_url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def owner(quiet: Bed) -> Iterator[psycopg.Connection]:
    request(quiet.context())
    with psycopg.connect(quiet.runtime.migrations_database_url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


def partition(connection: psycopg.Connection, table: str) -> str:
    """Return the partition that holds today's rows."""
    row = connection.execute(f"SELECT tableoid::regclass::text FROM audit.{table} LIMIT 1").fetchone()  # noqa: S608
    assert row is not None
    return str(row[0]).removeprefix("audit.")


@pytest.mark.requirement("TRD-001", "FR-005")
@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("place", ["parent", "partition"])
def test_the_running_role_cannot_change_an_event(app: psycopg.Connection, statement: str, place: str) -> None:
    table = "order_events" if place == "parent" else partition(app, "order_events")
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(statement.format(table=table))


@pytest.mark.parametrize("table", ["operations", "config_changes"])
@pytest.mark.parametrize("statement", STATEMENTS[:3])
def test_nor_any_other_audit_row(app: psycopg.Connection, statement: str, table: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(statement.format(table=table))


@pytest.mark.parametrize("column", ["xid", "recorded_at"])
def test_the_database_stamps_the_row_itself(app: psycopg.Connection, column: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(f"INSERT INTO audit.order_events (order_date, seq, {column}) VALUES (now(), 1, NULL)")  # noqa: S608


@pytest.mark.parametrize(
    "statement", ["UPDATE audit.{table} SET actor = 'x'", "DELETE FROM audit.{table}", "TRUNCATE audit.{table}"]
)
@pytest.mark.parametrize("place", ["parent", "partition"])
@pytest.mark.parametrize("replica", [False, True])
def test_triggers_stop_a_stronger_hand_too(
    owner: psycopg.Connection,
    statement: str,
    place: str,
    replica: bool,  # noqa: FBT001
) -> None:
    table = "order_events" if place == "parent" else partition(owner, "order_events")
    owner.execute(f"SET session_replication_role = {'replica' if replica else 'origin'}")
    try:
        with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
            owner.execute(statement.format(table=table))
    finally:
        owner.execute("SET session_replication_role = origin")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM trading.orders",
        "DELETE FROM trading.fills",
        "UPDATE trading.fills SET qty = 0",
        "UPDATE audit.account_type_changes SET reason = 'x'",
        "UPDATE trading.alembic_version SET version_num = 'x'",
        "CREATE TABLE trading.x (a int)",
        "CREATE TABLE public.x (a int)",
        "CREATE TEMP TABLE x (a int)",
        "SET ROLE opitios_owner",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY trading.orders TO PROGRAM 'cat'",
        "CREATE ROLE intruder",
        "ALTER ROLE opitios_app SUPERUSER",
        "SELECT password_hash FROM pg_authid",
    ],
)
def test_the_running_role_can_do_no_more_than_it_needs(app: psycopg.Connection, statement: str) -> None:
    with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedColumn)):
        app.execute(statement)


def test_officers_read_reports_and_nothing_else(quiet: Bed) -> None:
    url = quiet.runtime.compliance_database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT * FROM reports.order_timing LIMIT 1")
        connection.execute("SET default_transaction_read_only = off")
        for statement in (
            "SELECT * FROM trading.orders",
            "SELECT * FROM trading.users",
            "SELECT * FROM audit.order_events",
            "SELECT audit.ensure_partitions(100)",
            "DELETE FROM reports.order_timing",
            "CREATE TEMP TABLE x (a int)",
        ):
            with pytest.raises((errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState)):
                connection.execute(statement)


def test_partitions_lie_a_year_ahead_and_there_is_no_default(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'audit.order_events'::regclass"
    ).fetchall()
    names = {row[0] for row in rows}
    assert len(names) >= 14
    assert not any("default" in name for name in names)
