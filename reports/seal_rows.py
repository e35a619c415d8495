"""Reads seals from the database as `domain/seals.py` has them, and says which rows each one is about."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from domain.seals import Part, Seal
from reports.trail import Stretch

Trail = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class StoredSeal:
    """A seal as the database has it: what its columns say, and the hash and signature that stand beside them."""

    seal: Seal
    hash: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Epoch:
    """A count of transactions: rows recorded from `began_at` until the next one's belong to it."""

    number: int
    began_at: dt.datetime


def read_epochs(trail: Trail) -> Sequence[Epoch]:
    """Return every epoch that has a seal, in their order."""
    rows = trail.execute(_EPOCHS).fetchall()
    return [Epoch(*row) for row in rows]  # type: ignore[arg-type]  # a bigint and a time


def read_seals(trail: Trail, first: int, last: int) -> Iterator[StoredSeal]:
    """Yield the seals of these numbers (both included), in their order, as they come."""
    where = sql.SQL("seal_no BETWEEN {} AND {}").format(first, last)
    yield from _stream(trail, where)


def seals_of_part(trail: Trail, part: str, since: dt.datetime) -> Iterator[StoredSeal]:
    """Yield the seals made since then that have rows of this part, in their order."""
    named = sql.SQL("parts @> jsonb_build_array(jsonb_build_object('name', {}::text))").format(part)
    yield from _stream(trail, sql.SQL("sealed_at >= {} AND {}").format(since, named))


def stretch(first: Seal, last: Seal, epochs: Sequence[Epoch]) -> Stretch:
    """Return the rows that these seals of one epoch, and those between them, are about."""
    ends = [epoch.began_at for epoch in epochs if epoch.number > first.epoch]
    return Stretch(
        from_xid=first.from_xid,
        to_xid=last.to_xid,
        epoch_began_at=first.epoch_began_at,
        epoch_ended_at=min(ends, default=None),
    )


# one look into the index per epoch: there are few of them and millions of seals
_EPOCHS = b"""
WITH RECURSIVE found (epoch, began_at) AS (
  (SELECT epoch, epoch_began_at FROM audit.seals ORDER BY epoch LIMIT 1)
  UNION ALL
  SELECT next.epoch, next.epoch_began_at
    FROM found, LATERAL (SELECT s.epoch, s.epoch_began_at FROM audit.seals s
                          WHERE s.epoch > found.epoch ORDER BY s.epoch LIMIT 1) next
)
SELECT epoch, began_at FROM found ORDER BY epoch
"""


def _stream(trail: Trail, where: sql.Composed) -> Iterator[StoredSeal]:
    statement = sql.SQL("SELECT * FROM audit.seals WHERE {} ORDER BY seal_no").format(where)
    with trail.cursor(row_factory=dict_row) as cursor:
        for row in cursor.stream(statement):
            yield _stored(row)


def _stored(row: dict[str, Any]) -> StoredSeal:
    parts = tuple(Part(part["name"], part["rows"], bytes.fromhex(part["root"])) for part in row["parts"])
    seal = Seal(
        seal_no=row["seal_no"],
        format=row["format"],
        epoch=row["epoch"],
        epoch_began_at=row["epoch_began_at"],
        from_xid=row["from_xid"],
        to_xid=row["to_xid"],
        parts=parts,
        previous_hash=row["previous_hash"],
        key_id=row["key_id"],
        host=row["host"],
        sealed_at=row["sealed_at"],
    )
    return StoredSeal(seal, row["hash"], row["signature"])
