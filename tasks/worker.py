"""A worker process: `python -m tasks.worker entries|exits|sell|background`, threads because its work is waiting.

A second worker of a kind on the same host has a number: `python -m tasks.worker entries-2`.
"""

import gc
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from celery.signals import worker_ready, worker_shutdown

from config.celery import CHECK_BALANCES, RECONCILE_ACCOUNTS, SYNC_INSTRUMENTS, WORKER_QUEUES
from config.logging import setup_logging
from services.process_record import STARTED, STOPPED
from tasks.app import app
from tasks.context import context
from tasks.heartbeat import keep_beating
from tasks.sell import Metronome, seller
from tasks.sell_process import enter, leave
from tasks.waiting import wait_for_dependencies

# what keeps the record yields to what trades: without it, each round of polls held new orders up
_NICENESS = {"background": 5}
_THREADS = {"sell": 2}  # a tick at a time, and one that finds it busy
_PLACING = {"entries", "exits"}
_HEARTBEAT_S = 5


@worker_ready.connect
def begin(sender: Any, **_: Any) -> None:
    """Read accounts and instruments at once: orders wait until an account has been read."""
    if _kind(str(sender.hostname)) == "background":
        context().hints.hint(CHECK_BALANCES)
        context().hints.hint(SYNC_INSTRUMENTS)
        context().hints.hint(RECONCILE_ACCOUNTS)


@worker_ready.connect
def settle(**_: Any) -> None:
    """Keep what the start has made, 200,000 objects, out of the collections to come.

    A tick of the seller makes enough rows for one or two of them, and each took 40 ms.
    """
    gc.collect()
    gc.freeze()


@worker_shutdown.connect
def release(**_: Any) -> None:
    """Let go of what the process holds."""
    ctx = context()
    ctx.live.stop()
    ctx.tell(STOPPED)
    ctx.close()
    leave(ctx.settings.home)


def consume(name: str, queues: Sequence[str], threads: int) -> None:
    """Work these queues off until SIGTERM, then finish the tasks that run (warm shutdown).

    The heartbeat is an event too: it is what Flower knows a worker by that has nothing to do.
    """
    heartbeat = f"--heartbeat-interval={_HEARTBEAT_S}" if app.conf.worker_send_task_events else "--without-heartbeat"
    app.worker_main(
        [
            "--quiet",  # its banner would go past the log
            "worker",
            f"--hostname={name}@%h",
            f"--queues={','.join(queues)}",
            "--pool=threads",
            f"--concurrency={threads}",
            "--without-gossip",
            "--without-mingle",
            heartbeat,
            "--loglevel=INFO",
        ]
    )


def _kind(name: str) -> str | None:
    """Return the kind of a worker's name, `entries` for entries, entries-2 and entries-2@host; None for no worker's."""
    found = re.fullmatch(rf"({'|'.join(WORKER_QUEUES)})(-\d+)?(@.*)?", name)
    return found[1] if found else None


def main(arguments: list[str]) -> int:
    """Run one worker until SIGTERM."""
    name = arguments[0] if len(arguments) == 1 else ""
    kind = _kind(name)
    if kind is None:
        sys.stderr.write(f"usage: python -m tasks.worker {'|'.join(WORKER_QUEUES)}[-NUMBER]\n")
        return 2
    ctx = context()
    setup_logging(ctx.settings)
    metronome = Metronome(seller()) if kind == "sell" else None
    if metronome is not None:
        enter(ctx.settings.home)
        keep_beating(ctx.settings.home)
        metronome.start()  # before Postgres or Redis is there: positions are watched from the snapshot
    wait_for_dependencies(ctx)
    ctx.tell(STARTED)
    if kind in _PLACING:
        ctx.begin_placing()
    ctx.live.start()
    os.nice(_NICENESS.get(kind, 0))
    consume(name, WORKER_QUEUES[kind], _THREADS.get(kind, ctx.settings.worker.threads))
    if metronome is not None:
        metronome.stop()
        seller().close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
