"""Runs a report as `compliance_ro`, which can read nothing but the views: one snapshot, rows as they come."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from domain.errors import ReportsUnavailable
from models.connection import Connection
from reports.catalog import Report
from reports.columns import ROWS, Column
from reports.filters import Filters, conditions

__all__ = ["Filters", "Result", "run_report"]

LONG_S = 1800
_BATCH = 1000
_SPARE_S = 10  # the server's own limit comes first and says what it was
# Idle is what a reader looks like that compresses a spreadsheet: it may take as long as a statement.
_SESSION = (
    "-c timezone=UTC -c datestyle=ISO,YMD -c extra_float_digits=1 "
    "-c statement_timeout={0} -c idle_in_transaction_session_timeout={0}"
)

_DESCRIBE = """
SELECT transaction_timestamp(), a.attname, format_type(a.atttypid, a.atttypmod),
       coalesce(col_description(a.attrelid, a.attnum), '')
  FROM pg_attribute a
 WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
"""
# COPY hands out JSON as it is: a quote and a delimiter that it never has.
_AS_JSON = sql.SQL(
    "COPY ({}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', ESCAPE E'\\x01', DELIMITER E'\\x02', ENCODING 'UTF8')"
)
_AS_CSV = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')")


@dataclass(frozen=True, slots=True)
class Key:
    """A column that rows are ordered by."""

    column: Column
    descending: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What a report says at one moment: every reading of it sees the same rows.

    `as_of` is the database's clock when the snapshot was taken: what was committed before it is in the result.
    """

    report: Report
    filters: Filters
    fields: tuple[Column, ...]
    as_of: dt.datetime
    where: tuple[sql.Composable, ...]
    connection: "psycopg.Connection[Any]"

    @property
    def columns(self) -> Sequence[str]:
        """The columns' names."""
        return [column.name for column in self.fields]

    @property
    def query(self) -> str:
        """The statement with its values, as anybody may run it in psql."""
        return self.select(sql.SQL("*")).as_string(self.connection)

    @property
    def order(self) -> tuple[Key, ...]:
        """What the rows are ordered by: together different for any two rows."""
        known = {column.name: column for column in self.fields}
        return tuple(_key(part, known) for part in self.report.order_by.split(","))

    @property
    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The rows as Python's values."""
        return self.rows_of([column.value for column in self.fields])

    def rows_of(self, expressions: Sequence[sql.Composable]) -> Iterator[tuple[Any, ...]]:
        """Yield these of every row, fetched in batches."""
        with self.connection.cursor(name="report") as cursor:
            cursor.itersize = _BATCH
            cursor.execute(self.select(sql.SQL(", ").join(expressions)))
            yield from cursor

    def csv_lines(self) -> Iterator[bytes]:
        """Yield every row as a line of CSV without its end, nothing in it that a spreadsheet takes for a formula."""
        return self._copy(_AS_CSV, sql.SQL(", ").join(column.text for column in self.fields))

    def json_objects(self) -> Iterator[bytes]:
        """Yield every row as a JSON object."""
        return self._copy(_AS_JSON, self.json_object)

    @property
    def json_object(self) -> sql.Composable:
        """The expression that makes a row one JSON object."""
        named = (sql.SQL("{} AS {}").format(column.json, sql.Identifier(column.name)) for column in self.fields)
        return sql.SQL("(SELECT row_to_json(q)::text FROM (SELECT {}) q)").format(sql.SQL(", ").join(named))

    def count(self) -> int:
        """Return how many rows the filters let through, whatever the limit."""
        unlimited = replace(self, filters=replace(self.filters, limit=None))
        counted = sql.SQL("SELECT count(*) FROM ({}) q").format(unlimited.select(sql.SQL("1"), ordered=False))
        (found,) = self.connection.execute(counted).fetchone() or (0,)
        return int(found)

    def select(
        self, what: sql.Composable, *, also: Sequence[sql.Composable] = (), ordered: bool = True
    ) -> sql.Composed:
        """Return the statement that reads `what` of every row that fulfils the filters and `also`."""
        parts = [sql.SQL("SELECT {} FROM {} AS {}").format(what, self._view, sql.Identifier(ROWS))]
        where = [*self.where, *also]
        if where:
            parts.append(sql.SQL("WHERE {}").format(sql.SQL(" AND ").join(where)))
        if ordered:
            parts.append(sql.SQL("ORDER BY {}").format(sql.SQL(", ").join(map(_ordering, self.order))))
        if self.filters.limit is not None:
            parts.append(sql.SQL("LIMIT {}").format(sql.Literal(self.filters.limit)))
        return sql.SQL(" ").join(parts)

    @property
    def _view(self) -> sql.Composable:
        return sql.Identifier(*self.report.view.split("."))

    def _copy(self, form: sql.SQL, what: sql.Composable) -> Iterator[bytes]:
        # libpq hands COPY's output over row by row, each with the "\n" of its end
        with self.connection.cursor().copy(form.format(self.select(what))) as copy:
            for row in copy:
                yield bytes(row[:-1])


@contextmanager
def run_report(database_url: str, report: Report, filters: Filters, *, limit_s: int = LONG_S) -> Iterator[Result]:
    """Open a snapshot to read a report from; a statement that takes longer than `limit_s` ends with an error.

    Raises InvalidRequest for filters that the report does not have, ReportsUnavailable when it cannot be read.
    """
    with _reader(database_url, limit_s) as connection:
        described = connection.execute(_DESCRIBE, (report.view,)).fetchall()
        if not described:
            raise ReportsUnavailable(f"the database has no view {report.view}: bring it to the newest revision")
        fields = tuple(Column(*row[1:]) for row in described)
        where = tuple(conditions(report, fields, filters))
        try:
            yield Result(report, filters, fields, described[0][0], where, connection)
        except psycopg.errors.QueryCanceled:
            narrow = "ask for an account, or fewer days"
            raise ReportsUnavailable(f"{report.name} was stopped, or took longer than {limit_s} s: {narrow}") from None


@contextmanager
def _reader(database_url: str, limit_s: int) -> Iterator["psycopg.Connection[Any]"]:
    url = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    options = _SESSION.format(limit_s * 1000)
    connection = Connection.connect(url, connect_timeout=5, application_name="opitios-report", options=options)
    connection.patience_s = limit_s + _SPARE_S
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    try:
        yield connection
    except BaseException:  # also a signal: a query that nobody reads shall not go on
        with suppress(psycopg.Error):
            connection.cancel_safe(timeout=_SPARE_S)
        raise
    finally:
        connection.close()


def _key(part: str, known: dict[str, Column]) -> Key:
    name, _, direction = part.strip().partition(" ")
    return Key(known[name], {"": False, "ASC": False, "DESC": True}[direction])


def _ordering(key: Key) -> sql.Composable:
    return sql.SQL("{} DESC" if key.descending else "{}").format(key.column.value)
