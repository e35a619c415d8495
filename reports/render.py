"""A report as bytes: CSV that no spreadsheet takes for a formula, JSON, and what every output says of itself."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any, Protocol

from reports.query import Result

Write = Callable[[Result, IO[bytes]], "Written"]
"""Writes a report in one form."""


class Out(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take them."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: rows, how many the filters let through in all, and SHA-256 of the rows as our CSV has them."""

    rows: int
    in_all: int
    sha256: str

    @property
    def is_whole(self) -> bool:
        """Whether no row was left out."""
        return self.rows == self.in_all


def instant(moment: dt.datetime) -> str:
    """Return a time in UTC to the microsecond, as the files write it."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def about(result: Result) -> dict[str, Any]:
    """Return what every output says of itself: which report, as of when, for which filters, by which query."""
    return {
        "report": result.report.name,
        "what": result.report.what,
        "as_of": instant(result.as_of),
        "filters": result.filters.shown(),
        "query": result.query,
        "columns": [{"name": column.name, "type": column.type, "comment": column.comment} for column in result.fields],
    }


def totals(written: Written) -> dict[str, Any]:
    """Return what every output says of its rows."""
    return {"row_count": written.rows, "rows_in_all": written.in_all, "sha256": written.sha256}


def write_csv(result: Result, out: Out) -> Written:
    """Write header and rows in the form of RFC 4180, in UTF-8; the SHA-256 is that of these bytes."""
    digest, rows = hashlib.sha256(), 0
    line = ",".join(result.columns).encode() + b"\r\n"
    out.write(line)
    digest.update(line)
    for row in result.csv_lines():
        line = row + b"\r\n"
        out.write(line)
        digest.update(line)
        rows += 1
    in_all = result.count() if rows == result.filters.limit else rows
    return Written(rows, in_all, digest.hexdigest())


def weigh(result: Result) -> Written:
    """Return what a report's CSV would be, without writing it: other forms carry its digest and its count."""
    return write_csv(result, _Nowhere())


def write_json(result: Result, out: Out) -> Written:
    """Write one object: what the report is, `rows` with a line each, and at its end their count and digest."""
    written = weigh(result)
    out.write(json.dumps(about(result), ensure_ascii=False).encode()[:-1] + b', "rows": [')
    for number, row in enumerate(result.json_objects()):
        out.write((b",\n" if number else b"\n") + row)
    out.write(b"\n], " + json.dumps(totals(written)).encode()[1:] + b"\n")
    return written


class _Nowhere:
    """Takes bytes and keeps none."""

    def write(self, _: bytes, /) -> None:
        """Let go of them."""


def cell(value: Any) -> str:
    """Return a value for a table on a screen: times in UTC to the millisecond, decimals without noise."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
