"""Report rows as text: one way to write a value, and CSV that no spreadsheet takes for a formula."""

import csv
import datetime as dt
from decimal import Decimal
from typing import Any, TextIO

from reports.query import Result

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: Any) -> str:
    """Return a value as text: times in UTC to the millisecond, decimals without noise, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def write_csv(result: Result, out: TextIO) -> int:
    """Write header and rows in the form of RFC 4180; return how many rows there were."""
    # With "\n" alone a bare "\r" in a text would go unquoted, and begin a row of its own in a spreadsheet.
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(result.columns)
    count = 0
    for row in result.rows:
        writer.writerow([_neutral(value) for value in row])
        count += 1
    return count


def _neutral(value: Any) -> str:
    text = cell(value)
    is_text = isinstance(value, str)
    return f"'{text}" if is_text and text.startswith(_FORMULA) else text
