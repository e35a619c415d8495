"""Opens units of work on one pool a process; only the edges (api, tasks, streams, cli) may import this."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from models.connection import PATIENCE_S
from models.pool import Pool, PoolStats
from models.unit import Unit


class Database:
    """A lazily connected pool (docs/decisions/0007). Make it after a fork, never before."""

    def __init__(
        self,
        url: str,
        *,
        application_name: str,
        pool_size: int = 10,
        keep: int = 1,
        patience_s: float = PATIENCE_S,  # float: seconds
    ) -> None:
        self._pool = Pool(url, application_name=application_name, limit=pool_size, keep=keep, patience_s=patience_s)

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """Open one transaction; it commits when the block ends and rolls back when it raises."""
        with self._pool.borrow() as connection:
            connection.autocommit = False
            try:
                yield Unit(connection)
                connection.commit()
            except BaseException:
                if not connection.closed:
                    connection.rollback()
                raise
            finally:
                if not connection.closed:
                    connection.autocommit = True

    @contextmanager
    def statement(self) -> Iterator[Unit]:
        """Open a unit whose every statement is a transaction of its own: one round trip for one statement."""
        with self._pool.borrow() as connection:
            yield Unit(connection)

    def stats(self) -> PoolStats:
        """Return the pool's gauges."""
        return self._pool.stats()

    def check(self) -> None:
        """Check the pool now instead of within ten seconds. Raises StoreAway."""
        self._pool.check()

    def report_to(self, report: Callable[[PoolStats], None]) -> None:
        """Have the gauges told after every check."""
        self._pool.on_check = report

    def dispose(self) -> None:
        """Close every connection; the next unit opens new ones."""
        self._pool.dispose()
