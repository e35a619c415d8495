"""The unit of work as services see it: statements on one connection, no commit (R4: the edge commits)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.sql import Executable

Params = Mapping[str, Any]


class Unit:
    """Statements inside one transaction (or single statements of their own, see `models.session`).

    Hot statements are plain SQL with `%(name)s` parameters, executed as they stand; everything else is SQLAlchemy
    Core. Neither form is ever built from a caller's text.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, statement: str | Executable, params: Params | None = None) -> Sequence[Row[Any]]:
        """Return all rows of a statement."""
        if isinstance(statement, str):
            return self._connection.exec_driver_sql(statement, dict(params or {})).all()
        return self._connection.execute(statement, dict(params or {})).all()

    def row(self, statement: str | Executable, params: Params | None = None) -> Row[Any] | None:
        """Return the only row of a statement, or None."""
        rows = self.rows(statement, params)
        return rows[0] if rows else None

    def run(self, statement: str | Executable, params: Params | None = None) -> int:
        """Execute a statement that returns no rows; return how many rows it touched."""
        if isinstance(statement, str):
            return self._connection.exec_driver_sql(statement, dict(params or {})).rowcount
        return self._connection.execute(statement, dict(params or {})).rowcount
