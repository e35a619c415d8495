"""`python -m streams` as a process of a test: real servers, the real exchange, accounts from a file of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import yaml

from stack.processes import PROJECT_ROOT
from tasks.context import Context
from tests.support.house import Bed, account_of, plain, until


class StreamsProcess:
    """One process that keeps streams; its leases bear its name and pid."""

    def __init__(self, bed: Bed, settings_file: str, name: str) -> None:
        environ = bed.servers.environ | {
            "OPITIOS_CONFIG": settings_file,
            "OPITIOS_EXCHANGE_URL": bed.exchange.url,
            "OPITIOS_PROCESS": name,
            "PYTHONPATH": str(PROJECT_ROOT),
        }
        self._log = (bed.servers.home.root / f"{name}.out").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streams"], env=environ, stdout=self._log, stderr=self._log
        )
        self.owner = f"{name}:{self._process.pid}"

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self._process.pid, number)

    def end(self) -> int:
        """Ask it to stop, wait for it, and return its exit code."""
        if self._process.poll() is None:
            self.send(signal.SIGCONT)
            self._process.terminate()
        code = self._process.wait(15)
        self._log.close()
        return code


@contextmanager
def streams(bed: Bed, accounts: Sequence[Context], *names: str) -> Iterator[list[StreamsProcess]]:
    """Run such processes over these accounts, the first connected to all of them before the next begins."""
    path = bed.servers.home.root / f"{names[0]}.yml"
    sections = {ctx.settings.accounts[0].name: plain(ctx.settings.accounts[0]) for ctx in accounts}
    path.write_text(yaml.safe_dump({"accounts": sections}))
    path.chmod(0o600)
    made: list[StreamsProcess] = []
    try:
        for name in names:
            made.append(StreamsProcess(bed, str(path), name))
            until(partial(is_at_work, bed, name), 30)
            until(lambda: all(is_healthy(ctx) for ctx in accounts), 30)
        yield made
    finally:
        for process in made:
            process.end()


def is_at_work(bed: Bed, name: str) -> bool:
    """Whether the process of this name has a connection to the database."""
    with bed.database.statement() as unit:
        return bool(
            unit.rows("SELECT 1 FROM pg_stat_activity WHERE application_name = %(name)s", {"name": f"opitios-{name}"})
        )


def stream(ctx: Context) -> Any:
    """Return the row of the account's stream with its lease, None while it has none."""
    with ctx.database.statement() as unit:
        return unit.row(
            "SELECT s.*, s.healthy_until > clock_timestamp() AS is_healthy, l.owner FROM trading.streams s "
            "LEFT JOIN trading.leases l ON l.name = 'stream:' || %(name)s AND l.expires_at > clock_timestamp() "
            "WHERE s.account_id = %(id)s",
            {"id": account_of(ctx).account_id, "name": account_of(ctx).name},
        )


def is_healthy(ctx: Context) -> bool:
    """Whether the account's stream is connected, by our own record."""
    row = stream(ctx)
    return bool(row and row.is_healthy)


def inbox(ctx: Context) -> list[Any]:
    """Return what the account's stream told, oldest first."""
    with ctx.database.statement() as unit:
        return list(
            unit.rows(
                "SELECT * FROM trading.broker_inbox WHERE account_id = %(id)s ORDER BY inbox_id",
                {"id": account_of(ctx).account_id},
            )
        )
