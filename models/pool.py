"""The connections of one process: lazy, bounded, checked every ten seconds, and counted (US-SYSTEM-020)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy.exc
from sqlalchemy import event
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from config.clock import SYSTEM_CLOCK
from models.connection import PATIENCE_S, Connection
from models.unit import NotConnected, StoreAway, bounds_transactions

CHECK_S = 10
_CONNECT_S = 2
_KEPT_CHECKS = 6  # what nobody needed in a minute is closed
# a lock that is not got, a statement that hangs or a transaction left open must not hold an account for long (R6)
_SESSION_LIMITS = "-c lock_timeout=2000 -c statement_timeout=5000 -c idle_in_transaction_session_timeout=2000"
# a client that stops inside a pipeline is not idle for the server: without it, its locks stayed for as long as it stood
_TRANSACTION_LIMIT = "SET transaction_timeout = 10000"


@dataclass(frozen=True, slots=True)
class PoolStats:
    """What a pool looks like now, and what it has counted since its start; waiting in ms."""

    limit: int
    active: int
    idle: int
    waiting: int
    borrowed: int
    waited_ms: float  # float: milliseconds
    errors: int
    replaced: int


class Pool:
    """At most `limit` connections, at least `keep` once it was used; LIFO, so that few are used and the rest can go.

    A connection is opened by whoever needs it, so a server that is away is an error at once and not a wait.
    """

    def __init__(
        self,
        url: str,
        *,
        application_name: str,
        limit: int,
        keep: int,
        patience_s: float = PATIENCE_S,  # float: seconds
    ) -> None:
        self._patience_s = patience_s
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._options: dict[str, Any] = {
            "connect_timeout": _CONNECT_S,
            "application_name": application_name,
            "options": _SESSION_LIMITS,
            "keepalives_idle": 10,
            "autocommit": True,
        }
        self._queue = QueuePool(
            self._connect,
            pool_size=limit,
            max_overflow=0,
            timeout=_CONNECT_S,
            use_lifo=True,
            recycle=1800,
            reset_on_return=None,  # whoever opens a transaction ends it
        )
        self._limit, self._keep = limit, min(keep, limit)
        self._lock = threading.Lock()
        self._open = self._active = self._waiting = self._borrowed = self._errors = self._replaced = 0
        self._waited_ms = 0.0  # float: milliseconds
        self._peaks = [0] * _KEPT_CHECKS
        self._closed = threading.Event()
        self._checker: threading.Thread | None = None
        self.on_check: Callable[[PoolStats], None] | None = None
        event.listen(self._queue, "connect", self._opened)
        event.listen(self._queue, "close", self._gone)

    @contextmanager
    def borrow(self) -> Iterator["psycopg.Connection[Any]"]:
        """Give a connection in autocommit for the block. Raises NotConnected when none can be had in time.

        One that is lost within the block ends it with StoreAway, whatever words the server had for it.
        """
        queue = self._queue
        borrowed = self._take()
        connection = _driver(borrowed)
        try:
            yield connection
        except psycopg.Error as error:
            if connection.closed and not isinstance(error, StoreAway):  # ended while idle: an InternalError
                raise StoreAway(str(error)) from error
            raise
        finally:
            if connection.closed:
                borrowed.invalidate()
                self._drop_idle()
            borrowed.close()
            if queue is not self._queue:
                queue.dispose()  # everything was dropped meanwhile, and this one has just come back to nobody
            with self._lock:
                self._active -= 1

    def stats(self) -> PoolStats:
        """Return the gauges."""
        with self._lock:
            return PoolStats(
                limit=self._limit,
                active=self._active,
                idle=max(0, self._open - self._active),
                waiting=self._waiting,
                borrowed=self._borrowed,
                waited_ms=round(self._waited_ms, 1),
                errors=self._errors,
                replaced=self._replaced,
            )

    def check(self) -> None:
        """Try every idle connection: drop the dead, open what is missing, close what nobody needed for a minute.

        Raises StoreAway when the server is.
        """
        with self._lock:
            wanted = max(self._keep, *self._peaks)
            self._peaks = [self._active, *self._peaks[:-1]]
            idle = self._open - self._active
            missing = self._keep - self._open
        held: list[PoolProxiedConnection] = []
        queue = self._queue
        try:
            for _ in range(idle + max(0, missing)):
                held.append(self._connection())
                if not _answers(_driver(held[-1])):
                    held.pop().invalidate()
                    with self._lock:
                        self._replaced += 1
                    held.append(self._connection())
            with self._lock:
                surplus = self._open - wanted
            for connection in held[: max(0, surplus)]:
                connection.invalidate()
        finally:
            for connection in held:
                connection.close()
            if queue is not self._queue:
                queue.dispose()  # likewise
            if self._closed.is_set():
                self._drop_idle()  # and what was opened since nobody would close

    def dispose(self) -> None:
        """Close every connection; the next to ask opens new ones."""
        self._closed.set()
        self._drop_idle()

    def _take(self) -> PoolProxiedConnection:
        if self._checker is None:
            self._start()
        began = SYSTEM_CLOCK.monotonic_ms()
        with self._lock:
            self._waiting += 1
        try:
            connection = self._connection()
        except StoreAway:
            with self._lock:
                self._waiting -= 1
                self._errors += 1
            raise
        with self._lock:
            self._waiting -= 1
            self._borrowed += 1
            self._waited_ms += SYSTEM_CLOCK.monotonic_ms() - began
            self._active += 1
            self._peaks[0] = max(self._peaks[0], self._active)
        return connection

    def _connection(self) -> PoolProxiedConnection:
        try:
            return self._queue.connect()
        except sqlalchemy.exc.TimeoutError:
            raise NotConnected(f"all {self._limit} connections are in use") from None
        except psycopg.OperationalError as error:
            raise NotConnected(str(error)) from error

    def _connect(self) -> Any:
        connection = Connection.connect(self._url, **self._options)
        connection.patience_s = self._patience_s
        try:
            if bounds_transactions(connection):
                connection.execute(_TRANSACTION_LIMIT)
        except psycopg.Error:
            connection.close()
            raise
        return connection

    def _drop_idle(self) -> None:
        """Close what is not in use: it was opened before the server went away."""
        with self._lock:
            before, self._queue = self._queue, self._queue.recreate()
        before.dispose()

    def _start(self) -> None:
        with self._lock:
            if self._checker is None:
                self._checker = threading.Thread(target=self._run, name="pool-check", daemon=True)
                self._checker.start()

    def _run(self) -> None:
        while not self._closed.wait(CHECK_S):
            with suppress(psycopg.Error):  # whoever needs it says so
                self.check()
                if self.on_check is not None:
                    self.on_check(self.stats())

    def _opened(self, *_: Any) -> None:
        with self._lock:
            self._open += 1

    def _gone(self, *_: Any) -> None:
        with self._lock:
            self._open -= 1


def _driver(connection: PoolProxiedConnection) -> "psycopg.Connection[Any]":
    driver: psycopg.Connection[Any] = connection.driver_connection  # type: ignore[assignment]  # named by SQLAlchemy's protocol
    return driver


def _answers(connection: "psycopg.Connection[Any]") -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
