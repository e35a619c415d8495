"""Exports of reports: written aside whole, recorded, then sent with their digest; a caller who leaves ends the query.

Errors come as problem+json before the first byte, and a transfer that breaks is shorter than its Content-Length.
See docs/decisions/0027-report-files.md.
"""

import asyncio
import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import IO
from urllib.parse import quote

import anyio.to_thread
import psycopg
from fastapi import Request, Response
from loguru import logger
from starlette.types import Receive, Scope, Send

from api.state import ApiState
from domain.errors import ReportsUnavailable
from models.unit import StoreError
from reports.catalog import Report
from reports.filters import Filters
from reports.query import Result, run_report
from reports.render import Write, Written, instant, write_csv, write_json
from reports.scratch import scratch
from services.operations import Operation, record_operation
from services.report_exports import Asked, failed, made

PAGE_S = 5
EXPORT_S = 600
_SLOT_S = 2
_BLOCK = 1 << 18
WRITERS: dict[str, Write] = {"csv": write_csv, "json": write_json}
_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@contextmanager
def opened(state: ApiState, report: Report, filters: Filters, *, limit_s: int) -> Iterator[Result]:
    """Open a report on one of the few connections that this process has for them. Raises ReportsUnavailable."""
    url = state.settings.compliance_database_url.get_secret_value()
    if not url:
        raise ReportsUnavailable("this process has no login for reports: set OPITIOS_COMPLIANCE_DATABASE_URL")
    if not state.report_slots.acquire(timeout=_SLOT_S):
        raise ReportsUnavailable("all connections for reports are in use; try again in a moment")
    try:
        with run_report(url, report, filters, limit_s=limit_s) as result:
            yield result
    except psycopg.OperationalError as error:
        raise ReportsUnavailable(f"the database does not answer ({type(error).__name__})") from None
    finally:
        state.report_slots.release()


@dataclass
class Export:
    """One export under way: `run` makes the file in a thread, `stop` ends it from outside."""

    state: ApiState
    report: Report
    asked: Asked
    actor: str
    _result: Result | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> "ReportFile":
        """Return the file, whole and recorded. A failure is on record too, as far as the database takes it."""
        began_ms = self.state.clock.monotonic_ms()
        file = scratch()
        try:
            with opened(self.state, self.report, self.asked.filters, limit_s=EXPORT_S) as result:
                self._begin(result)
                written = WRITERS[self.asked.format](result, file)
                answer = ReportFile(file, _headers(result, written, self.asked.format, file))
                self._record(partial(made, self.asked, result, written), began_ms)
        except BaseException as error:  # whatever ended it is on record as a failure
            file.close()
            with suppress(ReportsUnavailable):
                self._record(partial(failed, self.asked, *self._why(error)), began_ms)
            if isinstance(error, OSError):
                raise ReportsUnavailable(f"the file cannot be written: {error.strerror}") from None
            raise
        return answer

    def stop(self) -> None:
        """End the query: nobody waits for it."""
        self._stopped.set()
        if self._result is not None:
            with suppress(psycopg.Error):
                self._result.connection.cancel_safe(timeout=_SLOT_S)

    def _begin(self, result: Result) -> None:
        self._result = result
        if self._stopped.is_set():
            raise ReportsUnavailable("nobody waits for it")

    def _record(self, record: Callable[..., Operation], began_ms: float) -> None:
        spent_ms = self.state.clock.monotonic_ms() - began_ms
        operation = record(now=self.state.clock.now(), total_ms=spent_ms)
        try:
            with self.state.database.unit() as unit:
                record_operation(unit, operation, self.state.origin(self.actor), self.state.ids)
        except StoreError as error:
            logger.error("An export could not be recorded: {}", type(error).__name__)
            raise ReportsUnavailable("the export could not be recorded, so it is not handed out") from None

    def _why(self, error: BaseException) -> tuple[str, str]:
        if self._stopped.is_set():
            return "caller_left", "the caller left before the file was whole"
        return getattr(error, "code", "export_failed"), f"{type(error).__name__}: {error}"


async def made_while_wanted(export: Export, request: Request) -> Response:
    """Return the file once it is whole; end its query when the caller leaves before."""
    watch = asyncio.create_task(_stop_when_left(export, request))
    try:
        return await anyio.to_thread.run_sync(export.run)
    except asyncio.CancelledError:  # this process ends, and shall not wait for a query of minutes
        export.stop()
        raise
    finally:
        watch.cancel()


async def _stop_when_left(export: Export, request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    await anyio.to_thread.run_sync(export.stop)


class ReportFile(Response):
    """Sends a file that is whole, and closes it whatever happens."""

    def __init__(self, file: IO[bytes], headers: dict[str, str]) -> None:
        self._file = file
        super().__init__(status_code=HTTPStatus.OK, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's signature
        """Send it in blocks."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while block := await anyio.to_thread.run_sync(self._file.read, _BLOCK):
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._file.close()


def _headers(result: Result, written: Written, form: str, file: IO[bytes]) -> dict[str, str]:
    """Return what the file is, for whoever keeps it: RFC 9530's digest of its bytes, and what every output says."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    size = file.tell()
    file.seek(0)
    name = f"{result.report.name}-{result.as_of:%Y%m%dT%H%M%SZ}.{form}"
    return {
        "Content-Type": _TYPES[form],
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="{name}"',
        "Repr-Digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:",
        "X-Row-Count": str(written.rows),
        "X-Rows-Sha256": written.sha256,
        "X-As-Of": instant(result.as_of),
        "X-Query": quote(result.query, safe=" '\"=<>*.,()-_:"),
    }
