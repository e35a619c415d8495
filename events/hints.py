"""Hints to Celery: published after the commit, never promised (DESIGN section 3).

A hint that is lost or doubled is harmless: the row it names is its own outbox, and the relay hints again. So nothing
here waits inside a request, and nothing raises into one: a hung Redis once held a publisher for 25 seconds.
"""

import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import redis
from celery import Celery
from kombu.exceptions import KombuError
from loguru import logger

from config.celery import QUEUE_OF, celery_settings
from config.clock import SYSTEM_CLOCK
from events import kombu_guard
from events.spacing import Hint, Spacing

if TYPE_CHECKING:
    from kombu.messaging import Producer

kombu_guard.install()

_FAILURES = (KombuError, redis.RedisError, OSError)
_QUEUE_LIMIT = 10_000
_CLOSE_S = 5
_WAKE: Hint = ("", ())


class HintPublisher:
    """Publishes task names with ids; `hint` from a background thread, `publish` at once."""

    def __init__(self, redis_url: str) -> None:
        self._app = Celery("opitios-hints", set_as_current=False)
        self._app.conf.update(celery_settings(redis_url, events=False))
        self._redis = redis.Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2)
        self._waiting: queue.Queue[tuple[Hint, int]] = queue.Queue(_QUEUE_LIMIT)
        self._spacing = Spacing(SYSTEM_CLOCK)
        self._producer: Producer | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()
        self._send = threading.Lock()

    def hint(self, task: str, *args: str, every_ms: int = 0) -> None:
        """Hand a hint to the background thread; a full queue drops it, the relay finds the row.

        With `every_ms` equal hints leave so far apart, many as one: for work that covers all there is to do.
        """
        if self._thread is None:
            self._begin()
        try:
            self._waiting.put_nowait(((task, args), every_ms))
        except queue.Full:
            logger.warning("Hints are not leaving: {} waiting, this one is left to the relay", _QUEUE_LIMIT)

    def publish(self, task: str, args: Sequence[str]) -> bool:
        """Publish now; return whether Redis took it."""
        with self._send:
            try:
                if self._producer is None:
                    self._producer = self._app.amqp.Producer(self._app.connection_for_write(), auto_declare=False)
                self._app.send_task(task, args=args, producer=self._producer, retry=False, ignore_result=True)
            except _FAILURES as error:
                self._drop_producer()
                logger.warning("Hint {} not published: {}", task, type(error).__name__)
                return False
        return True

    def depth(self, task: str) -> int | None:
        """Return how many messages wait in the task's queue, None when Redis does not say."""
        try:
            return int(self._redis.llen(QUEUE_OF[task]))
        except redis.RedisError:
            return None

    def ping(self) -> bool:
        """Return whether Redis answers."""
        try:
            return bool(self._redis.ping())
        except redis.RedisError:
            return False

    def workers(self, timeout_s: float = 1.0) -> set[str]:
        """Return the names of the workers that answer now (without their host)."""
        try:
            replies = self._app.control.ping(timeout=timeout_s)
        except _FAILURES:
            return set()
        return {name.partition("@")[0] for reply in replies for name in reply}

    def answers(self, node: str, timeout_s: float = 2.0) -> bool:
        """Tell whether the worker `name@host` answers now."""
        try:
            return bool(self._app.control.ping(destination=[node], timeout=timeout_s))
        except _FAILURES:
            return False

    def close(self) -> None:
        """Publish what waits, then let the connections go; what has not left after five seconds is the relay's."""
        self._closing.set()
        if self._thread is not None:
            with suppress(queue.Full):  # a full queue wakes the thread by itself
                self._waiting.put_nowait((_WAKE, 0))
            self._thread.join(_CLOSE_S)
        if self._send.acquire(timeout=0 if self._thread is not None and self._thread.is_alive() else _CLOSE_S):
            self._drop_producer()
            self._send.release()
            self._app.close()
        self._redis.close()

    def _begin(self) -> None:
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                hint, every_ms = self._waiting.get(timeout=self._spacing.wait_s())
            except queue.Empty:
                hint, every_ms = _WAKE, 0
            if hint != _WAKE and (not every_ms or self._spacing.admit(hint, every_ms)):
                self.publish(*hint)
            for due in self._spacing.due():
                self.publish(*due)
        self._leave()

    def _leave(self) -> None:
        """Publish what waits until Redis refuses one: nothing of it is lost, the rows are due."""
        left = [hint for hint, _ in iter(self._taken, None) if hint != _WAKE] + self._spacing.kept()
        for hint in dict.fromkeys(left):
            if not self.publish(*hint):
                return

    def _taken(self) -> tuple[Hint, int] | None:
        try:
            return self._waiting.get_nowait()
        except queue.Empty:
            return None

    def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.close()  # type: ignore[no-untyped-call]  # kombu types half of itself
            except _FAILURES:
                logger.debug("a broken producer did not close cleanly")
