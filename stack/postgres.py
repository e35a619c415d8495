"""The embedded Postgres: made once, started by the supervisor, never repaired by deleting anything.

The wheel's own launcher is not used: it trusts every local user, opens foreign directories and leaves servers behind
(docs/decisions/0002-embedded-servers.md).
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from config.clock import SYSTEM_CLOCK
from stack.accounts import ServerAccount, run_as
from stack.binaries import PostgresBinaries
from stack.errors import StackError
from stack.files import PRIVATE_DIRECTORY, write_private
from stack.ports import LOOPBACK
from stack.processes import HOME_VARIABLE, INFRASTRUCTURE, PROCESS_VARIABLE, Process
from stack.runtime import DATABASE, SUPERUSER, Runtime
from stack.waiting import poll

SENTINEL = "opitios.complete"
_STOP_SECONDS = 30
_INITDB_SECONDS = 120

_SETTINGS = """\
# Written by `opitios run` at every start. Your own settings belong into custom.conf beside this file.
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 120                            # a hundred of ours at most, and room to look
shared_buffers = '128MB'
max_wal_size = '1GB'
wal_compression = on
max_prepared_transactions = 0                    # a forgotten one would hold back sealing for ever
idle_in_transaction_session_timeout = '60s'      # likewise
log_destination = 'stderr'                       # the supervisor's file, rotated there
logging_collector = off
log_lock_waits = on
log_line_prefix = '%m [%p] %u@%d '
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
lc_messages = 'C'
"""


def process(binaries: PostgresBinaries, data: Path, account: ServerAccount | None) -> Process:
    """Return the server's row of the process table; SIGINT is Postgres' fast shutdown."""
    return Process(
        name="postgres",
        argv=(str(binaries.directory / "postgres"), "-D", str(data)),
        stage=INFRASTRUCTURE,
        user=account.name if account else None,
        stop_signal="INT",
        stop_seconds=_STOP_SECONDS,
    )


class Cluster:
    """One data directory and the programs and account that serve it."""

    def __init__(
        self,
        data: Path,
        binaries: PostgresBinaries,
        account: ServerAccount | None,
        report: Callable[[str], None],
    ) -> None:
        self._data = data
        self._binaries = binaries
        self._account = account
        self._report = report

    def prepare(self, *, port: int, password: str, password_is_new: bool) -> None:
        """Make the data directory if it is missing, else take it as it is; then write the settings.

        `password_is_new` says that runtime.json was made anew: the superuser of existing data gets the new password.
        Raises StackError for data of another major version and when initdb fails.
        """
        if self._is_complete():
            self._require_same_major()
            await_zombie(self._data)
            self._write_settings(port)
            if password_is_new:
                self._reset_password(password)
            return
        self._move_aside_unfinished()
        self._initialise(password)
        self._write_settings(port)
        sentinel = f"made by initdb {self._binaries.version}\n"
        write_private(self._data / SENTINEL, sentinel, owner=self._owner)

    def _is_complete(self) -> bool:
        return (self._data / SENTINEL).is_file() and (self._data / "PG_VERSION").is_file()

    def _require_same_major(self) -> None:
        major = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        if major != self._binaries.major:
            raise StackError(
                f"The data in {self._data} belong to Postgres {major}; {self._binaries.directory} is Postgres "
                f"{self._binaries.version}.\nSet OPITIOS_PG_BIN to the bin directory of a Postgres {major}, or move "
                "the data over with pg_dump and pg_restore.",
            )

    def _move_aside_unfinished(self) -> None:
        if not self._data.exists() or not any(self._data.iterdir()):
            return
        stamp = SYSTEM_CLOCK.now().strftime("%Y%m%dT%H%M%S.%fZ")
        aside = self._data.with_name(f"{self._data.name}.unfinished-{stamp}")
        self._data.rename(aside)
        self._report(f"{self._data} was never completed (no {SENTINEL} in it); moved to {aside}, making a new one")

    def _initialise(self, password: str) -> None:
        started = SYSTEM_CLOCK.monotonic_ms()
        self._data.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        self._data.chmod(PRIVATE_DIRECTORY)
        if self._owner is not None:
            os.chown(self._data, *self._owner)
        # Beside the data, because initdb wants an empty directory; under one name, so that a leftover is overwritten.
        password_file = self._data.with_name(f"{self._data.name}.pw")
        try:
            write_private(password_file, password, owner=self._owner)
            self._initdb(password_file)
        finally:
            password_file.unlink(missing_ok=True)
        seconds = (SYSTEM_CLOCK.monotonic_ms() - started) / 1000
        self._report(f"made a Postgres {self._binaries.version} data directory in {self._data} ({seconds:.1f} s)")

    def _initdb(self, password_file: Path) -> None:
        scram = "scram-sha-256"
        answer = run_as(
            self._account,
            [
                self._binaries.directory / "initdb",
                "-D",
                self._data,
                "-U",
                SUPERUSER,
                f"--pwfile={password_file}",
                f"--auth-local={scram}",
                f"--auth-host={scram}",
                "--data-checksums",
                "--no-locale",
                "-E",
                "UTF8",
            ],
            # An initdb that outlives a killed `opitios run` is found by these two at the next start.
            environ={HOME_VARIABLE: str(self._data.parent), PROCESS_VARIABLE: "initdb"},
            timeout_s=_INITDB_SECONDS,
        )  # fmt: skip  the options read as one command line
        if answer.returncode != 0:
            raise StackError(f"initdb could not make {self._data}:\n{answer.stderr.strip() or answer.stdout.strip()}")

    def _write_settings(self, port: int) -> None:
        settings = _SETTINGS.format(host=LOOPBACK, port=port)
        if (self._data / "custom.conf").is_file():
            settings += "include = 'custom.conf'\n"
        write_private(self._data / "postgresql.conf", settings, owner=self._owner)

    def _reset_password(self, password: str) -> None:
        self._report("runtime.json is new but the data are not: setting the database's new password")
        answer = run_as(
            self._account,
            [self._binaries.directory / "postgres", "--single", "-D", self._data, "postgres"],
            text_in=f"ALTER ROLE {SUPERUSER} PASSWORD '{password}'\n",
        )
        if answer.returncode != 0 or "ERROR:" in answer.stderr:
            lines = "\n".join(line for line in answer.stderr.splitlines() if password not in line)
            raise StackError(f"Postgres did not take a new password:\n{lines}")

    @property
    def _owner(self) -> tuple[int, int] | None:
        return (self._account.uid, self._account.gid) if self._account else None


def live_postmaster(data: Path) -> int | None:
    """Return the pid of a postmaster that serves `data`, None when postmaster.pid is absent, stale or not ours to see.

    The file alone proves nothing: after a crash its pid may be anybody's, or a zombie.
    """
    pid = _recorded_pid(data)
    try:
        # A postmaster works inside its data directory; a zombie works nowhere, and its link cannot be read.
        serves = Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return pid if serves and name == "postgres" else None


def await_zombie(data: Path, *, seconds: float = 10) -> None:
    """Wait until the system has buried a killed postmaster: Postgres takes the pid of a zombie for a live server.

    After `seconds` the start goes on: the supervisor's restarts have the same effect, with more noise in the log.
    """
    poll(lambda: not _is_zombie(_recorded_pid(data)), seconds=seconds, pause_s=0.05)


def _recorded_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _is_zombie(pid: int | None) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] == "Z"


def unanswered(url: str, *, database: str | None = None) -> str | None:
    """Return None when Postgres answers a query at `url`, else why not, without the password.

    Raises StackError when waiting cannot help: the server is there and refuses the login.
    """
    try:
        with _connect(url, database) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError as error:
        reason = _reason(error)
        if re.search(r"authentication failed|no pg_hba.conf entry|role .* does not exist", reason):
            raise StackError(f"Postgres refuses the migrations' login: {reason}") from error
        return reason
    return None


def create_database(runtime: Runtime) -> None:
    """Create the database on the embedded server if it is missing; an external server is left as it is.

    Raises StackError when the server refuses.
    """
    if not runtime.embedded_postgres:
        return
    try:
        with _connect(runtime.migrations_database_url, "postgres") as connection:
            connection.autocommit = True
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    except psycopg.Error as error:
        raise StackError(f"The database {DATABASE} could not be made: {_reason(error)}") from error


def _connect(url: str, database: str | None) -> psycopg.Connection[tuple[object, ...]]:
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    overrides = {"dbname": database} if database else {}
    return psycopg.connect(make_conninfo(plain, connect_timeout=3, application_name="opitios-stack", **overrides))


def _reason(error: psycopg.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
