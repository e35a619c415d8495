"""More workers for entries beside the one that a running house has."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from events.hints import HintPublisher
from stack.processes import PROJECT_ROOT
from tests.support.house import House, until


@contextmanager
def more_workers(house: House, names: Sequence[str], **environ: str) -> Iterator[None]:
    """Run `python -m tasks.worker NAME` for each name (`entries-2`) within the block, from when all of them answer."""
    started = [_start(house, name, environ) for name in names]
    hints = HintPublisher(house.settings.redis_url.get_secret_value())
    try:
        until(lambda: hints.workers() >= {"entries", *names}, 60)
        yield
    finally:
        hints.close()
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def _start(house: House, name: str, environ: dict[str, str]) -> "subprocess.Popen[bytes]":
    more = {"PYTHONPATH": str(PROJECT_ROOT), "OPITIOS_PROCESS": f"worker-{name}"} | environ
    return subprocess.Popen(
        [sys.executable, "-m", "tasks.worker", name],
        env=house.servers.environ | more,
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
