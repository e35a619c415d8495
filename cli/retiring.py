"""Retires a month: file, check of the file, and only then out of the trail; nothing is deleted here."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg
from rich.progress import Progress, SpinnerColumn, TextColumn

from cli.database import ask, machine_actor, record_here
from cli.output import ERR
from config.clock import SYSTEM_CLOCK
from config.ids import trace_id
from config.settings import ConfigError, Settings, load_settings
from models.retention import Retired, retire_part
from reports.archive import Archive, NoArchive, check_archive, write_archive
from reports.trail import open_trail
from services.operations import Operation
from services.partitions import DuePart, due_parts, retired_digest


@dataclass(frozen=True, slots=True)
class Retiring:
    """What retires months on this machine. Every method raises ConfigError with a sentence."""

    settings: Settings

    @classmethod
    def here(cls) -> Self:
        """Return it with this machine's settings."""
        settings = load_settings()
        if not settings.app_database_url.get_secret_value():
            raise ConfigError("No database is known here: make run, or set OPITIOS_APP_DATABASE_URL")
        return cls(settings)

    @property
    def years(self) -> int:
        """How long a month is kept."""
        return self.settings.retention.audit_years

    def due(self) -> Sequence[DuePart]:
        """Return the months that may leave."""
        return ask(self.settings, lambda unit: due_parts(unit, self.years))

    def retire(self, part: str) -> Retired:
        """Write the part's file, check it, and detach the part; the file stays where it is whatever happens then."""
        started, started_ms = SYSTEM_CLOCK.now(), SYSTEM_CLOCK.monotonic_ms()
        url = self.settings.migrations_database_url.get_secret_value()
        if not url:
            raise ConfigError("The migrations' login is not known here, and no other may do this: set DATABASE_URL")
        with _sentences(f"{part} stays in the trail"):
            archive, path = self._file(part, url)
            retired = Retired(part, archive.rows, str(path), archive.sha256, machine_actor())
            retire_part(url, retired, years=self.years)
        operation = Operation(
            operation="audit_part_retired",
            started_at=started,
            occurred_at=SYSTEM_CLOCK.now(),
            total_ms=SYSTEM_CLOCK.monotonic_ms() - started_ms,
            success=True,
            source="cli",
            trace_id=trace_id(),
            detail={"part": part, "rows": retired.rows, "file": retired.file, "sha256": retired.sha256},
        )
        record_here(self.settings, operation)
        return retired

    def check(self, path: Path) -> tuple[Archive, Sequence[str]]:
        """Compare a file with the seals, and with what was put on record when its month was retired."""
        url = self.settings.app_database_url.get_secret_value()
        with _sentences(f"{path} cannot be checked"), open_trail(url) as trail, _counting("checking") as tell:
            archive, wrong = check_archive(trail, path, tell)
        recorded = ask(self.settings, lambda unit: retired_digest(unit, archive.part))
        if recorded is not None and recorded != archive.sha256:
            wrong = [*wrong, f"the file on record has the SHA-256 {recorded}"]
        return archive, wrong

    def _file(self, part: str, url: str) -> tuple[Archive, Path]:
        directory = self.settings.home.audit / "archive"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / f"{part.replace('/', '-')}.parquet"
        new = path.with_suffix(".new")
        try:
            with open_trail(url) as trail:
                with _counting(f"writing {part}") as tell:
                    written = write_archive(trail, part, new, tell)
                with _counting(f"checking {part}") as tell:
                    archive, wrong = check_archive(trail, new, tell)
            if wrong or archive != written:
                raise ConfigError(f"{part} stays in the trail, its file does not hold: {'; '.join(wrong[:3])}")
            with new.open("rb") as file:
                os.fsync(file.fileno())
            new.chmod(0o400)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        return archive, path


@contextmanager
def _sentences(what: str) -> Iterator[None]:
    try:
        yield
    except NoArchive as error:
        raise ConfigError(str(error)) from None
    except psycopg.Error as error:
        said = str(error).strip().partition("\n")[0]
        raise ConfigError(f"{what}. The database says: {said}") from None


@contextmanager
def _counting(what: str) -> Iterator[Callable[[int], None]]:
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=ERR, transient=True) as progress:
        task = progress.add_task(what)
        yield lambda rows: progress.update(task, description=f"{what}: {rows} rows")
