"""A Postgres of the record's own: the embedded one with its real settings, so that a commit waits for the disk."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bench.world import machine
from cli.database import prepare_database
from config.settings import load_settings
from stack.binaries import find_postgres
from stack.runtime import Runtime
from tests.support.stack import harness

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Server:
    """The server, migrated to the newest revision; `environ` is what a process of the house finds it by."""

    environ: Mapping[str, str]
    runtime: Runtime

    @contextmanager
    def superuser(self) -> Iterator[Connection]:
        """Connect with every right."""
        with _connect(self.runtime.migrations_database_url) as connection:
            yield connection

    @contextmanager
    def officer(self) -> Iterator[Connection]:
        """Connect as `compliance_ro`, who can read the views and nothing else."""
        with _connect(self.runtime.compliance_database_url) as connection:
            yield connection

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """Return a query's rows, read with every right."""
        with self.superuser() as connection:
            return connection.execute(query).fetchall()

    def machine(self) -> dict[str, str]:
        """Return what the figures hold for."""
        return machine() | {"postgres": str(self.rows("SHOW server_version")[0][0]).split(maxsplit=1)[0]}

    def pgbench(self, script: Path, *, clients: int, seconds: int) -> float:
        """Return the transactions a second of a pgbench script, run as `opitios_app`. RuntimeError when it fails."""
        programs = find_postgres(self.environ, None, Path(self.environ["OPITIOS_HOME"]) / "copies", print)
        options = f"-n -M prepared -c {clients} -j 2 -T {seconds} -f".split()
        command = [str(programs.directory / "pgbench"), *options, str(script)]
        login = _login(self.runtime.app_database_url)
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | login)
        told = [line for line in ended.stdout.splitlines() if line.startswith("tps = ")]
        if ended.returncode != 0 or not told:
            raise RuntimeError(f"pgbench told no figure:\n{(ended.stdout + ended.stderr)[-2000:]}")
        return float(told[0].split()[2])


@contextmanager
def record_server() -> Iterator[Server]:
    """Start the server in a temporary home; stop and remove it at the end."""
    with harness() as servers:
        runtime = servers.start().runtime
        prepare_database(load_settings(servers.environ))
        yield Server(servers.environ, runtime)


def _login(url: str) -> dict[str, str]:
    """Return a login as the environment of Postgres' programs: a command line is for all to see."""
    given = conninfo_to_dict(url.replace("+psycopg", "", 1))
    given["database"] = given.pop("dbname")
    return {f"PG{name.upper()}": str(value) for name, value in given.items()}


def _connect(url: str) -> Connection:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)
