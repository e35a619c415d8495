"""Whatever a superuser does to the audit trail is found: six tamperings, each with what is named (R29)."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.seal_key import SealKey
from tests.support.house import Bed
from tests.support.trail import Trail, trail

EDIT = """
UPDATE audit.order_events SET account_type = 'live'
 WHERE ctid = (SELECT ctid FROM audit.order_events ORDER BY xid LIMIT 1)
"""
DELETE = "DELETE FROM audit.order_events WHERE ctid = (SELECT ctid FROM audit.order_events ORDER BY xid LIMIT 1)"
SWAP = """
WITH a AS (SELECT ctid AS place, xid, recorded_at FROM audit.{table} ORDER BY xid LIMIT 1),
     b AS (SELECT ctid AS place, xid, recorded_at FROM audit.{table} ORDER BY xid DESC LIMIT 1),
     moves AS (SELECT a.place, b.xid, b.recorded_at FROM a, b UNION ALL SELECT b.place, a.xid, a.recorded_at FROM a, b)
UPDATE audit.{table} t SET xid = m.xid, recorded_at = m.recorded_at FROM moves m WHERE t.ctid = m.place
"""
COPY_OF = """
INSERT INTO audit.operations
SELECT op_date, gen_random_uuid(), operation, account_id, account_name, account_type, account_type_source, symbol,
       success, reason_code, reason, started_at, occurred_at, {recorded_at}, total_ms, network_ms, source, actor, host,
       process, trace_id, detail, {xid}, corrects
  FROM audit.operations ORDER BY xid, operation_id LIMIT 1
"""


@pytest.fixture(scope="module")
def made(quiet: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trail]:
    """A trail of three seals: of orders and operations, of operations, of a change of configuration."""
    with trail(quiet, tmp_path_factory.mktemp("trail")) as found:
        found.order()
        found.order()
        found.write(3)
        found.seal()
        found.write(2)
        found.seal()
        found.change("trading.minimum_balance")
        found.seal()
        found.remember()
        yield found


@pytest.fixture
def sealed(made: Trail) -> Iterator[Trail]:
    """The same trail for each test: what a test spoils is put back."""
    yield made
    made.restore()


@pytest.fixture
def elsewhere(sealed: Trail, tmp_path: Path) -> Path:
    """A copy of the checkpoints, out of the tamperer's reach."""
    place = tmp_path / "elsewhere"
    shutil.copytree(sealed.checkpoints, place)
    return place


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_trail_that_nobody_touched_holds(sealed: Trail, elsewhere: Path) -> None:
    found = sealed.verify(elsewhere)

    assert found.holds
    assert (found.seals, found.checkpoints, found.unsealed, found.last_seal) == (3, 3, 0, 3)
    assert found.rows == 8
    assert found.keys == {sealed.key.public.key_id}


@pytest.mark.requirement("TRD-001")
def test_an_edited_row_is_found(sealed: Trail) -> None:
    sealed.sql(EDIT)

    (finding,) = sealed.broken()

    assert (finding.kind, finding.seal_no, finding.expected, finding.found) == ("rows", 1, 2, 2)
    assert str(finding.part).startswith("order_events/20")
    assert finding.last_at is not None


@pytest.mark.requirement("TRD-001")
def test_a_deleted_row_is_found(sealed: Trail) -> None:
    sealed.sql(DELETE)

    (finding,) = sealed.broken()

    assert (finding.kind, finding.seal_no, finding.expected, finding.found) == ("rows", 1, 2, 1)


@pytest.mark.requirement("TRD-001")
def test_an_inserted_row_is_found(sealed: Trail) -> None:
    sealed.sql(COPY_OF.format(recorded_at="recorded_at", xid="xid"))

    (finding,) = sealed.broken()

    assert (finding.kind, finding.seal_no, finding.expected, finding.found) == ("rows", 1, 3, 4)


@pytest.mark.requirement("TRD-001")
@pytest.mark.parametrize("within", [True, False], ids=["within a seal", "between two"])
def test_reordered_rows_are_found(sealed: Trail, within: bool) -> None:  # noqa: FBT001  a parameter of pytest
    sealed.sql(SWAP.format(table="order_events" if within else "operations"))

    found = sealed.broken()

    assert {finding.kind.value for finding in found} == {"rows"}
    assert [finding.seal_no for finding in found] == ([1] if within else [1, 2])
    assert all(finding.expected == finding.found for finding in found)


@pytest.mark.requirement("TRD-001")
def test_a_tail_that_was_cut_off_is_found_by_the_checkpoints_elsewhere(sealed: Trail, elsewhere: Path) -> None:
    sealed.sql("DELETE FROM audit.operations WHERE xid >= (SELECT to_xid FROM audit.seals WHERE seal_no = 1)")
    sealed.sql("DELETE FROM audit.config_changes WHERE xid >= (SELECT to_xid FROM audit.seals WHERE seal_no = 1)")
    sealed.sql("DELETE FROM audit.seals WHERE seal_no > 1")
    for path in sealed.checkpoints.glob("*.jsonl"):
        path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])

    assert sealed.verify().holds  # nothing here says that there was more
    (finding,) = sealed.broken(elsewhere)

    assert (finding.kind, finding.seal_no, finding.expected) == ("missing", 2, 3)
    assert "seals 2 to 3 were made and are gone" in finding.what


def test_after_a_cut_new_seals_get_new_numbers_so_that_the_gap_stays(sealed: Trail) -> None:
    sealed.sql("DELETE FROM audit.seals WHERE seal_no > 1")

    (new,) = sealed.seal()

    assert new.seal_no == 4
    assert sealed.kinds() == {"chain", "missing"}


@pytest.mark.requirement("TRD-001")
@pytest.mark.parametrize("stolen", [True, False], ids=["with the stolen key", "with another key"])
def test_a_trail_written_anew_is_found_by_the_checkpoints_elsewhere(
    sealed: Trail,
    elsewhere: Path,
    stolen: bool,  # noqa: FBT001  a parameter of pytest
) -> None:
    sealed.sql("UPDATE audit.operations SET success = false")
    sealed.sql("DELETE FROM audit.seals")
    shutil.rmtree(sealed.checkpoints)
    sealed.checkpoints.mkdir()
    key = sealed.key if stolen else SealKey.open(sealed.home / "another.pem")
    key.publish(sealed.checkpoints)
    for _ in range(3):
        sealed.seal(key=key)

    assert sealed.verify().holds  # whole in itself: hashes, chain, signatures, its own checkpoints
    kinds = sealed.kinds(elsewhere)

    assert "rewritten" in kinds
    assert ("signature" in kinds) is not stolen


def test_a_seal_that_was_changed_or_taken_out_is_found(sealed: Trail) -> None:
    sealed.sql("UPDATE audit.seals SET host = 'elsewhere' WHERE seal_no = 2")
    assert sealed.kinds() == {"seal"}

    sealed.sql("DELETE FROM audit.seals WHERE seal_no = 2")
    assert sealed.kinds() == {"chain", "missing"}


@pytest.mark.parametrize(
    ("recorded_at", "xid", "kind"),
    [
        ("recorded_at - interval '1 day'", "(pg_current_xact_id()::text)::bigint", "time"),  # back-dated, then sealed
        ("clock_timestamp() + interval '1 day'", "(pg_current_xact_id()::text)::bigint", "time"),
        ("'infinity'", "(pg_current_xact_id()::text)::bigint", "time"),
        ("recorded_at", "-1", "outside"),
        ("recorded_at", "1::bigint << 60", "outside"),
        ("'-infinity'", "(pg_current_xact_id()::text)::bigint", "outside"),
    ],
)
def test_a_row_that_no_transaction_of_its_time_wrote_is_found(
    sealed: Trail, recorded_at: str, xid: str, kind: str
) -> None:
    sealed.sql(COPY_OF.format(recorded_at=recorded_at, xid=xid))
    sealed.seal()

    assert sealed.kinds() == {kind}


def test_a_month_that_is_gone_is_one_finding_unless_it_is_on_record(sealed: Trail) -> None:
    ((name,),) = sealed.sql("SELECT DISTINCT tableoid::regclass::text FROM audit.operations")
    ((bounds,),) = sealed.sql("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = %s::regclass", name)
    part = name.removeprefix("audit.").replace("operations_", "operations/")
    sealed.sql(f"ALTER TABLE audit.operations DETACH PARTITION {name}")
    try:
        (finding,) = sealed.broken()
        assert (finding.part, finding.expected, finding.found) == (part, 5, 0)

        known = "INSERT INTO audit.retired_parts (part, rows, file, sha256, actor) VALUES (%s, 5, 'f', 'x', 'test')"
        sealed.sql(known, part)
        found = sealed.verify()
        assert (found.holds, found.archived) == (True, 5)
    finally:
        sealed.sql(f"ALTER TABLE audit.operations ATTACH PARTITION {name} {bounds}")
        sealed.sql("ALTER TABLE audit.retired_parts DISABLE TRIGGER ALL")
        sealed.sql("DELETE FROM audit.retired_parts")
        sealed.sql("ALTER TABLE audit.retired_parts ENABLE ALWAYS TRIGGER refuse_change")


def test_what_stands_between_the_tables_and_the_reader_is_found(sealed: Trail) -> None:
    sealed.sql("CREATE SCHEMA evil")
    sealed.sql("CREATE FUNCTION evil.date_trunc(text, date) RETURNS date LANGUAGE sql AS $$ SELECT $2 $$")
    sealed.sql("CREATE FUNCTION evil.to_char(date, text) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' $$")
    sealed.sql("GRANT USAGE ON SCHEMA evil TO opitios_app")
    ((name,),) = sealed.sql("SELECT current_database()")
    sealed.sql(f"ALTER ROLE opitios_app IN DATABASE {name} SET search_path = evil, pg_catalog")
    try:
        assert sealed.verify().holds  # the function of that name is not ours
    finally:
        sealed.sql(f"ALTER ROLE opitios_app IN DATABASE {name} RESET search_path")

    sealed.sql("ALTER TABLE audit.config_changes ENABLE ROW LEVEL SECURITY")
    try:
        with pytest.raises(psycopg.Error, match="row-level security"):
            sealed.verify()
    finally:
        sealed.sql("ALTER TABLE audit.config_changes DISABLE ROW LEVEL SECURITY")

    sealed.sql("ALTER TABLE audit.config_changes RENAME TO hidden")
    sealed.sql("CREATE VIEW audit.config_changes AS SELECT * FROM audit.hidden")
    sealed.sql("GRANT SELECT ON audit.config_changes TO opitios_app")
    try:
        assert sealed.kinds() == {"outside"}
    finally:
        sealed.sql("DROP VIEW audit.config_changes")
        sealed.sql("ALTER TABLE audit.hidden RENAME TO config_changes")


def test_a_forged_checkpoint_is_not_believed(sealed: Trail, elsewhere: Path) -> None:
    (path,) = elsewhere.glob("*.jsonl")
    first, second, third = path.read_text().splitlines()
    forged = json.dumps(json.loads(second) | {"hash": "00" * 32})
    path.write_text(f"{first}\nnonsense\n{forged}\n{third}\n")

    assert sealed.kinds(elsewhere) == {"checkpoint"}


def test_days_alone_can_be_verified_and_a_day_without_seals_says_so(sealed: Trail) -> None:
    day = sealed.verify().sealed_until
    assert day is not None

    assert sealed.verify(first=day.date(), last=day.date()).seals == 3
    none = sealed.verify(last=day.date().replace(year=2000))
    assert (none.holds, none.seals, [finding.kind for finding in none.findings]) == (True, 0, ["unchecked"])
