"""A report as Parquet for whoever computes with it: exact decimals, times in UTC to the microsecond.

Not loaded by the API: pyarrow is for the command line alone.
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from domain.errors import ExportRefused
from reports.columns import Column, Kind
from reports.query import Result
from reports.render import Written, about, totals, weigh

_GROUP = 20_000  # rows that are in memory at once
_WIDEST = (38, 20)  # a decimal of a sum or a quotient, whose type says nothing: 18 digits before the point

_TYPES: dict[Kind, Any] = {
    Kind.WHOLE: pa.int64(),
    Kind.BINARY: pa.float64(),
    Kind.TRUTH: pa.bool_(),
    Kind.TIME: pa.timestamp("us", tz="UTC"),
    Kind.DAY: pa.date32(),
}


def write_parquet(result: Result, out: IO[bytes]) -> Written:
    """Write the rows in groups; the schema's metadata `opitios.report` says what they are, in JSON.

    Raises ExportRefused for a number that its column's type cannot hold.
    """
    written = weigh(result)
    said = json.dumps(about(result) | totals(written), ensure_ascii=False)
    fields = [pa.field(column.name, _type(column), metadata=_comment(column)) for column in result.fields]
    schema = pa.schema(fields, metadata={"opitios.report": said})
    rows = result.rows_of([_expression(column) for column in result.fields])
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for group in _groups(rows):
            arrays = [_array(values, field) for values, field in zip(zip(*group, strict=True), schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return written


def _groups(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while group := list(islice(rows, _GROUP)):
        yield group


def _expression(column: Column) -> sql.Composable:
    if column.kind is Kind.DECIMAL:
        return column.number
    return column.value if column.kind in _TYPES else column.plain


def _array(values: tuple[Any, ...], field: Any) -> Any:
    try:
        return pa.array(values, field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ExportRefused(f"{field.name}: {error}; expected {field.type}: take csv or json") from None


def _type(column: Column) -> Any:
    if column.kind is Kind.DECIMAL:
        return pa.decimal128(*_precision(column.type))
    return _TYPES.get(column.kind, pa.string())


def _precision(sql_type: str) -> tuple[int, int]:
    """Return digits in all and behind the point: `numeric(20,8)` says them."""
    said = sql_type.partition("(")[2].rstrip(")")
    if not said:
        return _WIDEST
    digits, _, places = said.partition(",")
    return int(digits), int(places or 0)


def _comment(column: Column) -> dict[str, str]:
    return {"comment": column.comment} if column.comment else {}
