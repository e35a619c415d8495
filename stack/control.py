"""The line to a running supervisord: its XML-RPC over a Unix socket, with a time limit on every answer.

supervisor's own client waits for ever when supervisord is stopped (SIGSTOP) or hangs.
"""

import http.client
import socket
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.processes import APPLICATION

_ANSWER_SECONDS = 5.0
_FAILURES = (OSError, http.client.HTTPException, xmlrpc.client.Error)


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One line of `opitios status`; `state` in lower case as supervisord names it, uptime in seconds."""

    name: str
    state: str
    pid: int | None
    uptime_s: float | None
    stage: str


class Control:
    """Questions and orders to supervisord."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def alive(self) -> bool:
        """Tell whether a supervisord answers."""
        try:
            return bool(self._call("supervisor.getPID"))
        except _FAILURES:
            return False

    def pid(self) -> int:
        """Return supervisord's pid. Raises ConnectionError when it does not answer."""
        return int(self._ask("supervisor.getPID"))

    def processes(self) -> list[ProcessStatus]:
        """Return every process, servers before applications. Raises ConnectionError when it does not answer."""
        rows = [_status(row) for row in self._ask("supervisor.getAllProcessInfo")]
        return sorted(rows, key=lambda row: (row.stage == APPLICATION, row.name))

    def start_stage(self, stage: str) -> None:
        """Start the processes of a stage that do not run; returns at once. Raises ConnectionError."""
        self._ask("supervisor.startProcessGroup", stage, False)  # noqa: FBT003  XML-RPC knows no keywords: wait

    def shutdown(self) -> None:
        """Tell supervisord to stop applications, infrastructure and itself; returns at once. Raises ConnectionError."""
        self._ask("supervisor.shutdown")

    def _ask(self, method: str, *arguments: object) -> Any:
        try:
            return self._call(method, *arguments)
        except _FAILURES as error:
            raise ConnectionError(f"supervisord at {self._path} did not answer {method}: {error}") from error

    def _call(self, method: str, *arguments: Any) -> Any:
        with xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(self._path)) as server:
            return getattr(server, method)(*arguments)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        # Kept where the base class looks, so that it also closes what it was given.
        connection = _UnixConnection(self._path)
        self._connection = host, connection
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_ANSWER_SECONDS)
        self.sock.connect(str(self._path))


def _status(row: dict[str, Any]) -> ProcessStatus:
    runs = bool(row["pid"])
    return ProcessStatus(
        name=row["name"],
        state=str(row["statename"]).lower(),
        pid=int(row["pid"]) if runs else None,
        uptime_s=float(row["now"] - row["start"]) if runs else None,
        stage=row["group"],
    )
