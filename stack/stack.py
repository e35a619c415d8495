"""What `opitios run`, `stop` and `status` do: one home's servers and processes from nothing to healthy, and back.

The order is the caller's: prepare, start_infrastructure, (migrations), start_applications, wait_healthy.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence

from config.home import Home
from stack import postgres, redis
from stack.accounts import require_way_in, server_account
from stack.binaries import find_postgres, find_redis
from stack.control import ProcessStatus
from stack.errors import StackError, sentences
from stack.files import last_lines, make_private_directory
from stack.lock import HomeLock
from stack.orphans import has_ended, reap
from stack.paper_accounts import ensure_exchange_accounts, ensure_secrets, follow_exchange
from stack.ports import LOOPBACK, choose_ports
from stack.postgres import create_database
from stack.processes import APPLICATION, CONFIG_VARIABLE, Process, ProcessTable, house_processes
from stack.runtime import Runtime, external_database_url, external_redis_url, next_runtime
from stack.supervisor import Supervisor, require_plain
from stack.waiting import Stopwatch, poll

__all__ = ["ProcessStatus", "Runtime", "Stack", "StackError", "create_database"]

_EMBEDDED_SECONDS = 120  # A crash recovery with much WAL takes its time.
_EXTERNAL_SECONDS = 15
_SHUTDOWN_SECONDS = 90  # Both stages in a row, each with its own limit in the process table.
_QUICK_ENDS = 8
_PATIENCE_SECONDS = 3
_NEWS_SECONDS = 5


class Stack:
    """The servers and processes of one OPITIOS_HOME.

    `environ` is what the processes inherit; `report` receives short sentences for the person who waits. Every method
    raises StackError with a message to show as it is. `processes` is the table of everything but Postgres and Redis.
    """

    def __init__(
        self,
        home: Home,
        environ: Mapping[str, str],
        report: Callable[[str], None],
        *,
        processes: ProcessTable = house_processes,
    ) -> None:
        self._home = home
        self._environ = dict(environ)
        self._report = report
        self._table = processes
        self._supervisor = Supervisor(home)
        self._lock = HomeLock(home.run / "lock")
        self._runtime: Runtime | None = None
        self._processes: tuple[Process, ...] = ()

    @property
    def runtime(self) -> Runtime:
        """What the last prepare() chose, by this object or by an earlier start."""
        runtime = self._runtime or Runtime.load(self._home.runtime)
        if runtime is None:
            raise StackError(f"Nothing was ever started in {self._home.root}; `opitios run` starts it.")
        return runtime

    def running(self) -> bool:
        """Tell whether a supervisord of this home answers (the processes may still be starting)."""
        return self._supervisor.control().alive()

    def prepare(self) -> Runtime:
        """Make everything a start needs: directories, ports, passwords, accounts, the database's files.

        Stops what a killed supervisor left behind. Holds the lock of the home until start_applications, stop or close.
        """
        self._make_directories()
        with sentences():
            self._lock.acquire()
        try:
            with sentences():
                self._require_stopped()
                reap(self._home, self._report)
                return self._prepare()
        except BaseException:
            self._lock.release()
            raise

    def start_infrastructure(self) -> None:
        """Start supervisord with Postgres, Redis and the simulated exchange, wait for their answers, make the database.

        Where one does not answer in time, everything is stopped again and the error ends with its log's last lines.
        """
        if not self._lock.held:
            raise RuntimeError("start_infrastructure comes after prepare")
        try:
            with sentences():
                self._supervisor.start(self._processes, self._environ)
                self._await_infrastructure()
                create_database(self.runtime)
        except BaseException:
            self.stop()
            raise

    def start_applications(self) -> None:
        """Start the processes that need the schema, and let go of the home's lock: from here on, others may stop it."""
        if any(process.stage == APPLICATION for process in self._processes):
            with sentences():
                self._supervisor.control().start_stage(APPLICATION)
        self._lock.release()

    def wait_healthy(self, check: Callable[[], str | None], timeout_s: float) -> None:
        """Ask `check` until it answers None; its texts (what it waits for) are reported when they change."""
        watch, last = Stopwatch(), None
        while (missing := check()) is not None:
            if missing != last:
                self._report(f"waiting for {missing}")
                last = missing
            if watch.seconds >= timeout_s:
                raise StackError(
                    f"Not healthy after {timeout_s:.0f} s, still waiting for {missing}.\n"
                    f"What each process wrote: {self._supervisor.logs}",
                )
            time.sleep(0.2)
        self._report(f"everything is healthy ({watch.seconds:.1f} s)")

    def stop(self) -> None:
        """Stop the applications, then the infrastructure, then supervisord, and what any of them left behind.

        Nothing running is no error. The data stay.
        """
        if not self._home.run.is_dir():
            return
        with sentences():
            self._lock.acquire()
        try:
            if self.running():
                self._shut_down()
            reap(self._home, self._report)
        finally:
            self._lock.release()

    def wait_stopped(self) -> None:
        """Return when supervisord has ended, at once when none runs: for a start that stays in the foreground."""
        try:
            descriptor = os.pidfd_open(self._supervisor.control().pid())
        except (ConnectionError, ProcessLookupError):
            return
        try:
            while not has_ended(descriptor):
                time.sleep(0.2)
        finally:
            os.close(descriptor)

    def status(self) -> list[ProcessStatus]:
        """Return every process with its state, empty when nothing runs."""
        try:
            return self._supervisor.control().processes()
        except ConnectionError:
            return []

    def close(self) -> None:
        """Let go of the home's lock; for a caller that gives up between two steps but lives on."""
        self._lock.release()

    def _require_stopped(self) -> None:
        if self.running():
            raise StackError(f"Opitios already runs in {self._home.root}; `opitios stop` ends it.")

    def _make_directories(self) -> None:
        root = self._home.root
        require_plain(str(root), "OPITIOS_HOME")
        try:
            if not root.exists():
                root.mkdir(mode=0o700, parents=True)
            # Postgres' account walks through; it can list nothing. Only a directory that is ours is changed.
            if os.geteuid() == 0 and (self._home.runtime.exists() or not any(root.iterdir())):
                root.chmod(0o711)
            for directory in (self._home.run, self._home.logs, self._supervisor.logs, self._home.exchange):
                make_private_directory(directory)
        except OSError as error:
            raise StackError(f"{error.filename or root} cannot be made: {error.strerror}.") from error

    def _prepare(self) -> Runtime:
        previous = Runtime.load(self._home.runtime)
        needed = {"api", "exchange", "control", "flower"}
        needed |= set() if external_database_url(self._environ) else {"postgres"}
        needed |= set() if external_redis_url(self._environ) else {"redis"}
        ports = choose_ports(self._environ, previous.ports if previous else None, needed, self._report)
        runtime = next_runtime(self._environ, previous, ports)
        self._prepare_accounts(previous, runtime)
        # Saved before any server takes a password: a start that is cut off here is taken up where it ended.
        runtime.save(self._home.runtime)
        self._runtime = runtime
        servers = [*self._prepare_postgres(runtime, is_new=previous is None), *self._prepare_redis(runtime)]
        house = [process for process in self._table(self._home, runtime) if self._is_wanted(process, runtime)]
        self._processes = (*servers, *house)
        return runtime

    def _prepare_accounts(self, previous: Runtime | None, runtime: Runtime) -> None:
        accounts = ensure_exchange_accounts(self._home.exchange / "accounts.json")
        if self._environ.get(CONFIG_VARIABLE, "").strip():
            return  # The settings lie elsewhere and belong to somebody.
        if ensure_secrets(self._home.secrets, accounts, runtime.exchange_url):
            self._report(f"wrote {self._home.secrets} with {len(accounts)} paper accounts at the simulated exchange")
        elif previous and follow_exchange(self._home.secrets, previous.exchange_url, runtime.exchange_url):
            self._report(f"the simulated exchange moved to {runtime.exchange_url}; {self._home.secrets} follows")

    def _prepare_postgres(self, runtime: Runtime, *, is_new: bool) -> Sequence[Process]:
        if not runtime.embedded_postgres:
            return ()
        account = server_account(self._environ)
        require_way_in(account, self._home.root)
        binaries = find_postgres(self._environ, account, self._home.root / "pgsql", self._report)
        cluster = postgres.Cluster(self._home.postgres, binaries, account, self._report)
        cluster.prepare(port=runtime.ports.postgres, password=runtime.passwords.postgres, password_is_new=is_new)
        return (postgres.process(binaries, self._home.postgres, account),)

    def _prepare_redis(self, runtime: Runtime) -> Sequence[Process]:
        if not runtime.embedded_redis:
            return ()
        settings = self._home.run / "redis.conf"
        password = runtime.passwords.redis
        redis.write_settings(settings, self._home.redis, port=runtime.ports.redis, password=password)
        return (redis.process(find_redis(self._environ), settings),)

    def _is_wanted(self, process: Process, runtime: Runtime) -> bool:
        """Keep the simulated exchange away from a database of somebody's own, unless an account there is configured."""
        if process.name != "exchange" or runtime.embedded_postgres:
            return True
        return self._home.secrets.is_file() and runtime.exchange_url in self._home.secrets.read_text(encoding="utf-8")

    def _await_infrastructure(self) -> None:
        runtime = self.runtime
        database = "postgres" if runtime.embedded_postgres else None
        url = runtime.migrations_database_url
        self._await("postgres", lambda: postgres.unanswered(url, database=database))
        self._await("redis", lambda: redis.unanswered(runtime.redis_url))
        if any(process.name == "exchange" for process in self._processes):
            self._await("exchange", lambda: _closed(runtime.ports.exchange) or _closed(runtime.ports.control))

    def _await(self, name: str, unanswered: Callable[[], str | None]) -> None:
        ours = any(process.name == name for process in self._processes)
        watch, pids, news = Stopwatch(), set(), _NEWS_SECONDS
        while (reason := unanswered()) is not None:
            pids |= {row.pid for row in self.status() if row.name == name and row.pid}
            # Each pid is one more start: a server that ends at once, again and again, is not waited for to the end.
            hopeless = len(pids) > _QUICK_ENDS and watch.seconds > _PATIENCE_SECONDS
            if hopeless or watch.seconds > (_EMBEDDED_SECONDS if ours else _EXTERNAL_SECONDS):
                raise StackError(self._no_answer(name, reason, ours=ours))
            if watch.seconds > news:
                self._report(f"still waiting for {name} ({watch.seconds:.0f} s): {reason}")
                news += _NEWS_SECONDS
            time.sleep(0.05)
        self._report(f"{name} answers ({watch.seconds:.1f} s)")

    def _no_answer(self, name: str, reason: str, *, ours: bool) -> str:
        if not ours:
            variable = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}[name]
            return f"The server of {variable} does not answer: {reason}"
        log = self._supervisor.log_of(name)
        return f"{name} does not answer: {reason}\nThe end of {log}:\n{last_lines(log)}"

    def _shut_down(self) -> None:
        control, watch = self._supervisor.control(), Stopwatch()
        self._report("stopping: applications first, then the servers")
        try:
            descriptor = os.pidfd_open(control.pid())
        except (ConnectionError, ProcessLookupError):
            return  # It ended by itself meanwhile.
        try:
            control.shutdown()
            ended = poll(lambda: has_ended(descriptor), seconds=_SHUTDOWN_SECONDS)
        except ConnectionError:
            ended = False
        finally:
            os.close(descriptor)
        self._report(f"stopped ({watch.seconds:.1f} s)" if ended else "supervisord did not end in time")


def _closed(port: int) -> str | None:
    try:
        socket.create_connection((LOOPBACK, port), timeout=3).close()
    except OSError as error:
        return f"port {port}: {error.strerror or error}"
    return None
