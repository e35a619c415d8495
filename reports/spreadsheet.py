"""A report as a spreadsheet, written row by row: one sheet of rows, one that says what they are.

Not loaded by the API: xlsxwriter is for the command line alone.
"""

import datetime as dt
import json
import tempfile
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from psycopg import sql
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from domain.errors import ExportRefused
from reports.columns import NUMBERS, Column, Kind
from reports.query import Result
from reports.render import Written, about, instant, totals, weigh

MAX_ROWS = 1_048_576
_MAX_CELL = 32_767
_DIGITS = 15  # a cell's number is a binary one: what has more digits is a text, so that none is lost
_FORMS = {Kind.TIME: "yyyy-mm-dd hh:mm:ss.000", Kind.DAY: "yyyy-mm-dd"}
_NOTE = "Times are UTC; a spreadsheet holds them to the millisecond, the other forms to the microsecond."


def write_xlsx(result: Result, out: IO[bytes]) -> Written:
    """Write sheet `report` and sheet `about`. Raises ExportRefused, before anything is written, for too many rows."""
    written = weigh(result)
    if written.rows >= MAX_ROWS:
        raise ExportRefused(
            f"{written.rows} rows; a sheet holds {MAX_ROWS - 1} and its header: take csv or parquet, or fewer days"
        )
    with tempfile.TemporaryDirectory() as directory:  # where the sheets wait: gone with the block, whatever happens
        book = xlsxwriter.Workbook(out, {"constant_memory": True, "tmpdir": directory, "remove_timezone": True})
        try:
            forms = {kind: book.add_format({"num_format": form}) for kind, form in _FORMS.items()}
            _write_rows(book.add_worksheet("report"), result, forms)
            _write_about(book.add_worksheet("about"), result, written)
        except BaseException:  # closing the book would compress for a minute what nobody wants any more
            for sheet in book.worksheets():
                sheet.row_data_fh.close()
            raise
        book.close()
    return written


def _write_rows(sheet: Worksheet, result: Result, forms: dict[Kind, Format]) -> None:
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(result.fields):
        sheet.write_string(0, place, column.name)
    for number, row in enumerate(result.rows_of([_expression(column) for column in result.fields]), 1):
        for place, (value, column) in enumerate(zip(row, result.fields, strict=True)):
            if isinstance(value, dt.date):
                sheet.write_datetime(number, place, _as_written(value), forms[column.kind])
            elif value is not None:
                _write(sheet, (number, place), value, column.name)


def _expression(column: Column) -> sql.Composable:
    return column.number if column.kind in NUMBERS or column.kind in _FORMS else column.text


def _as_written(value: dt.date) -> dt.date:
    return value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value


def _write(sheet: Worksheet, at: tuple[int, int], value: Any, name: str) -> None:
    if isinstance(value, int | float | Decimal) and _fits(value):
        sheet.write_number(*at, float(value))
    else:
        _write_text(sheet, at, format(value, "f") if isinstance(value, Decimal) else str(value), name)


def _fits(value: float | Decimal) -> bool:
    exact = Decimal(value) if isinstance(value, int) else value
    return not isinstance(exact, Decimal) or (exact.is_finite() and len(exact.as_tuple().digits) <= _DIGITS)


def _write_text(sheet: Worksheet, at: tuple[int, int], text: str, name: str) -> None:
    if len(text) > _MAX_CELL:
        what = f"row {at[0]}, {name}: {len(text)} characters; a cell holds {_MAX_CELL}"
        raise ExportRefused(f"{what}: take csv, json or parquet")
    sheet.write_string(*at, text)


def _write_about(sheet: Worksheet, result: Result, written: Written) -> None:
    said = about(result)
    columns: list[dict[str, str]] = said.pop("columns")
    said["as_of"] = instant(result.as_of)
    said["filters"] = json.dumps(said["filters"], ensure_ascii=False)
    rows = [*said.items(), *totals(written).items(), ("note", _NOTE), ("", "")]
    named = [(column["name"], f"{column['type']}: {column['comment']}") for column in columns]
    for number, (name, value) in enumerate([*rows, *named]):
        sheet.write_string(number, 0, name)
        _write_text(sheet, (number, 1), str(value), name)
