"""An audit trail of a test's own: a fresh database, a key, a directory of checkpoints, and rows to seal."""

import datetime as dt
import itertools
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from config.ids import SYSTEM_IDS
from config.seal_key import SealKey
from domain.seals import Seal
from events.checkpoints import CheckpointFiles
from models.migrate import upgrade
from models.session import Database
from reports.findings import Finding, Verification
from reports.trail import open_trail
from reports.verify import Evidence, Scope, verify
from tasks.context import Context
from tasks.sealing import Sealer
from tests.support.house import Bed, request

_NUMBERS = itertools.count(1)
_NAMES = itertools.count(100_000)  # of accounts at the exchange
_TEMPLATE = "trail_template"
_AUDITED = ("order_events", "operations", "config_changes", "seals")
_INSERT = """
INSERT INTO audit.operations (op_date, operation_id, operation, success, started_at, occurred_at, total_ms, source,
  actor, host, process, trace_id, detail)
SELECT (now() AT TIME ZONE 'UTC')::date, gen_random_uuid(), 'test', true, now(), now(), 1.5, 'test', %(actor)s, 'test',
       'test', 'trace', '{"text": "a\\\\nb \\\\u00e9 \\"quoted\\""}'
  FROM generate_series(1, %(rows)s)
RETURNING operation_id
"""


@dataclass
class Trail:
    """The database with its three logins; `home` has key and checkpoints."""

    migrations_url: str
    app_url: str
    sealer_url: str
    compliance_url: str
    home: Path
    bed: Bed

    def __post_init__(self) -> None:
        self.checkpoints.mkdir(exist_ok=True)
        self.key = SealKey.open(self.home / "seal-key.pem")
        self.key.publish(self.checkpoints)

    @property
    def checkpoints(self) -> Path:
        return self.home / "checkpoints"

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows of a statement by the hand of a superuser, who has switched off what stops everybody else."""
        cursor = self._hand.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []

    @cached_property
    def _hand(self) -> "psycopg.Connection[tuple[Any, ...]]":
        connection = connect(self.migrations_url)
        for table in _AUDITED:
            connection.execute(f"ALTER TABLE audit.{table} DISABLE TRIGGER USER")
        return connection

    def read(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows of a statement as everybody of the house may read them."""
        with connect(self.app_url) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def clear(self) -> None:
        """Begin anew: no rows, no seals, no checkpoints."""
        for table in _AUDITED:
            self.sql(f"DELETE FROM audit.{table}")  # noqa: S608  a name of ours
        for path in self.checkpoints.glob("*.jsonl"):
            path.unlink()

    def remember(self) -> None:
        """Keep rows, seals and checkpoints as they are now."""
        for table in _AUDITED:
            self.sql(f"CREATE TABLE saved_{table} AS TABLE audit.{table}")
        shutil.copytree(self.checkpoints, self.home / "saved")

    def restore(self) -> None:
        """Put back what was remembered, at the end of a test that spoilt it."""
        for table in _AUDITED:
            self.sql(f"DELETE FROM audit.{table}")  # noqa: S608  a name of ours
            self.sql(f"INSERT INTO audit.{table} SELECT * FROM saved_{table}")  # noqa: S608  a name of ours
        shutil.rmtree(self.checkpoints)
        shutil.copytree(self.home / "saved", self.checkpoints)

    def order(self) -> uuid.UUID:
        """Place an order as the API stores it: its row and its first event."""
        return request(self._context)

    @cached_property
    def _context(self) -> Context:
        self._database = Database(self.app_url, application_name="test", pool_size=2)
        return Bed(self.bed.servers, self.bed.exchange, self._database, _NAMES).context(read=False)

    def close(self) -> None:
        """Let go of the connections."""
        if "_context" in self.__dict__:
            self._context.close()
        if "_hand" in self.__dict__:
            self._hand.close()

    def write(self, rows: int = 3, actor: str = "test") -> list[uuid.UUID]:
        """Write operations, in one transaction."""
        with connect(self.app_url) as connection:
            return [row[0] for row in connection.execute(_INSERT, {"rows": rows, "actor": actor})]

    def change(self, subject: str) -> None:
        """Write a change of configuration."""
        with connect(self.app_url) as connection:
            connection.execute(
                "INSERT INTO audit.config_changes (change_id, subject, actor, host, occurred_at) "
                "VALUES (%s, %s, 'test', 'test', now())",
                [SYSTEM_IDS.new(), subject],
            )

    @contextmanager
    def sealer(
        self, *, rows_per_seal: int = 50_000, heartbeat_s: int = 0, key: SealKey | None = None
    ) -> Iterator[Sealer]:
        """Give a sealer that has its lock; its heartbeat is due at once."""
        with open_trail(self.sealer_url) as connection:
            made = Sealer(
                connection,
                key or self.key,
                CheckpointFiles(self.checkpoints),
                heartbeat=dt.timedelta(seconds=heartbeat_s),
                host="test",
                rows_per_seal=rows_per_seal,
            )
            assert made.takes_lock()
            made.catch_up()
            yield made

    def seal(self, **how: Any) -> Sequence[Seal]:
        """Seal what is due, as a process that was started for it."""
        with self.sealer(**how) as sealer:
            return list(sealer.seal())

    def verify(self, checkpoints: Path | None = None, **scope: Any) -> Verification:
        """Verify with the checkpoints of this place, and the keys beside them."""
        return verify(self.app_url, Evidence.at(checkpoints or self.checkpoints), Scope(**scope))

    def broken(self, checkpoints: Path | None = None) -> list[Finding]:
        """Return what does not hold."""
        return [finding for finding in self.verify(checkpoints).findings if finding.is_broken]

    def kinds(self, checkpoints: Path | None = None) -> set[str]:
        """Return the kinds of what does not hold."""
        return {finding.kind.value for finding in self.broken(checkpoints)}


def connect(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """Return an autocommit connection."""
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)


@contextmanager
def trail(bed: Bed, home: Path) -> Iterator[Trail]:
    """Make a database like the house's, on the same server, and drop it at the end."""
    runtime, name = bed.runtime, f"trail_{next(_NUMBERS)}"
    with connect(runtime.migrations_database_url) as server:
        if server.execute("SELECT FROM pg_database WHERE datname = %s", [_TEMPLATE]).fetchone() is None:
            server.execute(f"CREATE DATABASE {_TEMPLATE}")
            upgrade(_at(runtime.migrations_database_url, _TEMPLATE))
        server.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        server.execute(f"GRANT CONNECT ON DATABASE {name} TO opitios_app, opitios_sealer, compliance_ro")
        try:
            made = Trail(
                migrations_url=_at(runtime.migrations_database_url, name),
                app_url=_at(runtime.app_database_url, name),
                sealer_url=_at(runtime.sealer_database_url, name),
                compliance_url=_at(runtime.compliance_database_url, name),
                home=home,
                bed=bed,
            )
            try:
                yield made
            finally:
                made.close()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _at(url: str, database: str) -> str:
    return f"{url.rpartition('/')[0]}/{database}"
