"""Makes an evidence pack for the command line, and puts it on the record before it has its name."""

import datetime as dt
import importlib.metadata
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from rich.progress import Progress, SpinnerColumn, TextColumn

from cli.database import machine_actor, record_here
from cli.output import ERR
from config.clock import SYSTEM_CLOCK
from config.ids import trace_id
from config.seal_key import public_keys
from config.settings import ConfigError, Settings, load_settings
from reports.checkpoints import key_files
from reports.pack.make import Logins, Made, Order, UnknownAccount, made_pack
from services.operations import Operation


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for; without checkpoints and keys, those of this installation."""

    account: str
    day: dt.date
    target: Path
    checkpoints: Path | None = None
    keys: Sequence[str] = ()


def export(wish: Wish) -> Made:
    """Make the pack and record it; a failure is recorded too. Raises ConfigError and OSError."""
    settings = load_settings()
    order = Order(
        account=wish.account,
        day=wish.day,
        made_by=machine_actor(),
        made_at=SYSTEM_CLOCK.now(),
        version=importlib.metadata.version("opitios"),
        keys=wish.keys or [public.raw.hex() for public in public_keys(key_files(settings.checkpoints_path)).values()],
        checkpoints=wish.checkpoints or settings.checkpoints_path,
    )
    record = _Record(settings, order, wish.target, SYSTEM_CLOCK.monotonic_ms())
    try:
        with _telling() as tell, made_pack(order, _logins(settings), wish.target, tell) as made:
            record.write(made)
    except UnknownAccount as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        record.write(error)
        raise
    except psycopg.Error as error:
        record.write(error)
        said = str(error).strip().partition("\n")[0]
        raise ConfigError(f"The pack could not be made. The database says: {said}") from None
    return made


def _logins(settings: Settings) -> Logins:
    trail = settings.app_database_url.get_secret_value()
    reports = settings.compliance_database_url.get_secret_value()
    if not trail or not reports:
        raise ConfigError(
            "No database is known here: make run, or set OPITIOS_APP_DATABASE_URL and OPITIOS_COMPLIANCE_DATABASE_URL"
        )
    return Logins(trail=trail, reports=reports)


@dataclass(frozen=True, slots=True)
class _Record:
    """What an export is recorded with, however it ends."""

    settings: Settings
    order: Order
    target: Path
    started_ms: float

    def write(self, made: Made | Exception) -> None:
        """Write one row: what left, or that nothing did."""
        is_made = isinstance(made, Made)
        account: dict[str, Any] = dict(made.manifest["account"]) if isinstance(made, Made) else {}
        detail = {"report": "pack", "format": "zip", "day": str(self.order.day), "file": self.target.name}
        operation = Operation(
            operation="report_export",
            started_at=self.order.made_at,
            occurred_at=SYSTEM_CLOCK.now(),
            total_ms=SYSTEM_CLOCK.monotonic_ms() - self.started_ms,
            success=is_made,
            source="cli",
            trace_id=trace_id(),
            account_id=uuid.UUID(account["account_id"]) if account else None,
            account_name=self.order.account,
            account_type=account.get("account_type"),
            account_type_source=account.get("account_type_source"),
            reason_code=None if is_made else "export_failed",
            reason=None if is_made else type(made).__name__,
            detail=detail | (_about(made) if isinstance(made, Made) else {}),
        )
        record_here(self.settings, operation)


def _about(made: Made) -> dict[str, Any]:
    as_of = made.manifest["as_of"]
    return {"sha256": made.sha256, "bytes": made.bytes, "rows": made.rows, "as_of": as_of, "holds": made.holds}


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=ERR, transient=True) as progress:
        task = progress.add_task("")
        yield lambda what: progress.update(task, description=what)
