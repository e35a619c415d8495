"""The sell worker as a process: which one it is, whether its predecessor ended as it should, and its end by force.

The worker writes its pid and when that process began, so that nobody else is ever hit; it takes the file away when it
ends in order. A file that is still there tells the next one that its predecessor was killed. Without /proc there is no
such file, and nobody is killed.
"""

import json
import os
import signal
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from loguru import logger

from config.home import Home

_NAME = "worker-sell.pid"
_MODULE = b"tasks.worker"
_START_FIELD = 19  # of /proc/PID/stat after the name in parentheses: starttime, in clock ticks since the boot (proc(5))


@dataclass(frozen=True, slots=True)
class SellProcess:
    """A sell worker: its pid, and when it began by the system's count. `after_crash`: its predecessor was killed."""

    pid: int
    started: int
    after_crash: bool = False


def enter(home: Home) -> None:
    """Say that this process is the sell worker now."""
    started = _started(os.getpid())
    if started is None:
        return
    before = read_process(home)
    crashed = before is not None and not lives(before)
    mine = SellProcess(os.getpid(), started, after_crash=crashed)
    home.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = home.run / f"{_NAME}.{os.getpid()}"
    new.write_text(json.dumps(asdict(mine)), encoding="ascii")
    new.chmod(0o600)
    new.replace(home.run / _NAME)
    if crashed and before is not None:
        logger.warning("The sell worker before this one (pid {}) did not end in order", before.pid)


def leave(home: Home) -> None:
    """Say that this process ends in order; nothing where another one has entered since, or it is no sell worker."""
    said = read_process(home)
    if said is not None and said.pid == os.getpid():
        (home.run / _NAME).unlink(missing_ok=True)


def read_process(home: Home) -> SellProcess | None:
    """Return the worker that has entered last on this machine and has not left, None without one."""
    try:
        return SellProcess(**json.loads((home.run / _NAME).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def lives(worker: SellProcess) -> bool:
    """Return whether it is there still: no other process under its pid, and no zombie."""
    return _started(worker.pid) == worker.started


def kill(worker: SellProcess) -> bool:
    """End it by force, also where it stands still; whoever supervises it starts it again. False when it is gone."""
    with suppress(OSError):
        handle = os.pidfd_open(worker.pid)
        try:
            # asked after the handle was taken: what is read now belongs to the process that the signal will reach
            if lives(worker) and _MODULE in Path(f"/proc/{worker.pid}/cmdline").read_bytes():
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                return True
        finally:
            os.close(handle)
    return False


def _started(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = status.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else int(fields[_START_FIELD - 1])
