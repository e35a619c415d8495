"""A report as a file that is whole or not there: written aside, recorded in the audit trail, then given its name."""

import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from cli.output import ERR
from config.clock import SYSTEM_CLOCK
from config.ids import trace_id
from config.settings import ConfigError, Settings
from reports.catalog import Report
from reports.filters import Filters
from reports.query import Result, run_report
from reports.render import Write, Written, about, totals, write_csv, write_json
from reports.scratch import scratch
from services.operations import Operation
from services.report_exports import Asked, failed, made

_BINARY = frozenset({"xlsx", "parquet"})
MANIFEST = ".manifest.json"
_BLOCK = 1 << 18


def export(settings: Settings, url: str, report: Report, filters: Filters, form: str, output: Path | None) -> None:
    """Write the report to a file, or to stdout without one, and say on stderr what it is.

    Raises ConfigError when the export cannot be recorded: then there is no file either.
    """
    if output is None and form in _BINARY and sys.stdout.isatty():
        raise ConfigError(f"{form} is nothing for a screen: expected --output FILE, or a pipe")
    asked = Asked(
        report=report.name,
        format=form,
        filters=filters,
        source="cli",
        started_at=SYSTEM_CLOCK.now(),
        trace_id=trace_id(),
        detail={} if output is None else {"file": output.name},
    )
    began_ms = SYSTEM_CLOCK.monotonic_ms()
    try:
        with _ended_by_signals(), run_report(url, report, filters) as result, _aside(output) as file:
            written = _writer(form)(result, file)
            said = _manifest(result, written, form, file)
            spent_ms = SYSTEM_CLOCK.monotonic_ms() - began_ms
            _record(settings, made(asked, result, written, total_ms=spent_ms, now=SYSTEM_CLOCK.now()))
            _hand_out(file, output, said)
    except BaseException as error:  # whatever ended it, also a signal, is on record as a failure
        now, spent_ms = SYSTEM_CLOCK.now(), SYSTEM_CLOCK.monotonic_ms() - began_ms
        reason = f"{type(error).__name__}: {error}"
        with suppress(ConfigError):
            _record(settings, failed(asked, "export_failed", reason, total_ms=spent_ms, now=now))
        raise
    _say(said, written, output)


def _writer(form: str) -> Write:
    # either of these takes a quarter of a second to load, which no other command shall wait for
    if form == "xlsx":
        from reports.spreadsheet import write_xlsx  # noqa: PLC0415  as said above

        return write_xlsx
    if form == "parquet":
        from reports.parquet import write_parquet  # noqa: PLC0415  as said above

        return write_parquet
    return {"csv": write_csv, "json": write_json}[form]


def _record(settings: Settings, operation: Operation) -> None:
    from cli.database import record_here  # noqa: PLC0415  no table shall wait for the ORM

    record_here(settings, operation)


@contextmanager
def _aside(output: Path | None) -> Iterator[IO[bytes]]:
    """Give a file that nobody takes for the export: without a name, or with one that says it is a part."""
    if output is None:
        with scratch() as file:
            yield file
        return
    part = _part(output)
    try:
        file = part.open("x+b")
    except FileExistsError:
        found = f"{part} is there: another export writes {output.name}, or one was killed; remove it"
        raise ConfigError(found) from None
    except OSError as error:
        raise ConfigError(f"{output}: {error.strerror}") from None
    try:
        with file:
            yield file
    finally:
        part.unlink(missing_ok=True)  # after a good end it has its own name by now


def _hand_out(file: IO[bytes], output: Path | None, said: dict[str, Any]) -> None:
    """Give the file its name, its manifest first: whoever sees the file sees what it is."""
    file.flush()
    if output is None:
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    os.fsync(file.fileno())
    manifest = output.with_name(output.name + MANIFEST)
    part = _part(manifest)
    try:
        part.write_text(json.dumps(said | {"file": output.name}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(manifest)
    finally:
        part.unlink(missing_ok=True)
    _part(output).replace(output)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _manifest(result: Result, written: Written, form: str, file: IO[bytes]) -> dict[str, Any]:
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while block := file.read(_BLOCK):
        digest.update(block)
        size += len(block)
    return about(result) | totals(written) | {"format": form, "bytes": size, "file_sha256": digest.hexdigest()}


def _say(said: dict[str, Any], written: Written, output: Path | None) -> None:
    rows = f"{written.rows} {'row' if written.rows == 1 else 'rows'}"
    cut = "" if written.is_whole else f" of {written.in_all} (raise --limit)"
    where = "" if output is None else f" in {output} ({output.name}{MANIFEST} beside it)"
    ERR.print(f"{rows}{cut} as of {said['as_of']}{where}", markup=False)
    ERR.print(f"sha256 {written.sha256}", markup=False)
    ERR.print(f"query {said['query']}", markup=False)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that it leaves nothing behind."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
