"""An audit trail of a test's own: a fresh database, a key, a directory of checkpoints, and rows to seal."""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from config.ids import SYSTEM_IDS
from config.seal_key import SealKey
from domain.seals import Seal
from events.checkpoints import CheckpointFiles
from models.migrate import upgrade
from reports.findings import Finding, Verification
from reports.trail import open_trail
from reports.verify import Evidence, Scope, verify
from tasks.sealing import Sealer
from tests.support.house import Bed

_NUMBERS = itertools.count(1)
_TEMPLATE = "trail_template"
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

    def __post_init__(self) -> None:
        self.checkpoints.mkdir(exist_ok=True)
        self.key = SealKey.open(self.home / "seal-key.pem")
        self.key.publish(self.checkpoints)

    @property
    def checkpoints(self) -> Path:
        return self.home / "checkpoints"

    @contextmanager
    def hand(self) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
        """Give the hand of a superuser, whom no trigger stops."""
        with connect(self.migrations_url) as connection:
            connection.execute("SELECT set_config('session_replication_role', 'replica', false)")
            for table in ("order_events", "operations", "config_changes", "seals"):
                connection.execute(f"ALTER TABLE audit.{table} DISABLE TRIGGER USER")
            yield connection
            for table in ("order_events", "operations", "config_changes", "seals"):
                connection.execute(f"ALTER TABLE audit.{table} ENABLE ALWAYS TRIGGER refuse_change")

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
            return sealer.seal()

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
            yield Trail(
                migrations_url=_at(runtime.migrations_database_url, name),
                app_url=_at(runtime.app_database_url, name),
                sealer_url=_at(runtime.sealer_database_url, name),
                compliance_url=_at(runtime.compliance_database_url, name),
                home=home,
            )
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _at(url: str, database: str) -> str:
    return f"{url.rpartition('/')[0]}/{database}"
