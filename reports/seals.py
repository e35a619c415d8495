"""Reads `audit.seals` as the seals that they describe, and what they claim of themselves (domain/seals.py)."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import namedtuple_row

from domain.checkpoints import Checkpoint
from domain.seals import Part, Seal

if TYPE_CHECKING:
    import psycopg

_PAGE = 1000
# a time that Python has no word for is another time: its seal does not hold
_TIME = "least(greatest({0}, '0001-01-02+00'), '9999-12-30+00') AS {0}"
_SEALS = f"""
SELECT seal_no, format, epoch, {_TIME.format("epoch_began_at")}, from_xid, to_xid, row_count, parts, root,
       previous_hash, hash, signature, key_id, host, {_TIME.format("sealed_at")}
  FROM audit.seals
"""  # noqa: S608  nothing of a caller's stands in it


@dataclass(frozen=True, slots=True)
class StoredSeal:
    """One row: the seal that its columns make, and the count, root, hash and signature that stand beside them."""

    seal: Seal
    row_count: int
    root: bytes
    hash: bytes
    signature: bytes

    @property
    def is_whole(self) -> bool:
        """Whether count, root and hash are those of the seal."""
        made = self.seal
        return (self.row_count, self.root, self.hash) == (made.row_count, made.root, made.hash)

    @property
    def checkpoint(self) -> Checkpoint:
        """Return what is kept of it outside."""
        return Checkpoint.of(self.seal, self.signature)


def last_seal(connection: "psycopg.Connection[Any]") -> StoredSeal | None:
    """Return the seal of the highest number."""
    return _one(connection, "ORDER BY seal_no DESC LIMIT 1", {})


def seal_at(connection: "psycopg.Connection[Any]", seal_no: int) -> StoredSeal | None:
    """Return a seal by its number."""
    return _one(connection, "WHERE seal_no = %(seal_no)s", {"seal_no": seal_no})


def seals_between(
    connection: "psycopg.Connection[Any]", first: dt.date | None, last: dt.date | None
) -> tuple[int, int, int] | None:
    """Return the numbers of the first and last seal made on these days (UTC), and how many rows they have."""
    row = connection.execute(
        "SELECT min(seal_no), max(seal_no), sum(row_count)::bigint FROM audit.seals "
        "WHERE (%(first)s::date IS NULL OR sealed_at >= %(first)s::date::timestamp AT TIME ZONE 'UTC') "
        "AND (%(last)s::date IS NULL OR sealed_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC')",
        {"first": first, "last": last},
    ).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1], row[2])


def seals_after(
    connection: "psycopg.Connection[Any]", seal_no: int, last_no: int | None = None
) -> Iterator[StoredSeal]:
    """Yield the seals with higher numbers, up to `last_no`, in their order."""
    while True:
        where = (
            "WHERE seal_no > %(after)s AND (%(last)s::bigint IS NULL OR seal_no <= %(last)s) "
            "ORDER BY seal_no LIMIT %(page)s"
        )
        page = _some(connection, where, {"after": seal_no, "last": last_no, "page": _PAGE})
        yield from page
        if len(page) < _PAGE:
            return
        seal_no = page[-1].seal.seal_no


def seals_of_part(connection: "psycopg.Connection[Any]", part: str, since: dt.datetime) -> Iterator[StoredSeal]:
    """Yield the seals made since then that have rows of this part, in their order."""
    seal_no = 0
    while True:
        where = (
            "WHERE seal_no > %(after)s AND sealed_at >= %(since)s "
            "AND parts @> jsonb_build_array(jsonb_build_object('name', %(part)s::text)) ORDER BY seal_no LIMIT %(page)s"
        )
        page = _some(connection, where, {"after": seal_no, "since": since, "part": part, "page": _PAGE})
        yield from page
        if len(page) < _PAGE:
            return
        seal_no = page[-1].seal.seal_no


def _one(connection: "psycopg.Connection[Any]", where: str, values: dict[str, Any]) -> StoredSeal | None:
    found = _some(connection, where, values)
    return found[0] if found else None


def _some(connection: "psycopg.Connection[Any]", where: str, values: dict[str, Any]) -> list[StoredSeal]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return [_stored(row) for row in cursor.execute((_SEALS + where).encode(), values)]


def _stored(row: Any) -> StoredSeal:
    seal = Seal(
        seal_no=row.seal_no,
        format=row.format,
        epoch=row.epoch,
        epoch_began_at=row.epoch_began_at,
        from_xid=row.from_xid,
        to_xid=row.to_xid,
        parts=_parts(row.parts),
        previous_hash=bytes(row.previous_hash),
        key_id=row.key_id,
        host=row.host,
        sealed_at=row.sealed_at,
    )
    return StoredSeal(seal, row.row_count, bytes(row.root), bytes(row.hash), bytes(row.signature))


def _parts(said: Any) -> tuple[Part, ...]:
    """Return the parts as they stand there; what is no list of parts is none, and its seal does not hold."""
    try:
        return tuple(Part(str(part["name"]), int(part["rows"]), bytes.fromhex(part["root"])) for part in said)
    except (KeyError, TypeError, ValueError):
        return ()
