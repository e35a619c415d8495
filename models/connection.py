"""A connection that waits only so long for an answer: a server that stands still keeps its sockets and says nothing."""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

from models.unit import StoreAway

T = TypeVar("T")

PATIENCE_S = 6  # longer than the server's own limits, which say what was wrong


class Connection(psycopg.Connection[Any]):
    """Raises StoreAway and is closed when an answer takes longer than `patience_s`; its outcome is not known then."""

    patience_s: float = PATIENCE_S  # float: seconds

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:  # float: seconds
        """Wait for a round trip's end."""
        try:
            return super().wait(gen, interval, self.patience_s if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if self.closed or error.sqlstate is not None:
                raise  # lost, or the server's own word
            self.close()
            raise StoreAway("the database did not answer in time") from error
