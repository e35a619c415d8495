"""The unit of work as services see it: statements on one connection, no commit (R4: the edge commits)."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy.exc
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection
from sqlalchemy.sql import Executable

Params = Mapping[str, Any]
Statement = tuple[str, Params]
"""Plain SQL with its parameters."""
Row = Any
"""A row with its columns as attributes: psycopg's named tuple for plain SQL, SQLAlchemy's row for Core."""


class Unit:
    """Statements inside one transaction (or single statements of their own, see `models.session`).

    Hot statements are plain SQL with `%(name)s` parameters and go to psycopg as they stand: SQLAlchemy built the
    description of a result anew for each of them, a seventh of a worker's time. Everything else is SQLAlchemy Core.
    Neither form is ever built from a caller's text, and both raise `sqlalchemy.exc` errors.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, statement: str | Executable, params: Params | None = None) -> Sequence[Row]:
        """Return all rows of a statement."""
        if isinstance(statement, str):
            return self._execute(statement, params).fetchall()
        return self._connection.execute(statement, dict(params or {})).all()

    def row(self, statement: str | Executable, params: Params | None = None) -> Row | None:
        """Return the only row of a statement, or None."""
        rows = self.rows(statement, params)
        return rows[0] if rows else None

    def rows_of_each(self, statements: Sequence[Statement]) -> list[Sequence[Row]]:
        """Return the rows of several plain statements that need not wait for each other: one round trip for all.

        Each sees what those before it did; when one fails, its error is raised and the rest was not executed.
        """
        driver: Any = self._connection.connection.driver_connection
        try:
            with driver.pipeline():
                cursors = [
                    driver.cursor(row_factory=namedtuple_row).execute(statement.encode(), params)
                    for statement, params in statements
                ]
            return [cursor.fetchall() for cursor in cursors]
        except psycopg.Error as error:
            raise self._translated(error, "; ".join(statement for statement, _ in statements), driver) from error

    def run(self, statement: str | Executable, params: Params | None = None) -> int:
        """Execute a statement that returns no rows; return how many rows it touched."""
        if isinstance(statement, str):
            return self._execute(statement, params).rowcount
        return self._connection.execute(statement, dict(params or {})).rowcount

    def _execute(self, statement: str, params: Params | None) -> psycopg.Cursor[Any]:
        driver: Any = self._connection.connection.driver_connection
        try:
            # the parameters are always given, so that a % in a statement is read the same way with and without them
            cursor: psycopg.Cursor[Any] = driver.cursor(row_factory=namedtuple_row)
            return cursor.execute(statement.encode(), params or {})
        except psycopg.Error as error:
            raise self._translated(error, statement, driver) from error

    def _translated(self, error: psycopg.Error, statement: str, driver: Any) -> sqlalchemy.exc.DBAPIError:
        """Return SQLAlchemy's error of the same kind; a connection that is gone is dropped, and the pool with it."""
        connection, dialect = self._connection, self._connection.dialect
        gone = bool(driver.closed)
        if gone:
            connection.invalidate(error)
            connection.engine.dispose()  # what else the pool holds was opened before the server went away
            # whatever words it ended with (an idle transaction is an InternalError): the store was away
            return sqlalchemy.exc.OperationalError(
                statement, None, error, hide_parameters=True, connection_invalidated=True
            )
        translated = sqlalchemy.exc.DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True, dialect=dialect
        )
        return (
            translated
            if isinstance(translated, sqlalchemy.exc.DBAPIError)
            else sqlalchemy.exc.DBAPIError(statement, None, error)
        )
