"""Reads the audit trail as the lines that seals are made of, in the order that seals count them (domain/seals.py)."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from domain.seals import SealedTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Rows of an epoch with `from_xid` <= xid < `to_xid`; `epoch_ended_at` is None for the epoch that goes on."""

    from_xid: int
    to_xid: int
    epoch_began_at: dt.datetime
    epoch_ended_at: dt.datetime | None = None


_PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
# what a line's text depends on; nobody's functions or policies between the tables and us; and a chunk sorted in memory
_SETTINGS = (
    "timezone = 'UTC'",
    "datestyle = 'ISO, YMD'",
    "bytea_output = 'hex'",
    "extra_float_digits = 1",
    "search_path = pg_catalog",
    "row_security = off",
    "work_mem = '64MB'",
)


class TrailRow(NamedTuple):
    """One row: the month of its part, its transaction, when it was recorded (s since 1970, whole), and its line."""

    month: bytes
    xid: int
    recorded_s: int
    line: bytes


@contextmanager
def open_trail(
    database_url: str, application_name: str = "opitios-trail"
) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    """Connect to read, with everything set that a line's text depends on."""
    url = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(url, application_name=application_name, autocommit=True, **_PATIENCE) as connection:
        for setting in _SETTINGS:
            connection.execute(f"SET {setting}".encode())
        yield connection


def lines_of(
    connection: "psycopg.Connection[tuple[Any, ...]]", table: SealedTable, stretch: Stretch
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield each part of a table that has rows in the stretch, by name, with its lines in the order of their leaves."""
    for month, found in groupby(rows_of(connection, table, stretch), key=itemgetter(0)):
        yield part_name(table, month), (row.line for row in found)


def rows_of(
    connection: "psycopg.Connection[tuple[Any, ...]]", table: SealedTable, stretch: Stretch
) -> Iterator[TrailRow]:
    """Yield the rows of a table in the stretch: part after part, each in the order of its leaves."""
    for text in _copied(connection, _statement(table, stretch)):
        month, xid, recorded_s, line = text.split(b" ", 3)
        yield TrailRow(month, int(xid), int(recorded_s), line)


def labelled_lines(
    connection: "psycopg.Connection[tuple[Any, ...]]", query: sql.Composed
) -> Iterator[tuple[bytes, bytes]]:
    """Yield label and line of a query whose one column is a label without blanks, a blank, and the line."""
    for text in _copied(connection, query):
        label, _, line = text.partition(b" ")
        yield label, line


def part_name(table: SealedTable, month: bytes) -> str:
    """Return the name of the part that rows of this month belong to."""
    return f"{table.name}/{month.decode()}" if month else table.name


def _copied(connection: "psycopg.Connection[tuple[Any, ...]]", query: sql.Composed) -> Iterator[bytes]:
    """Yield what a query of one column says, row by row."""
    with connection.cursor().copy(_COPY.format(query)) as copy:
        rest = b""
        for block in copy:
            *whole, rest = (rest + bytes(block)).split(b"\n")
            yield from whole


# a quote and a delimiter that JSON never has: COPY then hands the lines out as they are
_COPY = sql.SQL(
    "COPY ({}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', ESCAPE E'\\x01', DELIMITER E'\\x02', ENCODING 'UTF8')"
)
_FOREVER_S = 1 << 40
_LINES = """
SELECT {month} || ' ' || t.xid || ' '
       || CASE WHEN isfinite(t.recorded_at) THEN floor(date_part('epoch', t.recorded_at))::bigint ELSE {forever} END
       || ' ' || row_to_json(t)::text
  FROM (SELECT {columns} FROM {table}
         WHERE xid >= {first} AND xid < {last} AND recorded_at >= {began} AND {ended}
         ORDER BY {order} OFFSET 0) t
"""


def _statement(table: SealedTable, stretch: Stretch) -> sql.Composed:
    month: sql.Composable = sql.SQL("''")
    order: list[sql.Composable] = [sql.Identifier("xid"), *map(sql.Identifier, table.key)]
    if table.dated_by is not None:
        month = sql.SQL("to_char(t.{}, 'YYYYMM')").format(sql.Identifier(table.dated_by))
        order = [sql.SQL("date_trunc('month', {})").format(sql.Identifier(table.dated_by)), *order]
    ended: sql.Composable = sql.SQL("true")
    if stretch.epoch_ended_at is not None:
        ended = sql.SQL("recorded_at < {}").format(stretch.epoch_ended_at)
    return sql.SQL(_LINES).format(
        month=month,
        columns=sql.SQL(", ").join(map(sql.Identifier, table.columns)),
        table=sql.Identifier("audit", table.name),
        first=stretch.from_xid,
        last=stretch.to_xid,
        began=stretch.epoch_began_at,
        ended=ended,
        forever=_FOREVER_S,
        order=sql.SQL(", ").join(order),
    )
