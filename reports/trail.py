"""Reads the audit trail as the lines that seals are made of, in the order that seals count them (domain/seals.py)."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

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


@contextmanager
def open_trail(database_url: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Connect to read, with everything set that a line's text depends on."""
    url = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(url, connect_timeout=5, application_name="opitios-trail", autocommit=True) as connection:
        for setting in ("timezone = 'UTC'", "datestyle = 'ISO, YMD'", "bytea_output = 'hex'", "extra_float_digits = 1"):
            connection.execute(f"SET {setting}".encode())
        yield connection


def lines_of(
    connection: "psycopg.Connection[tuple[object, ...]]", table: SealedTable, stretch: Stretch
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield each part of a table that has rows in the stretch, by name, with its lines in the order of their leaves."""
    for part, found in groupby(labelled_lines(connection, _statement(table, stretch)), key=lambda pair: pair[0]):
        name = f"{table.name}/{part.decode()}" if part else table.name
        yield name, (line for _, line in found)


def labelled_lines(
    connection: "psycopg.Connection[tuple[object, ...]]", query: sql.Composed
) -> Iterator[tuple[bytes, bytes]]:
    """Yield label and line of a query whose one column is a label without blanks, a blank, and the line."""
    rest = b""
    with connection.cursor().copy(_COPY.format(query)) as copy:
        for block in copy:
            *whole, rest = (rest + bytes(block)).split(b"\n")
            for line in whole:
                label, _, text = line.partition(b" ")
                yield label, text


# a quote and a delimiter that JSON never has: COPY then hands the lines out as they are
_COPY = sql.SQL(
    "COPY ({}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', ESCAPE E'\\x01', DELIMITER E'\\x02', ENCODING 'UTF8')"
)

_LINES = """
SELECT {month} || ' ' || row_to_json(t)::text
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
        order=sql.SQL(", ").join(order),
    )
