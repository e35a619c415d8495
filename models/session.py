"""Opens units of work on one pool a process; only the edges (api, tasks, streams, cli) may import this."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine

from models.unit import Unit

# a lock that is not got, a statement that hangs or a transaction left open must not hold an account for long (R6)
_SESSION_LIMITS = "-c lock_timeout=2000 -c statement_timeout=5000 -c idle_in_transaction_session_timeout=2000"


class Database:
    """A lazily connected pool. Make it after a fork, never before."""

    def __init__(self, url: str, *, application_name: str, pool_size: int = 10, connect_timeout_s: int = 2) -> None:
        self._engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=connect_timeout_s,
            pool_use_lifo=True,
            pool_recycle=1800,
            hide_parameters=True,  # an error in a log names the statement, never its values
            connect_args={
                "connect_timeout": connect_timeout_s,
                "application_name": application_name,
                "options": _SESSION_LIMITS,
                "keepalives_idle": 10,
            },
        )
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """Open one transaction; it commits when the block ends and rolls back when it raises."""
        with self._engine.begin() as connection:
            yield Unit(connection)

    @contextmanager
    def statement(self) -> Iterator[Unit]:
        """Open a unit whose every statement is a transaction of its own: one round trip for one statement."""
        with self._autocommit.connect() as connection:
            yield Unit(connection)

    def dispose(self) -> None:
        """Close every connection; the next unit opens new ones."""
        self._engine.dispose()
