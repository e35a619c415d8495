"""The connections of one process: lazy, bounded, checked every ten seconds, and counted (US-SYSTEM-020)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy.exc
from sqlalchemy import Connection, Engine, create_engine, event

from config.clock import SYSTEM_CLOCK

CHECK_S = 10
_KEPT_CHECKS = 6  # what nobody needed in a minute is closed
# a lock that is not got, a statement that hangs or a transaction left open must not hold an account for long (R6)
_SESSION_LIMITS = "-c lock_timeout=2000 -c statement_timeout=5000 -c idle_in_transaction_session_timeout=2000"


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

    def __init__(self, url: str, *, application_name: str, limit: int, keep: int, connect_timeout_s: int) -> None:
        self._engine: Engine = create_engine(
            url,
            pool_size=limit,
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
        self._limit, self._keep = limit, min(keep, limit)
        self._lock = threading.Lock()
        self._open = self._active = self._waiting = self._borrowed = self._errors = self._replaced = 0
        self._waited_ms = 0.0  # float: milliseconds
        self._peaks = [0] * _KEPT_CHECKS
        self._closed = threading.Event()
        self._checker: threading.Thread | None = None
        self.on_check: Callable[[PoolStats], None] | None = None
        event.listen(self._engine, "connect", self._opened)
        event.listen(self._engine, "close", self._gone)

    @contextmanager
    def borrow(self, *, autocommit: bool) -> Iterator[Connection]:
        """Give a connection for the block. Raises sqlalchemy.exc.TimeoutError when none is free in time."""
        connection = self._take(self._autocommit if autocommit else self._engine)
        try:
            with connection:
                yield connection
        finally:
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

        Raises sqlalchemy.exc.SQLAlchemyError when the server is away.
        """
        with self._lock:
            wanted = max(self._keep, *self._peaks)
            self._peaks = [self._active, *self._peaks[:-1]]
            idle = self._open - self._active
            missing = self._keep - self._open
        held: list[Connection] = []
        try:
            for _ in range(idle + max(0, missing)):
                held.append(connection := self._autocommit.connect())
                self._try(connection)
            with self._lock:
                surplus = self._open - wanted
            for connection in held[: max(0, surplus)]:
                connection.invalidate()
        finally:
            for connection in held:
                connection.close()

    def dispose(self) -> None:
        """Close every connection; the next to ask opens new ones."""
        self._closed.set()
        self._engine.dispose()

    def _take(self, engine: Engine) -> Connection:
        if self._checker is None:
            self._start()
        began = SYSTEM_CLOCK.monotonic_ms()
        with self._lock:
            self._waiting += 1
        try:
            connection = engine.connect()
        except sqlalchemy.exc.SQLAlchemyError:
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

    def _try(self, connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute("SELECT 1")
        except psycopg.Error as error:
            connection.invalidate(error)
            with self._lock:
                self._replaced += 1
            connection.connection.driver_connection  # noqa: B018  opens the one in its place

    def _start(self) -> None:
        with self._lock:
            if self._checker is None:
                self._checker = threading.Thread(target=self._run, name="pool-check", daemon=True)
                self._checker.start()

    def _run(self) -> None:
        while not self._closed.wait(CHECK_S):
            with suppress(sqlalchemy.exc.SQLAlchemyError):  # whoever needs it says so
                self.check()
                if self.on_check is not None:
                    self.on_check(self.stats())

    def _opened(self, *_: Any) -> None:
        with self._lock:
            self._open += 1

    def _gone(self, *_: Any) -> None:
        with self._lock:
            self._open -= 1
