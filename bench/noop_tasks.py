"""Celery doing nothing, with our settings, threads and Redis: what the whole way of an order is compared with."""

import itertools
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import redis
from celery import Celery
from celery.signals import setup_logging

from bench.child import child, output_of
from config.celery import BACKGROUND_QUEUE, celery_settings
from config.settings import load_settings
from events.hints import HintPublisher

_TASK = "bench.noop"
_READY, _DONE = "bench:ready", "bench:done"
_START_S, _DRAIN_S = 30, 120


@contextmanager
def noop_worker(environ: Mapping[str, str]) -> Iterator[None]:
    """Run a worker of no-op tasks beside the stack that `environ` names."""
    client = _client(environ)
    try:
        with child("bench.noop_tasks", "worker", environ=environ):
            if client.blpop([_READY], timeout=_START_S) is None:
                raise RuntimeError("the no-op worker did not start")
            yield
    finally:
        client.close()


def noop_tasks_per_s(environ: Mapping[str, str], count: int) -> float:
    """Publish so many tasks while they are worked off; return tasks a second from first publish to last execution."""
    began_at = float(output_of("bench.noop_tasks", "publish", str(count), environ=environ))
    client = _client(environ)
    try:
        done: Any = client.blpop([_DONE], timeout=_DRAIN_S)
    finally:
        client.close()
    if done is None:
        raise RuntimeError(f"{count} no-op tasks were not done in {_DRAIN_S} s")
    return count / (float(done[1]) - began_at)


def work() -> None:
    """Consume until SIGTERM, started as tasks/worker.py starts ours."""
    settings, client = load_settings(), _client()
    app = Celery("opitios-bench")
    app.conf.update(celery_settings(_redis_url(), events=False))
    executed = itertools.count(1)  # its next() is one step of the interpreter, so threads can share it

    @setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]  # Celery's decorators carry no types
    def quiet(**_: Any) -> None:
        logging.basicConfig(level=logging.WARNING)

    @app.task(name=_TASK)  # type: ignore[untyped-decorator]  # likewise
    def noop(total: str) -> None:
        if next(executed) % int(total) == 0:
            client.rpush(_DONE, repr(time.time()))

    client.rpush(_READY, "1")
    threads = f"--concurrency={settings.worker.threads}"
    options = ["--pool=threads", threads, "--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["worker", "--hostname=noop@%h", f"--queues={BACKGROUND_QUEUE}", "--loglevel=WARNING", *options])


def publish(count: int) -> None:
    """Publish with our own publisher; print the epoch seconds of the first one."""
    publisher = HintPublisher(_redis_url())
    print(repr(time.time()), flush=True)
    for _ in range(count):
        if not publisher.publish(_TASK, [str(count)]):
            raise RuntimeError("Redis did not take a message")
    publisher.close()


def _redis_url(environ: Mapping[str, str] | None = None) -> str:
    """Return the stack's Redis with a database of its own: the queues there are another world."""
    return load_settings(environ).redis_url.get_secret_value().removesuffix("/0") + "/1"


def _client(environ: Mapping[str, str] | None = None) -> redis.Redis:
    return redis.Redis.from_url(_redis_url(environ), decode_responses=True)


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        work()
    else:
        publish(int(sys.argv[2]))
