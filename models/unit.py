"""The unit of work as services see it: statements on one connection, no commit (R4: the edge commits)."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

Params = Mapping[str, Any]
_TRANSACTION_TIMEOUT = 17_00_00
Statement = tuple[str, Params]
"""SQL with its parameters."""
Row = Any
"""A row with its columns as attributes (psycopg's named tuple)."""

StoreError = psycopg.Error
"""Anything the database refuses or fails at; its text names the statement's fault, never its parameters."""
StoreAway = psycopg.OperationalError
"""The database is away, too busy or took a statement back whole: nothing is wrong with what was asked."""


class NotConnected(StoreAway):
    """No connection could be had in time: nothing was sent."""


def bounds_transactions(connection: "psycopg.Connection[Any]") -> bool:
    """Return whether the server can end a transaction by its age, whatever its client is doing (Postgres 17)."""
    return connection.info.server_version >= _TRANSACTION_TIMEOUT


class Unit:
    """Statements inside one transaction (or single statements of their own, see `models.session`).

    Each is SQL with `%(name)s` parameters that goes to psycopg as it stands, never built from a caller's text.
    """

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection

    def rows(self, statement: str, params: Params | None = None) -> Sequence[Row]:
        """Return all rows of a statement."""
        return self._execute(statement, params).fetchall()

    def rows_replanned(self, statement: str, params: Params | None = None) -> Sequence[Row]:
        """Return all rows of a statement that Postgres plans anew: one whose tables may have grown since its last plan.

        A prepared statement keeps the plan it got over near-empty tables until they are analyzed.
        """
        return self._execute(statement, params, prepare=False).fetchall()

    def row(self, statement: str, params: Params | None = None) -> Row | None:
        """Return the only row of a statement, or None."""
        rows = self.rows(statement, params)
        return rows[0] if rows else None

    def rows_of_each(self, statements: Sequence[Statement]) -> list[Sequence[Row]]:
        """Return the rows of several statements that need not wait for each other: one round trip for all.

        Each sees what those before it did; when one fails, its error is raised and the rest was not executed. A server
        that would let a client that stops in between keep its locks is asked one by one.
        """
        if not bounds_transactions(self._connection):
            return [self.rows(statement, params) for statement, params in statements]
        with self._connection.pipeline():
            cursors = [self._execute(statement, params) for statement, params in statements]
        return [cursor.fetchall() for cursor in cursors]

    def run(self, statement: str, params: Params | None = None) -> int:
        """Execute a statement that returns no rows; return how many rows it touched."""
        return self._execute(statement, params).rowcount

    def run_replanned(self, statement: str, params: Params | None = None) -> int:
        """Execute a statement that returns no rows, planned anew; return how many rows it touched."""
        return self._execute(statement, params, prepare=False).rowcount

    def _execute(self, statement: str, params: Params | None, *, prepare: bool | None = None) -> "psycopg.Cursor[Any]":
        # the parameters are always given, so that a % in a statement is read the same way with and without them
        cursor = self._connection.cursor(row_factory=namedtuple_row)
        return cursor.execute(statement.encode(), params or {}, prepare=prepare)
