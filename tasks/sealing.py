"""Seals the audit trail, seal by seal, and keeps each one's checkpoint outside the database (R29, decision 0025)."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import psycopg
from loguru import logger
from psycopg import sql

from config.seal_key import SealKey
from domain.seals import FIRST_PREVIOUS, FORMAT, FORMATS, Part, Seal
from events.checkpoints import CheckpointFiles
from reports.seals import StoredSeal, last_seal, seal_at, seals_after
from reports.trail import Stretch, lines_of

ROWS_PER_SEAL = 50_000
FIRST_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_KEPT_AT_ONCE = 1000
_TABLES = FORMATS[FORMAT]

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('opitios:sealer', 0))"
# a statement of its own, before the rows are read: what it says has ended cannot write into them any more
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, clock_timestamp()"
_INSERT = """
INSERT INTO audit.seals (seal_no, format, epoch, epoch_began_at, from_xid, to_xid, row_count, parts, root,
  previous_hash, hash, signature, key_id, host, sealed_at)
VALUES (%(seal_no)s, %(format)s, %(epoch)s, %(epoch_began_at)s, %(from_xid)s, %(to_xid)s, %(row_count)s, %(parts)s,
  %(root)s, %(previous_hash)s, %(hash)s, %(signature)s, %(key_id)s, %(host)s, %(sealed_at)s)
"""
_ROWS = "SELECT xid, recorded_at FROM {table} WHERE xid >= {first} AND xid < {last} AND recorded_at >= {began}"
_CUTS = """
SELECT min(xid) FROM (SELECT xid, (row_number() OVER (ORDER BY xid) - 1) / {size} AS chunk FROM ({rows}) r) c
 GROUP BY chunk ORDER BY 1
"""
_LATEST = "SELECT max(xid), max(recorded_at) FROM ({rows}) r WHERE recorded_at < 'infinity'"
_BEYOND = 1 << 62
_NEXT = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Planned:
    """The rows that one seal is to hold."""

    epoch: int
    stretch: Stretch


class Sealer:
    """Seals on one connection, for as long as it has the lock; `checkpoints` follow what is committed."""

    def __init__(
        self,
        connection: "psycopg.Connection[Any]",
        key: SealKey,
        checkpoints: CheckpointFiles,
        *,
        heartbeat: dt.timedelta,
        host: str,
        rows_per_seal: int = ROWS_PER_SEAL,
    ) -> None:
        self._connection, self._key, self._checkpoints = connection, key, checkpoints
        self._heartbeat, self._host, self._rows_per_seal = heartbeat, host, rows_per_seal
        self._kept_no: int | None = None  # the last checkpoint's seal, once it was read

    def takes_lock(self) -> bool:
        """Take the lock of sealing, which ends with the connection; False while another sealer has it."""
        return bool(self._value(_LOCK)[0])

    def catch_up(self) -> None:
        """Keep the checkpoints of the seals that have none: of a sealer that ended between its commit and its file.

        Raises OSError when they cannot be written; nothing is sealed then.
        """
        if self._kept_no is None:
            last = self._checkpoints.last()
            self._kept_no = 0 if last is None else last.seal_no
            stored = None if last is None else seal_at(self._connection, last.seal_no)
            if last is not None and (stored is None or stored.hash != last.hash):
                logger.critical(
                    "Seal {} of the last checkpoint is not in the database: run opitios audit verify", last.seal_no
                )
        pending: list[StoredSeal] = []
        for seal in seals_after(self._connection, self._kept_no):
            pending.append(seal)
            if len(pending) == _KEPT_AT_ONCE:
                self._keep(pending)
                pending = []
        self._keep(pending)

    def seal(self) -> Iterator[Seal]:
        """Seal what is due, and yield each seal once it is kept.

        Without new rows there is none until the heartbeat is due.
        """
        last = last_seal(self._connection)
        horizon, now = self._value(_HORIZON)
        previous, number = FIRST_PREVIOUS if last is None else last.hash, self._last_no(last)
        for batch in self._plan(last, horizon):
            seals = self._made(batch, previous, number + 1)
            is_young = last is not None and now - last.seal.sealed_at < self._heartbeat
            if is_young and not any(seal.row_count for seal in seals):
                break
            self._commit(seals)
            self.catch_up()
            previous, number = seals[-1].hash, seals[-1].seal_no
            yield from seals

    def _plan(self, last: StoredSeal | None, horizon: int) -> Iterator[Sequence[Planned]]:
        """Yield what is to be sealed, each batch in one transaction."""
        if last is None:
            yield from self._cut(1, Stretch(from_xid=0, to_xid=horizon, epoch_began_at=FIRST_EPOCH))
            return
        before = last.seal
        if horizon < before.to_xid:
            yield self._new_epoch(before, horizon)
        elif horizon > before.to_xid:
            rest = Stretch(from_xid=before.to_xid, to_xid=horizon, epoch_began_at=before.epoch_began_at)
            yield from self._cut(before.epoch, rest)

    def _cut(self, epoch: int, stretch: Stretch) -> Iterator[Sequence[Planned]]:
        """Yield stretches of some ten thousand rows: what one transaction wrote is never cut."""
        statement = sql.SQL(_CUTS).format(size=self._rows_per_seal, rows=_rows_in(stretch))
        firsts = [row[0] for row in self._connection.execute(statement)]
        bounds = sorted({stretch.from_xid, *firsts[1:], stretch.to_xid})
        for first, last in pairwise(bounds):
            yield [Planned(epoch, Stretch(from_xid=first, to_xid=last, epoch_began_at=stretch.epoch_began_at))]

    def _new_epoch(self, before: Seal, horizon: int) -> Sequence[Planned]:
        """Return what ends an epoch and what begins the next: transactions are counted anew since a restore.

        Rows that came with the restore and had no seal are the old epoch's last one: their transactions are beyond
        those that are sealed. The new epoch begins after them, so that what was written before this process came is in
        it. Both are committed together.
        """
        logger.critical(
            "Epoch {} begins: transactions are at {} and seal {} ended at {}; the database was restored",
            *(before.epoch + 1, horizon, before.seal_no, before.to_xid),
        )
        rest = Stretch(from_xid=before.to_xid, to_xid=_BEYOND, epoch_began_at=before.epoch_began_at)
        latest_xid, latest_at = self._value(sql.SQL(_LATEST).format(rows=_rows_in(rest)))
        if latest_xid is None:
            return [Planned(before.epoch + 1, Stretch(from_xid=0, to_xid=horizon, epoch_began_at=before.sealed_at))]
        began = max(before.sealed_at, latest_at + _NEXT)
        return [
            Planned(before.epoch, replace(rest, to_xid=latest_xid + 1, epoch_ended_at=began)),
            Planned(before.epoch + 1, Stretch(from_xid=0, to_xid=horizon, epoch_began_at=began)),
        ]

    def _made(self, batch: Sequence[Planned], previous: bytes, seal_no: int) -> list[Seal]:
        made: list[Seal] = []
        for number, planned in enumerate(batch, seal_no):
            stretch = planned.stretch
            made.append(
                Seal(
                    seal_no=number,
                    format=FORMAT,
                    epoch=planned.epoch,
                    epoch_began_at=stretch.epoch_began_at,
                    from_xid=stretch.from_xid,
                    to_xid=stretch.to_xid,
                    parts=self._parts(stretch),
                    previous_hash=made[-1].hash if made else previous,
                    key_id=self._key.public.key_id,
                    host=self._host,
                    sealed_at=self._value(_HORIZON)[1],
                )
            )
        return made

    def _parts(self, stretch: Stretch) -> tuple[Part, ...]:
        found = (
            Part.of(name, lines) for table in _TABLES for name, lines in lines_of(self._connection, table, stretch)
        )
        return tuple(sorted(found))

    def _last_no(self, last: StoredSeal | None) -> int:
        """Return the highest number that was ever given: one that a checkpoint has is not given to another seal."""
        return max(self._kept_no or 0, 0 if last is None else last.seal.seal_no)

    def _commit(self, seals: Sequence[Seal]) -> None:
        with self._connection.transaction():
            for seal in seals:
                self._connection.execute(_INSERT, _row(seal, self._key.sign(seal.signed)))

    def _keep(self, seals: Sequence[StoredSeal]) -> None:
        if not seals:
            return
        kept, self._kept_no = self._kept_no, None  # what was written only in part is looked at anew
        self._checkpoints.append([stored.checkpoint for stored in seals])
        self._kept_no = max(kept or 0, seals[-1].seal.seal_no)

    def _value(self, statement: str | sql.Composed) -> Any:
        query = statement.encode() if isinstance(statement, str) else statement
        return self._connection.execute(query).fetchone()


def _rows_in(stretch: Stretch) -> sql.Composed:
    return sql.SQL(" UNION ALL ").join(
        sql.SQL(_ROWS).format(
            table=sql.Identifier("audit", table.name),
            first=stretch.from_xid,
            last=stretch.to_xid,
            began=stretch.epoch_began_at,
        )
        for table in _TABLES
    )


def _row(seal: Seal, signature: bytes) -> dict[str, Any]:
    return {
        "seal_no": seal.seal_no,
        "format": seal.format,
        "epoch": seal.epoch,
        "epoch_began_at": seal.epoch_began_at,
        "from_xid": seal.from_xid,
        "to_xid": seal.to_xid,
        "row_count": seal.row_count,
        "parts": json.dumps([{"name": part.name, "rows": part.rows, "root": part.root.hex()} for part in seal.parts]),
        "root": seal.root,
        "previous_hash": seal.previous_hash,
        "hash": seal.hash,
        "signature": signature,
        "key_id": seal.key_id,
        "host": seal.host,
        "sealed_at": seal.sealed_at,
    }
