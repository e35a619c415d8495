"""What a killed supervisor leaves behind: its processes live on, hold ports and data, and must end before a new start.

They are recognised by their environment (OPITIOS_HOME is ours, OPITIOS_PROCESS is set), never by their name. Signals go
through pidfds, so a pid that was reused meanwhile is never hit. Where /proc is missing nothing is found.
"""

import os
import select
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from config.clock import SYSTEM_CLOCK
from config.home import Home
from stack.postgres import live_postmaster
from stack.processes import HOME_VARIABLE, PROCESS_VARIABLE

SUPERVISOR = "supervisor"
# Stopped last; every other name is an application.
_SERVERS = frozenset({"postgres", "redis", "exchange", "initdb"})


@dataclass(frozen=True, slots=True)
class Orphan:
    """A process of this home without a supervisor; `descriptor` is its pidfd."""

    name: str
    pid: int
    descriptor: int

    def ended(self) -> bool:
        """Tell whether it is gone."""
        return has_ended(self.descriptor)

    def send(self, number: int) -> None:
        """Send a signal; a process that ended meanwhile is no error."""
        try:
            signal.pidfd_send_signal(self.descriptor, number)
        except ProcessLookupError:
            return


def reap(home: Home, report: Callable[[str], None]) -> list[str]:
    """Stop what lives of this home without a supervisor and return the names, empty when there was nothing.

    Only to be called while no supervisor of this home answers. Order: a supervisor that does not answer, then the
    applications (SIGTERM, 20 s), then the servers (Postgres: SIGINT, 30 s); after its time each is killed.
    """
    stopped: list[str] = []
    for wanted, seconds in ((_is_supervisor, 20), (_is_application, 20), (_is_server, 30)):
        with ExitStack() as closing:
            orphans = list(_find(home, wanted, closing))
            if orphans:
                names = ", ".join(f"{orphan.name} ({orphan.pid})" for orphan in orphans)
                report(f"stopping what an earlier start left behind: {names}")
                _stop(orphans, seconds)
                stopped += [orphan.name for orphan in orphans]
    return stopped


def has_ended(descriptor: int) -> bool:
    """Tell whether the process of a pidfd is gone; a zombie is, though its pid still stands in /proc."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def _is_supervisor(name: str) -> bool:
    return name == SUPERVISOR


def _is_server(name: str) -> bool:
    return name in _SERVERS


def _is_application(name: str) -> bool:
    return not _is_supervisor(name) and not _is_server(name)


def _find(home: Home, wanted: Callable[[str], bool], closing: ExitStack) -> Iterator[Orphan]:
    postmaster = live_postmaster(home.postgres)
    members: dict[int, Orphan] = {}
    for process in Path("/proc").glob("[0-9]*"):
        pid = int(process.name)
        name = "postgres" if pid == postmaster else _name(process, home)
        if name is None or not wanted(name) or pid == os.getpid():
            continue
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            continue  # It ended meanwhile.
        closing.callback(os.close, descriptor)
        # Asked again: what is read now belongs to the process that the pidfd will signal.
        orphan = Orphan(name, pid, descriptor)
        if not orphan.ended() and (pid == live_postmaster(home.postgres) or _name(process, home) == name):
            members[pid] = orphan
    # Children go with their parents: a signal for the postmaster is not one for each of its backends.
    yield from (orphan for orphan in members.values() if _parent(orphan.pid) not in members)


def _name(process: Path, home: Home) -> str | None:
    environ = _environ(process)
    return environ.get(PROCESS_VARIABLE) if environ.get(HOME_VARIABLE) == str(home.root) else None


def _environ(process: Path) -> Mapping[str, str]:
    try:
        entries = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return {}  # It ended, or belongs to another user and so not to this home.
    pairs = (os.fsdecode(entry).partition("=") for entry in entries)
    return {key: value for key, separator, value in pairs if separator}


def _parent(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold spaces and parentheses of its own; the fields follow its last one.
    return int(status.rpartition(")")[2].split()[1])


def _stop(orphans: Sequence[Orphan], seconds: float) -> None:
    for orphan in orphans:
        orphan.send(signal.SIGINT if orphan.name == "postgres" else signal.SIGTERM)
    if not _all_end(orphans, seconds):
        for orphan in orphans:
            orphan.send(signal.SIGKILL)
        _all_end(orphans, 5)


def _all_end(orphans: Sequence[Orphan], seconds: float) -> bool:
    deadline = SYSTEM_CLOCK.monotonic_ms() + seconds * 1000
    waiting = list(orphans)
    while waiting and (left := deadline - SYSTEM_CLOCK.monotonic_ms()) > 0:
        poller = select.poll()
        for orphan in waiting:
            poller.register(orphan.descriptor, select.POLLIN)
        poller.poll(left)
        waiting = [orphan for orphan in waiting if not orphan.ended()]
    return not waiting
