"""Spreadsheets and Parquet, read back: what was written is what the database has."""

import datetime as dt
import io
import json
import zipfile
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import ExportRefused
from reports import spreadsheet
from reports.parquet import write_parquet
from reports.query import Result
from reports.render import weigh
from reports.spreadsheet import write_xlsx
from tests.reports.conftest import Reader
from tests.support.reports import HARMLESS, ROWS, Owner

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def written_by(write: Any, result: Result) -> bytes:
    out = io.BytesIO()
    assert write(result, out) == weigh(result)
    return out.getvalue()


def sheet(content: bytes, number: int) -> list[dict[str, tuple[str, str]]]:
    """Return a sheet's rows: each cell's column, its type and its text. A formula is an AssertionError."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        tree = ET.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314  our own
    assert tree.find(f".//{_MAIN}f") is None
    rows = []
    for row in tree.iter(f"{_MAIN}row"):
        cells = {}
        for found in row.iter(f"{_MAIN}c"):
            text = "".join(part.text or "" for part in found.iter() if part.tag in {f"{_MAIN}t", f"{_MAIN}v"})
            cells[found.get("r", "").rstrip("0123456789")] = (found.get("t", "n"), text)
        rows.append(cells)
    return rows


def test_a_spreadsheet_has_numbers_as_numbers_times_as_times_and_texts_as_texts(read: Reader) -> None:
    with read() as result:
        content = written_by(write_xlsx, result)
        notes = {row[0]: row[8] for row in result.rows}
        query = result.query
    header, *rows = sheet(content, 1)
    assert [text for _, text in header.values()][:5] == ["n", "account", "day", "at", "amount"]
    assert len(rows) == ROWS
    twenty = next(row for row in rows if row["A"] == ("n", "20"))
    assert (twenty["E"], twenty["G"], twenty["H"]) == (("n", "2.5"), ("n", "5"), ("inlineStr", "true"))
    assert twenty["F"] == ("inlineStr", "6.6666666666666667")  # more digits than a cell's number holds
    assert twenty["M"] == ("inlineStr", "9007199254741013")
    days = dt.datetime(2026, 3, 1, 12, 0, 2, 123000) - dt.datetime(1899, 12, 30)  # noqa: DTZ001  a sheet has no zones
    assert float(twenty["D"][1]) == pytest.approx(days / dt.timedelta(days=1), abs=1e-8)
    bites = next(number for number, note in notes.items() if note == "=1+1")
    assert next(row for row in rows if row["A"] == ("n", str(bites)))["I"] == ("inlineStr", "'=1+1")
    assert all(notes[int(row["A"][1])] in HARMLESS or row["I"][1].startswith("'") for row in rows)
    said = {row["A"][1]: row["B"][1] for row in sheet(content, 2) if "B" in row and "A" in row}
    assert (said["query"], said["row_count"], said["report"]) == (query, str(ROWS), "sample")
    assert len(said["sha256"]) == 64


def test_more_rows_than_a_sheet_holds_are_refused_before_anything_is_written(
    read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_ROWS", ROWS)
    out = io.BytesIO()
    with read() as result, pytest.raises(ExportRefused, match=f"{ROWS} rows; a sheet holds {ROWS - 1}"):
        write_xlsx(result, out)
    assert out.getvalue() == b""


def test_a_text_that_a_cell_cannot_hold_is_refused_and_not_cut(read: Reader, owner: Owner) -> None:
    owner.execute("UPDATE public.sample SET account = repeat('x', 32768) WHERE n = 3")
    try:
        with read() as result, pytest.raises(ExportRefused, match="account: 32768 characters; a cell holds 32767"):
            write_xlsx(result, io.BytesIO())
    finally:
        owner.execute("UPDATE public.sample SET account = 'acc-1' WHERE n = 3")


def test_parquet_has_exact_decimals_times_in_utc_and_says_what_it_is(read: Reader) -> None:
    with read() as result:
        table = pq.read_table(io.BytesIO(written_by(write_parquet, result)))
        rows = list(result.rows)
    assert table.schema.field("amount").type == pa.decimal128(20, 8)
    assert table.schema.field("at").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("amount").metadata[b"comment"] == b"What it costs, in USD."
    found = table.to_pylist()
    assert len(found) == ROWS
    for row, wanted in zip(found, rows, strict=True):
        assert (row["n"], row["day"], row["at"], row["note"], row["rank"]) == (
            wanted[0], wanted[2], wanted[3], wanted[8], wanted[11],
        )  # fmt: skip
        assert (row["amount"], row["big"], row["good"]) == (wanted[4], wanted[12], wanted[7])
        assert row["ratio"] == wanted[5] == Decimal(wanted[5])
    said = json.loads(table.schema.metadata[b"opitios.report"])
    assert (said["report"], said["row_count"], said["columns"][0]["name"]) == ("sample", ROWS, "n")


def test_an_empty_parquet_still_has_its_columns(read: Reader) -> None:
    with read(account="nobody") as result:
        table = pq.read_table(io.BytesIO(written_by(write_parquet, result)))
        assert (table.num_rows, table.column_names) == (0, list(result.columns))


def test_a_number_that_parquet_cannot_hold_is_refused_by_name(read: Reader, owner: Owner) -> None:
    owner.execute("UPDATE public.sample SET ratio = 1e30 WHERE n = 3")
    try:
        with read() as result, pytest.raises(ExportRefused, match="ratio: "):
            write_parquet(result, io.BytesIO())
    finally:
        owner.execute("UPDATE public.sample SET ratio = 1 WHERE n = 3")
