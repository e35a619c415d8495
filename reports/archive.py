"""Writes a month of the audit trail to a Parquet file, and checks such a file against the seals (docs/retention.md).

The file has every column of the table for whoever reads it and `line`, the text that was sealed, for whoever checks it.
The rows are in the order of the leaves: those of each seal follow one another and have its root.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from domain.seals import FORMATS, Part, Seal, SealedTable
from models.tables import METADATA
from reports.seal_rows import Trail, read_epochs, stretch
from reports.seals import seals_of_part
from reports.trail import lines_of

BATCH = 10_000
_PART = b"opitios.part"
_LINE = "line"
Tell = Callable[[int], None]
"""What to call with how many rows are done."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A month in a file: its part (`order_events/202011`), rows, and the file's SHA-256."""

    part: str
    rows: int
    sha256: str


class NoArchive(ValueError):
    """The file is no archive of a part of the trail."""


def write_archive(trail: Trail, part: str, path: Path, tell: Tell) -> Archive:
    """Write every sealed row of the part. Raises ValueError for a part that is no month of a sealed table."""
    since = _month(part)
    epochs, rows = read_epochs(trail), 0
    runs = _runs(stored.seal for stored in seals_of_part(trail, part, since))
    schema = _schema(part, max((first.format for first, _ in runs), default=min(FORMATS)))
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for first, last in runs:
            table = _table(part, first.format)
            partition = replace(table, name=part.replace("/", "_"))
            for _, lines in lines_of(trail, partition, stretch(first, last, epochs)):
                while batch := list(islice(lines, BATCH)):
                    writer.write_batch(_batch(batch, schema))
                    rows += len(batch)
                    tell(rows)
    with path.open("rb") as file:
        return Archive(part, rows, hashlib.file_digest(file, "sha256").hexdigest())


def check_archive(trail: Trail, path: Path, tell: Tell) -> tuple[Archive, Sequence[str]]:
    """Compare a file with the seals; return what it is and what does not hold, seal by seal.

    Raises NoArchive for a file that is none. The seals themselves are checked by `opitios audit verify`.
    """
    try:
        with path.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
        with pq.ParquetFile(path) as file:
            part = (file.schema_arrow.metadata or {}).get(_PART, b"").decode()
            since = _month(part)
            wrong: list[str] = []
            lines = _lines(file, wrong, tell)
            for stored in seals_of_part(trail, part, since):
                held = next(one for one in stored.seal.parts if one.name == part)
                found = list(islice(lines, held.rows))
                if not found or Part.of(part, found) != held:
                    wrong.append(f"seal {stored.seal.seal_no}: its {held.rows} rows are not those that were sealed")
            more = sum(1 for _ in lines)
            if more:
                wrong.append(f"{more} rows at the end stand in no seal")
            return Archive(part, file.metadata.num_rows, digest), wrong
    except (pa.ArrowInvalid, ValueError, KeyError) as error:
        raise NoArchive(f"{path} is no archive of the audit trail: {error}") from None


def _lines(file: Any, wrong: list[str], tell: Tell) -> Iterator[bytes]:
    """Yield the sealed texts; what the other columns say otherwise is wrong."""
    schema, done = file.schema_arrow, 0
    for batch in file.iter_batches(BATCH):
        lines = [line.encode() for line in batch.column(_LINE).to_pylist()]
        if not _batch(lines, schema).equals(batch):
            wrong.append(f"rows {done + 1} to {done + len(lines)}: columns say something else than the sealed text")
        done += len(lines)
        tell(done)
        yield from lines


def _runs(seals: Iterator[Seal]) -> list[tuple[Seal, Seal]]:
    """Return the first and the last of the seals that follow one another in one epoch and format."""
    runs: list[tuple[Seal, Seal]] = []
    for seal in seals:
        if runs and (runs[-1][1].epoch, runs[-1][1].format) == (seal.epoch, seal.format):
            runs[-1] = runs[-1][0], seal
        else:
            runs.append((seal, seal))
    return runs


def _month(part: str) -> dt.datetime:
    """Return a moment before any row of the part was sealed."""
    table, _, month = part.partition("/")
    if not any(known.name == table and known.dated_by for known in FORMATS[max(FORMATS)]):
        raise ValueError(f"part {part!r}: expected order_events/YYYYMM or operations/YYYYMM")
    return dt.datetime.strptime(f"{month}+0000", "%Y%m%z") - dt.timedelta(days=1)


def _table(part: str, number: int) -> SealedTable:
    return next(known for known in FORMATS[number] if known.name == part.partition("/")[0])


def _schema(part: str, number: int) -> Any:
    columns = METADATA.tables[f"audit.{part.partition('/')[0]}"].columns
    fields = [(name, _arrow(columns[name].type)) for name in _table(part, number).columns]
    return pa.schema([*fields, (_LINE, pa.string())], metadata={_PART: part.encode()})


def _arrow(kind: Any) -> Any:
    if isinstance(kind, sa.Numeric):
        return pa.decimal128(kind.precision, kind.scale)
    known = {sa.Date: pa.date32(), sa.DateTime: pa.timestamp("us", tz="UTC"), sa.BigInteger: pa.int64()}
    known |= {sa.Boolean: pa.bool_()}
    return next((arrow for column, arrow in known.items() if isinstance(kind, column)), pa.string())


def _batch(lines: Sequence[bytes], schema: Any) -> Any:
    rows = [json.loads(line, parse_float=Decimal) for line in lines]
    arrays = [pa.array([_value(row.get(field.name), field.type) for row in rows], field.type) for field in schema]
    arrays[-1] = pa.array([line.decode() for line in lines], pa.string())
    return pa.record_batch(arrays, schema=schema)


def _value(value: Any, kind: Any) -> Any:
    """Return what a column holds of a value of the text; an object becomes text again."""
    if value is None:
        return None
    if pa.types.is_timestamp(kind):
        return dt.datetime.fromisoformat(value)
    if pa.types.is_date(kind):
        return dt.date.fromisoformat(value)
    if pa.types.is_decimal(kind):
        return Decimal(value)
    return json.dumps(value, default=float) if isinstance(value, dict | list) else value
