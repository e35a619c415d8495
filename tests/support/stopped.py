"""Processes that stand still: they keep their connections and answer nothing."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """Stop processes and their children where they are (SIGSTOP), and let them go on afterwards."""
    everybody = list(pids)
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)  # before its children are looked for: from now on it makes no more of them
            children = _children(pid)
            everybody += children
            for child in children:
                with suppress(ProcessLookupError):  # a server's session that has just ended
                    os.kill(child, signal.SIGSTOP)
        yield
    finally:
        for pid in everybody:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    shown = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], check=False, capture_output=True, text=True)  # noqa: S607  the system's
    return [int(line) for line in shown.stdout.split()]
