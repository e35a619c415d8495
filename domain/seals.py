"""What a seal says of the audit trail, bit for bit: rows to leaves, leaves to roots, roots to a signed chain (R29).

A row is one line of text, as Postgres makes it (`row_to_json` over the columns of its table here, in UTC). Lines of the
same table and month, in the order of transaction and key, are the leaves of a Merkle tree (RFC 6962): a *part*. A seal
holds count and root of each part that has rows of the transactions `from_xid` <= xid < `to_xid`, the root over the
parts, and the hash of the seal before it; its own hash is what is signed. Nothing here may change for a format that was
ever used: seals that were made with it would no longer verify. A new column of a sealed table is a new format.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

FORMAT = 1
"""The format that new seals are made in."""
FIRST_PREVIOUS = bytes(32)
"""What stands for the hash before the first seal."""
SIGNED_WITH = b"opitios seal v1\n"
"""Precedes a seal's hash in what is signed, so that a signature of something else is never one of a seal."""
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table of schema `audit`: its columns as they are sealed, its key, and the date it is partitioned by."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    dated_by: str | None = None

    def part_of(self, day: dt.date | None) -> str:
        """Return the part that a row of this day belongs to: `order_events/202611`, or the table's name alone."""
        return self.name if day is None else f"{self.name}/{day:%Y%m}"


_WHO = ("source", "actor", "host", "process", "trace_id", "detail", "xid")
_KIND = ("account_type", "account_type_source")
_OUTCOME = ("success", "reason_code", "reason", "started_at", "occurred_at", "recorded_at", "total_ms", "network_ms")

FORMATS: Mapping[int, tuple[SealedTable, ...]] = {
    1: (
        SealedTable(
            "order_events",
            columns=(
                *("order_date", "order_id", "seq", "account_id", *_KIND, "event_type", "stage"),
                *(*_OUTCOME, *_WHO, "corrects_seq"),
            ),
            key=("order_date", "order_id", "seq"),
            dated_by="order_date",
        ),
        SealedTable(
            "operations",
            columns=(
                *("op_date", "operation_id", "operation", "account_id", "account_name", *_KIND, "symbol"),
                *(*_OUTCOME, *_WHO, "corrects"),
            ),
            key=("op_date", "operation_id"),
            dated_by="op_date",
        ),
        SealedTable(
            "config_changes",
            columns=(
                *("change_id", "subject", "old", "new", "actor", "host", "occurred_at", "recorded_at", "xid"),
                "corrects",
            ),
            key=("change_id",),
        ),
        SealedTable(
            "account_type_changes",
            columns=(
                *("change_id", "account_id", "occurred_at", "old_type", "new_type", "old_source", "new_source"),
                *("old_number", "new_number", "reason", "actor", "recorded_at", "xid"),
            ),
            key=("change_id",),
        ),
        SealedTable(
            "clock_checks",
            columns=(
                *("check_id", "host", "process", "occurred_at", "source", "synchronized", "offset_ms", "max_error_ms"),
                *("database_offset_ms", "detail", "recorded_at", "xid"),
            ),
            key=("check_id",),
        ),
    )
}
"""Which columns each format seals. Keys of earlier formats stay for ever."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """How many rows a seal holds of one table's month, and their Merkle root."""

    name: str
    rows: int
    root: bytes

    @classmethod
    def of(cls, name: str, lines: Iterable[bytes]) -> "Part":
        """Return the part of these lines, in their order; there must be one."""
        return cls(name, *_counted_root(map(leaf, lines)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One seal, without its signature. Parts stand in the order of their names; times are UTC."""

    seal_no: int
    format: int
    epoch: int
    epoch_began_at: dt.datetime
    from_xid: int
    to_xid: int
    parts: tuple[Part, ...]
    previous_hash: bytes
    key_id: str
    host: str
    sealed_at: dt.datetime

    @property
    def row_count(self) -> int:
        """Return how many rows it holds; none is a heartbeat: nothing was written."""
        return sum(part.rows for part in self.parts)

    @property
    def root(self) -> bytes:
        """Return the root over the parts, zeros without any."""
        said = [f"{part.name}:{part.rows}:{part.root.hex()}".encode() for part in self.parts]
        return merkle_root([leaf(line) for line in said]) if said else bytes(32)

    def header(self) -> bytes:
        """Return what is hashed: JSON with sorted keys and without spaces, numbers whole, hashes in hex."""
        content: dict[str, Any] = {
            "seal_no": self.seal_no,
            "format": self.format,
            "epoch": self.epoch,
            "epoch_began_at": _time(self.epoch_began_at),
            "from_xid": self.from_xid,
            "to_xid": self.to_xid,
            "rows": self.row_count,
            "parts": [{"name": part.name, "rows": part.rows, "root": part.root.hex()} for part in self.parts],
            "root": self.root.hex(),
            "previous_hash": self.previous_hash.hex(),
            "key_id": self.key_id,
            "host": self.host,
            "sealed_at": _time(self.sealed_at),
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

    @property
    def hash(self) -> bytes:
        """Return the hash that the next seal names, and that is signed."""
        return hashlib.sha256(self.header()).digest()

    @property
    def signed(self) -> bytes:
        """Return what the signature is of."""
        return SIGNED_WITH + self.hash


def leaf(line: bytes) -> bytes:
    """Return the leaf of a row's line."""
    return hashlib.sha256(b"\0" + line).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaves (RFC 6962, 2.1): an odd one at the end of a level goes up as it is.

    Raises ValueError without leaves.
    """
    if not leaves:
        raise ValueError("a Merkle root needs at least one leaf")
    level = list(leaves)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs]
        level = above + level[len(above) * 2 :]
    return level[0]


def _counted_root(leaves: Iterator[bytes]) -> tuple[int, bytes]:
    """Return how many leaves there were, and their root, without holding them all.

    Blocks of a power of two are whole subtrees: the tree over their roots is the tree over the leaves.
    """
    count, roots = 0, []
    while block := list(islice(leaves, _BLOCK)):
        count += len(block)
        roots.append(merkle_root(block))
    return count, merkle_root(roots)


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")
