"""Months that leave the trail: as a file that holds what was sealed, old enough, on record, and never deleted here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import errors
from pydantic import SecretStr

from cli.retiring import Retiring
from config.clock import SYSTEM_CLOCK
from config.settings import ConfigError, Settings
from models.retention import Retired, retire_part
from risk.verdict import Decision
from services.alerts import open_alerts
from services.order_claim import Clocks, claim_for_placing
from tasks.partitions import PARTITION_MISSING, RETENTION_DUE, watch_partitions
from tests.support.house import TEST_ORIGIN, Bed, request
from tests.support.sealing import Sealer

OPERATIONS, EVENTS = "operations/201911", "order_events/201911"

_PARTITION = """
SET ROLE opitios_owner;
CREATE TABLE audit.{0}_{1} PARTITION OF audit.{0} FOR VALUES FROM ('{2}') TO ('{3}');
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.{0}_{1} EXECUTE FUNCTION audit.refuse_change();
RESET ROLE
"""
_OPERATION = """
INSERT INTO audit.operations (op_date, operation_id, operation, success, started_at, occurred_at, total_ms, source,
  actor, host, process, trace_id, detail)
SELECT '2019-11-05', gen_random_uuid(), 'balance_read', n > 3, '2019-11-05', '2019-11-05 12:00:00.123456+00',
       n / 7.0, 'test', 'Zoë', 'test', 'test', '-',
       jsonb_build_object('n', n, 'ratio', 0.25, 'text', E'tab\\tline\\nquote"')
  FROM generate_series(%s::int, %s::int) n
"""
_EVENT = """
INSERT INTO audit.order_events (order_date, order_id, seq, account_id, account_type, account_type_source, event_type,
  stage, success, occurred_at, source, actor, host, process, trace_id)
SELECT '2019-11-05', order_id, 1, account_id, account_type, account_type_source, 'requested', 'request', true,
       '2019-11-05', 'test', 'test', 'test', 'test', '-' FROM trading.orders LIMIT 1
"""


@dataclass
class Old:
    """A database with two months of 2019 in two seals, and what is needed to retire them."""

    admin: psycopg.Connection[Any]
    retiring: Retiring
    quiet: Bed
    sealer: Sealer

    def one(self, statement: str) -> Any:
        row = self.admin.execute(statement.encode()).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture(scope="module")
def old(quiet: Bed) -> Iterator[Old]:
    request(quiet.context())
    url = quiet.runtime.migrations_database_url
    settings = Settings(
        home=quiet.servers.home,
        app_database_url=SecretStr(quiet.runtime.app_database_url),
        migrations_database_url=SecretStr(url),
    )
    sealer = Sealer(url)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as admin:
        for table in ("operations", "order_events"):
            admin.execute(_PARTITION.format(table, "201911", "2019-11-01", "2019-12-01").encode())
        admin.execute(_OPERATION.encode(), (1, 20))
        sealer.seal()
        admin.execute(_OPERATION.encode(), (21, 25))
        admin.execute("SET session_replication_role = replica")  # an order of 2019 is not needed for this
        admin.execute(_EVENT.encode())
        admin.execute("SET session_replication_role = origin")
        sealer.seal()
        yield Old(admin, Retiring(settings), quiet, sealer)


@pytest.fixture(scope="module")
def archive(old: Old) -> Path:
    """The file of the retired month."""
    return Path(old.retiring.retire(OPERATIONS).file)


@pytest.mark.parametrize(
    ("part", "years", "rows", "refusal"),
    [
        (OPERATIONS, 4, 25, "five years at least"),
        (OPERATIONS, 50, 25, "is younger than 50 years"),
        (OPERATIONS, 6, 24, "has 25 rows; 25 are sealed, 24 were exported"),
        ("operations/201910", 6, 0, "is no partition of the trail"),
        ("seals/201911", 6, 0, "is no partition of the trail"),
    ],
)
def test_a_month_stays_that_may_not_go(old: Old, part: str, years: int, rows: int, refusal: str) -> None:
    retired = Retired(part, rows, "nowhere", "00", "test")
    with pytest.raises(psycopg.Error, match=refusal):
        retire_part(old.quiet.runtime.migrations_database_url, retired, years=years)


def test_a_month_with_a_row_that_no_seal_holds_stays(old: Old) -> None:
    old.admin.execute(_PARTITION.format("operations", "201912", "2019-12-01", "2020-01-01").encode())
    try:
        old.admin.execute(_OPERATION.replace("2019-11", "2019-12").encode(), (1, 1))
        with pytest.raises(ConfigError, match="has 1 rows; 0 are sealed, 0 were exported"):
            old.retiring.retire("operations/201912")
    finally:
        old.admin.execute("DROP TABLE audit.operations_201912")


def test_what_is_due_is_told_until_it_is_retired(old: Old) -> None:
    ctx = old.quiet.context()
    watch_partitions(ctx)
    with ctx.database.statement() as unit:
        told = [alert.message for alert in open_alerts(unit) if alert.kind == RETENTION_DUE]
    assert told == [f"{len(old.retiring.due())} months of the trail are kept for 6 years already: opitios audit retire"]
    assert EVENTS in [part.part for part in old.retiring.due()]


@pytest.mark.requirement("TRD-001")
def test_a_retired_month_lies_in_a_file_with_every_column_and_the_sealed_text(old: Old, archive: Path) -> None:
    rows = pq.read_table(archive).to_pylist()

    assert len(rows) == 25
    assert {row["actor"] for row in rows} == {"Zoë"}
    assert str(rows[0]["occurred_at"]) == "2019-11-05 12:00:00.123456+00:00"
    assert "0.143" in {str(row["total_ms"]) for row in rows}
    assert '{"n": 7, "text": "tab\\tline\\nquote\\"", "ratio": 0.25}' in {row["detail"] for row in rows}
    assert old.retiring.check(archive)[1] == []
    assert archive.stat().st_mode & 0o777 == 0o400


def test_a_retired_month_is_on_record_and_out_of_the_trail_but_not_deleted(old: Old, archive: Path) -> None:
    assert old.one("SELECT count(*) FROM audit.operations WHERE op_date < '2020-01-01'") == 0
    assert old.one("SELECT count(*) FROM archive.operations_201911") == 25
    assert old.one(f"SELECT file FROM audit.retired_parts WHERE part = '{OPERATIONS}'") == str(archive)  # noqa: S608
    recorded = "SELECT count(*) FROM audit.operations WHERE operation = 'audit_part_retired' AND detail->>'part' = "
    assert old.one(recorded + f"'{OPERATIONS}'") == 1
    for statement in (
        "UPDATE archive.operations_201911 SET actor = 'x'",
        "DELETE FROM archive.operations_201911",
        "TRUNCATE archive.operations_201911",
        "UPDATE audit.retired_parts SET sha256 = 'x'",
        "DELETE FROM audit.retired_parts",
        "TRUNCATE audit.retired_parts",
    ):
        with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
            old.admin.execute(statement.encode())


def test_orders_events_leave_too(old: Old) -> None:
    retired = old.retiring.retire(EVENTS)
    assert retired.rows == 1
    assert EVENTS not in [part.part for part in old.retiring.due()]


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("login", ["app_database_url", "compliance_database_url"])
@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT audit.retire_part('{EVENTS}', 6, 0, 'x', 'x', 'x')",
        "SELECT * FROM archive.operations_201911",
        "INSERT INTO audit.retired_parts (part, rows, file, sha256, actor) VALUES ('x', 0, 'x', 'x', 'x')",
        "ALTER TABLE audit.operations DETACH PARTITION audit.operations_202611",
    ],
)
def test_no_role_of_the_running_system_retires_or_reads_what_is_retired(old: Old, login: str, statement: str) -> None:
    url = str(getattr(old.quiet.runtime, login)).replace("+psycopg", "")
    refused = pytest.raises((errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction))
    with psycopg.connect(url, autocommit=True) as connection, refused:
        connection.execute(statement.encode())


def row_removed(table: Any) -> Any:
    return pa.concat_tables([table.slice(0, 3), table.slice(4)])


def row_added(table: Any) -> Any:
    return pa.concat_tables([table, table.slice(0, 1)])


def rows_exchanged(table: Any) -> Any:
    return table.take([1, 0, *range(2, 25)])


def text_and_column_changed(table: Any) -> Any:
    rows = table.to_pylist()
    rows[24] |= {"actor": "nobody", "line": rows[24]["line"].replace("Zoë", "nobody")}
    return pa.Table.from_pylist(rows, table.schema)


def column_changed(table: Any) -> Any:
    rows = table.to_pylist()
    rows[0] |= {"actor": "nobody"}
    return pa.Table.from_pylist(rows, table.schema)


@pytest.mark.parametrize(
    ("tamper", "seals", "found"),
    [
        (row_removed, 2, "its 20 rows are not those that were sealed"),
        (row_added, 0, "1 rows at the end stand in no seal"),
        (rows_exchanged, 1, "its 20 rows are not those that were sealed"),
        (text_and_column_changed, 1, "its 5 rows are not those that were sealed"),
        (column_changed, 0, "rows 1 to 25: columns say something else than the sealed text"),
    ],
)
def test_a_file_that_was_changed_is_found(
    old: Old, archive: Path, tmp_path: Path, tamper: Callable[[Any], Any], seals: int, found: str
) -> None:
    changed = tmp_path / "changed.parquet"
    pq.write_table(tamper(pq.read_table(archive)), changed)

    wrong = old.retiring.check(changed)[1]

    assert any(found in finding for finding in wrong), wrong
    assert sum(finding.startswith("seal ") for finding in wrong) == seals
    assert wrong[-1].startswith("the file on record has the SHA-256")


@pytest.mark.parametrize("content", [b"", b"PAR1 no", b"x" * 100])
def test_a_file_that_is_no_archive_says_so(old: Old, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is no archive of the audit trail"):
        old.retiring.check(path)


@contextmanager
def without_operations_of(old: Old, months_ahead: int) -> Iterator[str]:
    """Detach a month's partition for the time of the block; yield the part's name."""
    month = old.one(f"SELECT to_char(now() AT TIME ZONE 'UTC' + interval '{months_ahead} months', 'YYYYMM')")
    name = f"operations_{month}"
    bounds = old.one(f"SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = '{name}'")  # noqa: S608
    old.admin.execute(f"ALTER TABLE audit.operations DETACH PARTITION audit.{name}".encode())
    try:
        yield f"operations/{month}"
    finally:
        old.admin.execute(f"ALTER TABLE audit.operations ATTACH PARTITION audit.{name} {bounds}".encode())


@pytest.mark.parametrize(
    ("months_ahead", "severity", "decision"),
    [(5, "warning", Decision.ALLOW), (1, "critical", Decision.DENY)],  # a month ahead it stops entries (R29)
)
def test_a_month_without_a_partition_is_told_until_it_is_there(
    old: Old, months_ahead: int, severity: str, decision: Decision
) -> None:
    ctx = old.quiet.context()
    with without_operations_of(old, months_ahead) as part:
        watch_partitions(ctx)
        with ctx.database.statement() as unit:
            (alert,) = [alert for alert in open_alerts(unit) if alert.kind == PARTITION_MISSING]
        assert part in alert.message
        assert alert.severity == severity
        clocks = Clocks(SYSTEM_CLOCK.now(), SYSTEM_CLOCK.now(), 1.0)
        wanted, policy = request(ctx, limit_price=Decimal(1)), ctx.policy(ctx.settings.accounts[0].name)
        with ctx.database.unit() as unit:
            claim = claim_for_placing(unit, wanted, ask=None, policy=policy, clocks=clocks, origin=TEST_ORIGIN)
        assert claim is not None
        assert claim.ruling.decision is decision
    watch_partitions(ctx)
    with ctx.database.statement() as unit:
        assert PARTITION_MISSING not in [alert.kind for alert in open_alerts(unit)]
