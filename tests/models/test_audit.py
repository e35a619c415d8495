"""The audit trail refuses change: as the role the system runs as, and by triggers as its owner too (R29)."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import psycopg
import pytest
from psycopg import errors

from tests.support.house import Bed, logins_of, request

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


AUDITED = ("order_events", "operations", "config_changes", "account_type_changes", "clock_checks", "seals")


def each(statement: str, tables: Sequence[str]) -> list[str]:
    return [statement.format(table=table) for table in tables]


SERVERS_OWN = (
    "CREATE TABLE public.x (a int)",
    "CREATE TEMP TABLE x (a int)",
    "CREATE FUNCTION public.x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE intruder",
    "SET ROLE opitios_owner",
    "SET session_replication_role = replica",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY audit.seals TO PROGRAM 'cat'",
    "SELECT rolpassword FROM pg_authid",
    "DROP SCHEMA audit CASCADE",
)
FORBIDDEN = {
    "opitios_app": (
        *each("UPDATE audit.{table} SET xid = 1", AUDITED[:5]),
        *each("DELETE FROM audit.{table}", AUDITED),
        *each("TRUNCATE audit.{table}", AUDITED),
        "UPDATE audit.seals SET host = 'x'",
        "INSERT INTO audit.seals SELECT * FROM audit.seals",
        "ALTER TABLE audit.seals DISABLE TRIGGER ALL",
        "DROP FUNCTION audit.refuse_change() CASCADE",
        "DELETE FROM trading.orders",
        "DELETE FROM trading.fills",
        "UPDATE trading.fills SET qty = 0",
        "UPDATE trading.alembic_version SET version_num = 'x'",
        "CREATE TABLE trading.x (a int)",
        "ALTER ROLE opitios_app SUPERUSER",
        *SERVERS_OWN,
    ),
    "opitios_sealer": (
        *each("DELETE FROM audit.{table}", AUDITED),
        *each("INSERT INTO audit.{table} SELECT * FROM audit.{table}", AUDITED[:5]),
        "UPDATE audit.seals SET host = 'x'",
        "TRUNCATE audit.seals",
        "ALTER TABLE audit.seals DISABLE TRIGGER ALL",
        "DROP TABLE audit.seals",
        "SELECT audit.ensure_partitions(100)",
        "SELECT * FROM trading.orders",
        "SELECT * FROM trading.users",
        "UPDATE trading.orders SET status = 'filled'",
        "SELECT * FROM reports.order_timing",
        "ALTER ROLE opitios_sealer SUPERUSER",
        *SERVERS_OWN,
    ),
    "compliance_ro": (
        *each("SELECT * FROM audit.{table}", AUDITED[:2]),
        *each("DELETE FROM audit.{table}", AUDITED),
        *each("INSERT INTO audit.{table} SELECT * FROM audit.{table}", AUDITED[:2]),
        "UPDATE audit.seals SET host = 'x'",
        "SELECT * FROM trading.orders",
        "SELECT * FROM trading.users",
        "DELETE FROM reports.order_timing",
        "UPDATE reports.order_timing SET actor = 'x'",
        "DROP VIEW reports.order_timing",
        "SELECT audit.ensure_partitions(100)",
        "ALTER ROLE compliance_ro SUPERUSER",
        *SERVERS_OWN,
    ),
}


@pytest.fixture(scope="module")
def logins(quiet: Bed) -> Iterator[dict[str, psycopg.Connection]]:
    """A connection as each role, none of them read-only of its own will."""
    request(quiet.context())
    with ExitStack() as opened:
        made = {}
        for url in logins_of(quiet.runtime):
            connection = opened.enter_context(psycopg.connect(url.replace("+psycopg", ""), autocommit=True))
            connection.execute("SET default_transaction_read_only = off")
            made[connection.info.user] = connection
        yield made


@pytest.mark.requirement("TRD-001")
@pytest.mark.parametrize("role", FORBIDDEN)
def test_every_role_is_refused_what_it_need_not_do(logins: dict[str, psycopg.Connection], role: str) -> None:
    statements = FORBIDDEN[role]
    done = []
    for statement in statements:
        try:
            logins[role].execute(statement)
        except (errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState):
            continue
        done.append(statement)

    assert done == []
    assert len(set(statements)) >= 25


def test_every_role_can_do_what_it_is_there_for(logins: dict[str, psycopg.Connection]) -> None:
    for table in AUDITED:
        logins["opitios_sealer"].execute(f"SELECT count(*) FROM audit.{table}")  # noqa: S608
    logins["compliance_ro"].execute("SELECT * FROM reports.order_timing LIMIT 1")
    assert logins["opitios_app"].execute("SELECT count(*) FROM audit.order_events").fetchone() != (0,)


def test_partitions_lie_a_year_ahead_and_there_is_no_default(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'audit.order_events'::regclass"
    ).fetchall()
    names = {row[0] for row in rows}
    assert len(names) >= 14
    assert not any("default" in name for name in names)
