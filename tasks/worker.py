"""A worker process: `python -m tasks.worker entries|exits|background`, threads because its work is waiting."""

import os
import sys
from collections.abc import Sequence
from typing import Any

from celery.signals import worker_ready, worker_shutdown

from config.celery import CHECK_BALANCES, SYNC_INSTRUMENTS, WORKER_QUEUES
from config.logging import setup_logging
from tasks.app import app
from tasks.context import context
from tasks.waiting import wait_for_dependencies

# what keeps the record yields to what trades: without it, each round of polls held new orders up
_NICENESS = {"background": 5}


@worker_ready.connect
def begin(sender: Any, **_: Any) -> None:
    """Read accounts and instruments at once: orders wait until an account has been read."""
    if str(sender.hostname).startswith("background@"):
        context().hints.hint(CHECK_BALANCES)
        context().hints.hint(SYNC_INSTRUMENTS)


@worker_shutdown.connect
def release(**_: Any) -> None:
    """Let go of what the process holds."""
    ctx = context()
    ctx.hints.close()
    ctx.brokers.close()
    ctx.database.dispose()


def consume(name: str, queues: Sequence[str], threads: int) -> None:
    """Work these queues off until SIGTERM, then finish the tasks that run (warm shutdown)."""
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
            "--without-heartbeat",
            "--loglevel=INFO",
        ]
    )


def main(arguments: list[str]) -> int:
    """Run one worker until SIGTERM."""
    if len(arguments) != 1 or arguments[0] not in WORKER_QUEUES:
        sys.stderr.write(f"usage: python -m tasks.worker {'|'.join(WORKER_QUEUES)}\n")
        return 2
    name = arguments[0]
    ctx = context()
    setup_logging(ctx.settings)
    wait_for_dependencies(ctx)
    os.nice(_NICENESS.get(name, 0))
    consume(name, WORKER_QUEUES[name], ctx.settings.worker.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
