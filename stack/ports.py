"""Which loopback ports the stack uses: the documented ones where they are free, clear words where they are not."""

import dataclasses
import socket
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError

LOOPBACK = "127.0.0.1"
_HIGHEST = 65535
_LISTENING = "0A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One TCP port per server, all on 127.0.0.1. The defaults are what the documentation names."""

    api: int = 8090
    exchange: int = 8092
    control: int = 8093
    postgres: int = 54329
    redis: int = 63799
    flower: int = 5555


def variable(name: str) -> str:
    """Return the environment variable that sets a port: OPITIOS_API_PORT for `api`."""
    return f"OPITIOS_{name.upper()}_PORT"


def choose_ports(
    environ: Mapping[str, str],
    previous: Ports | None,
    needed: Collection[str],
    report: Callable[[str], None],
) -> Ports:
    """Return free ports for the servers named in `needed`; the others keep what they had.

    A variable wins over the port of the last start, that over the default. A taken port moves to the next free one
    and is reported, except the API's: its address is what people and scripts know, so StackError asks for a decision.
    """
    chosen: dict[str, int] = {}
    for field in dataclasses.fields(Ports):
        wanted = _wanted(field.name, environ, previous or Ports())
        if field.name not in needed:
            chosen[field.name] = wanted
        elif field.name == "api":
            _require_free(wanted)
            chosen[field.name] = wanted
        else:
            chosen[field.name] = _next_free(field.name, wanted, chosen.values(), report)
    return Ports(**chosen)


def is_free(port: int) -> bool:
    """Tell whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of the last server in TIME_WAIT do not make its port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def holder(port: int) -> str | None:
    """Return `name (pid N)` of the process that listens on `port`, None when /proc does not tell this user."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        if sockets & _open_files(process):
            return f"{(process / 'comm').read_text(encoding='utf-8').strip()} (pid {process.name})"
    return None


def _wanted(name: str, environ: Mapping[str, str], previous: Ports) -> int:
    text = environ.get(variable(name), "").strip()
    if not text:
        port: int = getattr(previous, name)
        return port
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _HIGHEST:
        raise StackError(f"{variable(name)}={text!r} is not a port; expected a whole number from 1 to {_HIGHEST}.")
    return int(text)


def _require_free(port: int) -> None:
    if is_free(port):
        return
    whom = holder(port) or "another process (not visible to this user)"
    other = next((free for free in range(port + 1, _HIGHEST + 1) if is_free(free)), "another port")
    raise StackError(
        f"Port {port} for the API is taken by {whom}. End it, or choose a free one: {variable('api')}={other}",
    )


def _next_free(name: str, wanted: int, avoid: Collection[int], report: Callable[[str], None]) -> int:
    for port in range(wanted, min(wanted + 1000, _HIGHEST + 1)):
        if port not in avoid and is_free(port):
            if port != wanted:
                report(f"port {wanted} is taken by {holder(wanted) or 'another process'}; {name} uses {port}")
            return port
    raise StackError(f"No free port from {wanted} on for {name}; set {variable(name)} to a free one.")


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == _LISTENING and int(columns[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(columns[9])
    return inodes


def _open_files(process: Path) -> set[str]:
    """Return what a process has open; nothing when it ended meanwhile or belongs to another user."""
    links = set()
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            with suppress(OSError):  # Closed meanwhile, as the one that lists this very directory.
                links.add(str(link.readlink()))
    return links
