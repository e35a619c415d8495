"""Every committed row is in one seal, and every seal in the checkpoints, whatever happens to the sealer (R29)."""

import datetime as dt
import os
import random  # noqa: TID251  seeded: the writers differ, and do so the same way each time
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from config.ids import SYSTEM_IDS
from domain.checkpoints import Checkpoint
from events.checkpoints import CheckpointFiles
from reports.checkpoints import read_checkpoints
from reports.trail import open_trail
from tasks import sealing
from tasks.sealing import Sealer
from tests.support.house import Bed, until
from tests.support.trail import Trail, trail
from tests.workers.local import LocalProcess

if TYPE_CHECKING:
    import uuid

ROOT = Path(__file__).resolve().parents[2]
WRITERS = 50
AHEAD = 1 << 40
HEARTBEAT = dt.timedelta(0)
ONE = """
INSERT INTO audit.operations (op_date, operation_id, operation, success, started_at, occurred_at, total_ms, source,
  actor, host, process, trace_id)
VALUES ((now() AT TIME ZONE 'UTC')::date, %s, 'test', true, now(), now(), 1, 'test', 'w', 'test', 'test', 't')
"""
NOT_ONCE = """
SELECT count(*) FROM audit.operations o
 WHERE (SELECT count(*) FROM audit.seals s WHERE o.xid >= s.from_xid AND o.xid < s.to_xid) <> 1
"""


@pytest.fixture(scope="module")
def made(quiet: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trail]:
    with trail(quiet, tmp_path_factory.mktemp("trail")) as found:
        yield found


@pytest.fixture
def fresh(made: Trail) -> Trail:
    """The same database for each test, without anything in it."""
    made.clear()
    return made


def kept(made: Trail) -> list[int]:
    """Return the numbers of the seals that have a checkpoint."""
    return [line.seal_no for _, line in read_checkpoints(made.checkpoints) if isinstance(line, Checkpoint)]


def sealed_rows(made: Trail) -> int:
    ((rows,),) = made.read("SELECT coalesce(sum(row_count), 0)::bigint FROM audit.seals")
    return int(rows)


class Writer(threading.Thread):
    """Writes in transactions of random length; some are rolled back, in some another begins before they end."""

    def __init__(self, url: str, seed: int, ready: threading.Barrier) -> None:
        super().__init__(daemon=True)
        self._ready = ready
        self._url, self._chance = url, random.Random(seed)
        self.committed: set[uuid.UUID] = set()

    def run(self) -> None:
        pause = threading.Event()
        with psycopg.connect(self._url.replace("+psycopg", "", 1)) as connection:
            self._ready.wait(30)
            for _ in range(8):
                ids = [SYSTEM_IDS.new() for _ in range(self._chance.randint(1, 6))]
                for operation_id in ids:
                    connection.execute(ONE, [operation_id])
                    pause.wait(self._chance.random() * 0.02)
                if self._chance.random() < 0.2:  # longer than a seal takes
                    pause.wait(0.4)
                if self._chance.random() < 0.2:
                    connection.rollback()
                else:
                    connection.commit()
                    self.committed |= set(ids)


@pytest.mark.requirement("TRD-001")
def test_fifty_writers_at_once_have_every_row_sealed_exactly_once(fresh: Trail) -> None:
    ready = threading.Barrier(WRITERS + 1)
    writers = [Writer(fresh.app_url, seed, ready) for seed in range(WRITERS)]
    with fresh.sealer(rows_per_seal=40) as sealer:
        for writer in writers:
            writer.start()
        ready.wait(30)
        while any(writer.is_alive() for writer in writers):
            list(sealer.seal())
        list(sealer.seal())

    committed = set().union(*(writer.committed for writer in writers))
    assert committed == {row[0] for row in fresh.read("SELECT operation_id FROM audit.operations")}
    assert fresh.read(NOT_ONCE) == [(0,)]
    found = fresh.verify()
    assert found.holds, found.findings
    assert (found.rows, found.unsealed, sealed_rows(fresh)) == (len(committed), 0, len(committed))
    assert found.seals > 3
    assert kept(fresh) == list(range(1, found.seals + 1))


def test_what_an_open_transaction_may_still_write_is_not_sealed_before_it_ends(fresh: Trail) -> None:
    with psycopg.connect(fresh.app_url.replace("+psycopg", "", 1)) as open_one:
        open_one.execute(ONE, [SYSTEM_IDS.new()])
        fresh.write(2)
        fresh.seal()
        assert sealed_rows(fresh) == 0
        assert fresh.verify().unsealed == 2
        open_one.commit()
    fresh.seal()

    assert sealed_rows(fresh) == 3
    assert fresh.verify().holds


def test_nothing_is_sealed_until_the_heartbeat_is_due(fresh: Trail) -> None:
    assert len(fresh.seal(heartbeat_s=60)) == 1  # the first: from now on, silence is on record
    assert fresh.seal(heartbeat_s=60) == []
    assert [seal.row_count for seal in fresh.seal(heartbeat_s=0)] == [0]

    fresh.write(1)
    assert [seal.row_count for seal in fresh.seal(heartbeat_s=60)] == [1]


def test_many_rows_are_cut_into_seals_and_no_transaction_is(fresh: Trail) -> None:
    for rows in (4, 4, 9, 1):
        fresh.write(rows)
    counts = [seal.row_count for seal in fresh.seal(rows_per_seal=5)]

    assert sum(counts) == 18
    assert len(counts) >= 3
    assert all(count <= 5 + 9 for count in counts)
    assert fresh.verify().holds


class Broken(CheckpointFiles):
    """A disk that takes half a line and no more."""

    def append(self, checkpoints: object) -> None:
        del checkpoints
        with (self._directory / "202611.jsonl").open("ab") as file:
            file.write(b'{"seal_no": 2, "sea')
        raise OSError(28, "No space left on device")


def test_a_seal_whose_checkpoint_was_not_written_gets_it_at_the_next_start(fresh: Trail) -> None:
    fresh.seal()
    fresh.write(2)
    with open_trail(fresh.sealer_url) as connection:
        cut = Sealer(connection, fresh.key, Broken(fresh.checkpoints), heartbeat=HEARTBEAT, host="test")
        cut.catch_up()
        with pytest.raises(OSError, match="No space"):
            list(cut.seal())
    assert kept(fresh) == [1]
    assert sealed_rows(fresh) == 2

    fresh.seal()

    assert kept(fresh) == [1, 2, 3]
    assert fresh.verify().holds


def test_one_of_two_sealers_works_and_the_other_takes_over(fresh: Trail) -> None:
    with open_trail(fresh.sealer_url) as waiting:
        second = Sealer(waiting, fresh.key, CheckpointFiles(fresh.checkpoints), heartbeat=HEARTBEAT, host="test")
        with fresh.sealer() as first:
            fresh.write(2)
            assert not second.takes_lock()
            list(first.seal())
        fresh.write(2)
        assert second.takes_lock()
        second.catch_up()
        list(second.seal())

    assert (sealed_rows(fresh), kept(fresh)) == (4, [1, 2])
    assert fresh.verify().holds


class Ahead(Sealer):
    """The sealer of a server whose transactions had far higher numbers."""

    def _value(self, statement: Any) -> Any:
        row = super()._value(statement)
        return (row[0] + AHEAD, row[1]) if statement is sealing._HORIZON else row


def test_after_a_restore_a_new_epoch_begins_and_everything_is_sealed_once(fresh: Trail) -> None:
    fresh.write(3)
    fresh.sql("UPDATE audit.operations SET xid = xid + %s", AHEAD)
    with open_trail(fresh.sealer_url) as connection:
        before = Ahead(connection, fresh.key, CheckpointFiles(fresh.checkpoints), heartbeat=HEARTBEAT, host="test")
        before.catch_up()
        assert [seal.row_count for seal in before.seal()] == [3]
    fresh.write(2)  # had no seal when the dump was made
    fresh.sql("UPDATE audit.operations SET xid = xid + %s WHERE xid < %s", AHEAD, AHEAD)
    fresh.write(1)  # after the restore, before a sealer ran

    assert [(seal.epoch, seal.row_count) for seal in fresh.seal()] == [(1, 2), (2, 1)]

    fresh.write(4)
    assert [(seal.epoch, seal.row_count) for seal in fresh.seal()] == [(2, 4)]
    found = fresh.verify()
    assert (found.holds, found.rows, found.unsealed) == (True, 10, 0)
    assert [finding.kind for finding in found.findings] == ["epoch"]

    fresh.sql("UPDATE audit.operations SET actor = 'x' WHERE xid >= %s", AHEAD)
    assert [finding.seal_no for finding in fresh.broken()] == [1, 2]


def test_the_process_goes_on_after_every_kill_and_ends_politely(fresh: Trail, tmp_path: Path) -> None:
    environ = os.environ | {
        "OPITIOS_HOME": str(tmp_path / "home"),
        "OPITIOS_PROCESS": "sealer",
        "OPITIOS_SEALER_DATABASE_URL": fresh.sealer_url,
        "OPITIOS_AUDIT_SEAL_INTERVAL": "1",
        "OPITIOS_AUDIT_CHECKPOINTS": str(fresh.checkpoints),
        "OPITIOS_AUDIT_KEY": str(fresh.home / "seal-key.pem"),
        "PYTHONPATH": str(ROOT),
    }
    for number in (signal.SIGKILL, signal.SIGTERM):
        fresh.write(2)
        rows = sealed_rows(fresh)
        process = LocalProcess("sealer", [sys.executable, "-m", "tasks.sealer"], tmp_path / "home", environ)
        until(lambda: sealed_rows(fresh) == rows + 2, 30)  # noqa: B023  asked within the loop
        process.send(number)
        assert process.wait() == (-9 if number is signal.SIGKILL else 0)
    until(lambda: fresh.seal(heartbeat_s=60) is not None)

    found = fresh.verify()
    assert (found.holds, found.rows) == (True, 4)
    assert kept(fresh) == list(range(1, found.seals + 1))
    log = (tmp_path / "home" / "logs" / "app" / "sealer.log").read_text()
    assert fresh.key.public.key_id in log
    assert "PRIVATE" not in log
    assert all(path.stat().st_mode & 0o077 == 0 for path in fresh.checkpoints.iterdir())
