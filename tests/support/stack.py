"""Starts the real embedded stack in a temporary home, for every suite that needs Postgres and Redis."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis

from config.home import Home
from stack.postgres import unanswered
from stack.processes import INFRASTRUCTURE, Process
from stack.runtime import Runtime
from stack.stack import Stack
from stack.supervisor import Supervisor
from stack.waiting import poll
from tests.support.ports import free_ports

_LISTENER = Path(__file__).with_name("listener.py")


@contextmanager
def temporary_home() -> Iterator[Home]:
    """Make a short-named home that the database's account can walk into, and remove it afterwards."""
    root = Path(tempfile.mkdtemp(prefix="opt-", dir="/tmp"))  # short: it holds a Unix socket
    root.chmod(0o711)
    try:
        yield Home(root)
    finally:
        shutil.rmtree(root)


def own_environment(home: Home, **more: str) -> dict[str, str]:
    """Return this process' environment without the caller's stack, and with free ports for an own one."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("OPITIOS_", "PG")) and key not in {"DATABASE_URL", "REDIS_URL"}
    }
    names = ("API", "EXCHANGE", "CONTROL", "POSTGRES", "REDIS", "FLOWER")
    ports = {f"OPITIOS_{name}_PORT": str(port) for name, port in zip(names, free_ports(6), strict=True)}
    pg = {key: os.environ[key] for key in ("OPITIOS_PG_BIN", "OPITIOS_REDIS_BIN") if key in os.environ}
    return {**inherited, **ports, **pg, "OPITIOS_HOME": str(home.root), **more}


def servers_only(home: Home, runtime: Runtime) -> Sequence[Process]:
    """A process table without anything of the house: Postgres and Redis alone."""
    del home, runtime
    return ()


def stand_in_exchange(home: Home, runtime: Runtime) -> Process:
    """A process that listens where the simulated exchange would."""
    del home
    ports = (str(runtime.ports.exchange), str(runtime.ports.control))
    return Process(name="exchange", argv=(sys.executable, str(_LISTENER), *ports), stage=INFRASTRUCTURE, stop_seconds=5)


@dataclass
class Harness:
    """One home and its stack; `said` collects the progress."""

    home: Home
    environ: dict[str, str]
    table: Callable[[Home, Runtime], Sequence[Process]] = servers_only
    said: list[str] = field(default_factory=list)
    _made: list[Stack] = field(default_factory=list)

    def stack(self, environ: Mapping[str, str] | None = None) -> Stack:
        """Return a new Stack, as a new `opitios` command would make one."""
        made = Stack(self.home, environ or self.environ, self.said.append, processes=self.table)
        self._made.append(made)
        return made

    def end(self) -> None:
        """Stop whatever runs, also after a test that failed between two steps."""
        for stack in self._made:
            stack.close()
        self.stack().stop()

    def start(self) -> Stack:
        """Bring everything up, as `opitios run` does (without migrations), and return the stack."""
        stack = self.stack()
        stack.prepare()
        stack.start_infrastructure()
        stack.start_applications()
        return stack

    def pid(self, name: str) -> int | None:
        """Return the pid of a supervised process, None while it has none."""
        return next((row.pid for row in self.stack().status() if row.name == name), None)

    def supervisor_pid(self) -> int:
        """Return supervisord's pid."""
        return Supervisor(self.home).control().pid()

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Return an autocommit connection to the database, as the migrations' login."""
        url = self.stack().runtime.migrations_database_url.replace("+psycopg", "", 1)
        return psycopg.connect(url, autocommit=True, connect_timeout=3)

    def broker(self) -> redis.Redis:
        """Return a client of the stack's Redis; the caller closes it."""
        return redis.Redis.from_url(self.stack().runtime.redis_url, decode_responses=True)

    def answers_again(self, name: str, killed: int, *, seconds: float = 5) -> bool:
        """Wait until a process that was killed runs under a new pid and Postgres takes connections."""
        url = self.stack().runtime.migrations_database_url
        return poll(lambda: self.pid(name) not in {None, killed} and unanswered(url) is None, seconds=seconds)


@contextmanager
def harness(table: Callable[[Home, Runtime], Sequence[Process]] = servers_only, **environ: str) -> Iterator[Harness]:
    """Give a harness on a temporary home and free ports; whatever runs there at the end is stopped."""
    with temporary_home() as home:
        made = Harness(home, own_environment(home, **environ), table)
        try:
            yield made
        finally:
            made.end()


def command_lines() -> list[str]:
    """Return every command line of the machine, as `ps` shows them to every user."""
    shown = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True)  # noqa: S607  the system's
    return shown.stdout.splitlines()
