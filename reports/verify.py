"""Verifies the audit trail: every row against its seal, every seal against the chain, its key and its checkpoint (R29).

It reads, and trusts nothing that stands in the database; what it trusts are the public keys and the checkpoints.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import sql

from config.seal_key import PublicKey, public_keys
from domain.seals import FIRST_PREVIOUS, FORMATS, SIGNED_WITH
from reports.checkpoints import key_files, read_checkpoints
from reports.findings import Kind, Verification
from reports.seals import StoredSeal, seal_at, seals_after, seals_between
from reports.trail import open_trail
from reports.verify_checkpoints import CheckpointTrack
from reports.verify_rows import SLACK_S, RowCheck

if TYPE_CHECKING:
    import psycopg

_CHUNK_ROWS = 50_000
_CHUNK_SEALS = 1000
SILENCE = dt.timedelta(minutes=5)
"""Longer without a seal is told: heartbeats come every minute."""

Progress = Callable[[int, int], None]
"""Is told how many rows were looked at, and how many there are to be looked at."""

_EPOCHS = """
SELECT epoch, least(greatest(min(epoch_began_at), '0001-01-02+00'), '9999-12-30+00'), max(to_xid)
  FROM audit.seals GROUP BY epoch ORDER BY epoch
"""
_ATTACHED = """
SELECT replace(c.relname, p.relname || '_', p.relname || '/')
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
 WHERE p.relnamespace = 'audit'::regnamespace
"""
_KINDS = """
SELECT n.name, c.relkind::text
  FROM unnest(%(names)s::text[]) AS n (name)
  LEFT JOIN pg_class c ON c.relname = n.name AND c.relnamespace = 'audit'::regnamespace
"""
_REST = """
SELECT count(*) FILTER (WHERE {young} AND xid < pg_snapshot_xmax(pg_current_snapshot())::text::bigint),
       count(*) FILTER (WHERE {lost} OR {young} AND xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
  FROM {table} WHERE {young} OR {lost}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The days (UTC) of the seals to be looked at; None: from the first, to the last."""

    first: dt.date | None = None
    last: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is trusted: public keys by fingerprint, and where the checkpoints lie (None: there are none)."""

    keys: Mapping[str, PublicKey]
    checkpoints: Path | None = None

    @classmethod
    def at(cls, checkpoints: Path, keys: Sequence[Path] = ()) -> "Evidence":
        """Return what lies there: without `keys`, those beside the checkpoints.

        Raises OSError for a key that cannot be read, ConfigError for one that is none.
        """
        found = checkpoints if checkpoints.exists() else None
        return cls(keys=public_keys(keys or (key_files(found) if found else ())), checkpoints=found)


@dataclass(frozen=True, slots=True)
class _Epoch:
    number: int
    began_at: dt.datetime
    to_xid: int
    ended_at: dt.datetime | None


def verify(
    database_url: str, evidence: Evidence, scope: Scope, progress: Progress = lambda _done, _of: None
) -> Verification:
    """Look at all seals of the days and at their rows, and return what was found.

    Without a last day it also looks for rows that no seal has. Raises psycopg.Error when the database cannot be read,
    OSError when checkpoints cannot.
    """
    with open_trail(database_url, "opitios-verify") as connection:
        return _Verifier(connection, evidence, scope, progress).run()


class _Verifier:
    def __init__(
        self, connection: "psycopg.Connection[Any]", evidence: Evidence, scope: Scope, progress: Progress
    ) -> None:
        self._connection, self._evidence, self._scope, self._progress = connection, evidence, scope, progress
        self._result = Verification()
        self._epochs = self._read_epochs()
        self._strangers: set[str] = set()  # keys that signed and are not known

    def run(self) -> Verification:
        span = seals_between(self._connection, self._scope.first, self._scope.last)
        first_no, last_no, total = span or (1, 0, 0)
        self._check_tables()
        track = self._track(first_no)
        rows = RowCheck(self._connection, self._result, retired=self._retired(), attached=self._attached())
        before = seal_at(self._connection, first_no - 1)
        for chunk in self._chunks(first_no, last_no):
            for stored in chunk:
                self._check_seal(before, stored)
                if track is not None:
                    track.meet(stored)
                before = stored
            if chunk[0].seal.format in FORMATS:
                rows.check(chunk, self._ended_at(chunk[0].seal.epoch))
            self._progress(self._result.rows + self._result.archived, total)
        rows.end()
        if track is not None and (span or self._scope.first is None):
            track.end(last_no=None if self._scope.last is None else last_no)
        if self._scope.last is None:
            self._check_rest(before)
        if span is None:
            self._result.add(Kind.UNCHECKED, "there is no seal of that time")
        return self._result

    def _chunks(self, first_no: int, last_no: int) -> Iterator[list[StoredSeal]]:
        """Yield seals whose rows are read together: of one epoch and format, each beginning where the last ended."""
        chunk: list[StoredSeal] = []
        rows = 0
        for stored in seals_after(self._connection, first_no - 1, last_no):
            if chunk and (
                rows + stored.row_count > _CHUNK_ROWS or len(chunk) == _CHUNK_SEALS or not _goes_on(chunk[-1], stored)
            ):
                yield chunk
                chunk, rows = [], 0
            chunk.append(stored)
            rows += stored.row_count
        if chunk:
            yield chunk

    def _check_seal(self, before: StoredSeal | None, stored: StoredSeal) -> None:
        result, seal = self._result, stored.seal
        result.first_seal = seal.seal_no if result.first_seal is None else result.first_seal
        result.last_seal, result.sealed_until = seal.seal_no, seal.sealed_at
        result.seals += 1
        result.keys.add(seal.key_id)
        if not stored.is_whole:
            what = f"seal {seal.seal_no} is not what its hash is of: it was changed"
            result.add(Kind.SEAL, what, seal_no=seal.seal_no, last_at=seal.sealed_at)
        if seal.format not in FORMATS:
            result.add(Kind.SEAL, f"seal {seal.seal_no} is of format {seal.format}", seal_no=seal.seal_no)
        self._check_signature(stored)
        for what in _breaks(before, stored):
            result.add(Kind.CHAIN, what, seal_no=seal.seal_no, last_at=seal.sealed_at)
        if before is not None:
            self._check_pause(before, stored)

    def _check_tables(self) -> None:
        """Look whether the trail's names are tables: a view in a table's place would show what it likes."""
        names = [*(table.name for table in FORMATS[max(FORMATS)]), "seals"]
        for name, kind in self._connection.execute(_KINDS, {"names": names}):
            if kind not in {"r", "p"}:
                what = f"audit.{name} is no table: what is read there is not the trail"
                self._result.add(Kind.OUTSIDE, what, part=name)

    def _check_signature(self, stored: StoredSeal) -> None:
        seal = stored.seal
        key = self._evidence.keys.get(seal.key_id)
        if key is None and seal.key_id in self._strangers:
            return
        if key is None:
            self._strangers.add(seal.key_id)
            what = f"seals from {seal.seal_no} on are signed with the key {seal.key_id}, which is not known here"
        elif key.has_signed(SIGNED_WITH + stored.hash, stored.signature):
            return
        else:
            what = f"seal {seal.seal_no} is not signed by the key {seal.key_id} that it names"
        self._result.add(Kind.SIGNATURE, what, seal_no=seal.seal_no, last_at=seal.sealed_at)

    def _check_pause(self, before: StoredSeal, stored: StoredSeal) -> None:
        first, last, number = before.seal.sealed_at, stored.seal.sealed_at, stored.seal.seal_no
        if last - first > SILENCE:
            what = f"nothing was sealed for {last - first} before seal {number}"
            self._result.add(Kind.SILENCE, what, seal_no=number, first_at=first, last_at=last)
        if first - last > dt.timedelta(seconds=SLACK_S):
            what = f"seal {number} says that it was made {first - last} before the seal before it"
            self._result.add(Kind.TIME, what, seal_no=number, first_at=last, last_at=first)
        if stored.seal.epoch != before.seal.epoch:
            what = f"epoch {stored.seal.epoch} begins with seal {number}: the database was restored"
            self._result.add(Kind.EPOCH, what, seal_no=number, first_at=first, last_at=last)

    def _check_rest(self, last: StoredSeal | None) -> None:
        """Look for rows that no seal has: too young for one, or put where no seal looks."""
        young: sql.Composable = sql.SQL("true")
        lost: sql.Composable = sql.SQL("false")
        if last is not None and self._epochs:
            current = self._epochs[-1]
            young = sql.SQL("(xid >= {} AND recorded_at >= {})").format(current.to_xid, current.began_at)
            lost = sql.SQL(" OR ").join(map(_lost_in, self._epochs))
            lost = sql.SQL("(xid < 0 OR recorded_at < {} OR {})").format(self._epochs[0].began_at, lost)
        for table in FORMATS[max(FORMATS)]:
            statement = sql.SQL(_REST).format(table=sql.Identifier("audit", table.name), young=young, lost=lost)
            row = self._connection.execute(statement).fetchone()
            unsealed, outside = row if row is not None else (0, 0)
            self._result.unsealed += unsealed
            if outside:
                what = f"{outside} rows of {table.name} lie where no seal looks for them"
                self._result.add(Kind.OUTSIDE, what, part=table.name, expected=0, found=outside)

    def _track(self, first_no: int) -> CheckpointTrack | None:
        place = self._evidence.checkpoints
        if place is None:
            what = "there are no checkpoints: an end that was cut off, or seals that were made anew, are not found"
            self._result.add(Kind.UNCHECKED, what)
            return None
        first = seal_at(self._connection, first_no) if first_no > 1 else None
        lines = read_checkpoints(place, since=None if first is None else first.seal.sealed_at)
        return CheckpointTrack(lines, self._evidence.keys, self._result, first_no)

    def _read_epochs(self) -> Sequence[_Epoch]:
        rows = self._connection.execute(_EPOCHS).fetchall()
        ends = [*(row[1] for row in rows[1:]), None]
        return [_Epoch(row[0], row[1], row[2], ended_at) for row, ended_at in zip(rows, ends, strict=True)]

    def _ended_at(self, epoch: int) -> dt.datetime | None:
        return next((found.ended_at for found in self._epochs if found.number == epoch), None)

    def _retired(self) -> frozenset[str]:
        known = self._connection.execute("SELECT to_regclass('audit.retired_parts') IS NOT NULL").fetchone()
        if known is None or not known[0]:
            return frozenset()
        return frozenset(row[0] for row in self._connection.execute("SELECT part FROM audit.retired_parts"))

    def _attached(self) -> frozenset[str]:
        partitions = {row[0] for row in self._connection.execute(_ATTACHED)}
        whole = {table.name for tables in FORMATS.values() for table in tables if table.dated_by is None}
        return frozenset(partitions | whole)


def _goes_on(before: StoredSeal, stored: StoredSeal) -> bool:
    first, second = before.seal, stored.seal
    return (first.epoch, first.epoch_began_at, first.format, first.to_xid) == (
        second.epoch,
        second.epoch_began_at,
        second.format,
        second.from_xid,
    ) and second.from_xid < second.to_xid


def _breaks(before: StoredSeal | None, stored: StoredSeal) -> Iterator[str]:
    """Yield in what a seal does not follow from the one before."""
    seal, number = stored.seal, stored.seal.seal_no
    if seal.from_xid >= seal.to_xid:
        yield f"seal {number} ends at transaction {seal.to_xid}, before it begins ({seal.from_xid})"
    if list(seal.parts) != sorted(seal.parts):
        yield f"the parts of seal {number} do not stand in their order"
    if before is not None:
        yield from _breaks_between(before, stored)
    elif number != 1:
        yield f"seal {number - 1} is not there: seal {number} is the first"
    elif (seal.previous_hash, seal.from_xid) != (FIRST_PREVIOUS, 0):
        yield f"seal {number} does not begin the chain"


def _breaks_between(before: StoredSeal, stored: StoredSeal) -> Iterator[str]:
    first, seal, number = before.seal, stored.seal, stored.seal.seal_no
    if number != first.seal_no + 1:
        yield f"between seals {first.seal_no} and {number} there are none"
    if seal.previous_hash != before.hash:
        yield f"seal {number} names another hash than that of seal {first.seal_no}"
    if seal.epoch == first.epoch:
        if (seal.from_xid, seal.epoch_began_at) != (first.to_xid, first.epoch_began_at):
            yield f"seal {number} begins at transaction {seal.from_xid}; seal {first.seal_no} ended at {first.to_xid}"
    elif seal.epoch != first.epoch + 1 or seal.from_xid != 0 or seal.epoch_began_at < first.epoch_began_at:
        yield f"seal {number} is of epoch {seal.epoch}, which does not follow from that of seal {first.seal_no}"


def _lost_in(epoch: _Epoch) -> sql.Composable:
    """Return what tells the rows of an epoch that came after its last seal; the epoch that goes on has none."""
    if epoch.ended_at is None:
        return sql.SQL("false")
    return sql.SQL("(xid >= {} AND recorded_at >= {} AND recorded_at < {})").format(
        epoch.to_xid, epoch.began_at, epoch.ended_at
    )
