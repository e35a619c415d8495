"""An export of a report is an event of its own: who took what, how many rows, with which digest (TRD-001).

Callers append the record once the file is whole and before they hand it out: without its record an export has failed.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.timing import safe
from reports.filters import Filters
from reports.query import Result
from reports.render import Written, instant
from services.operations import Operation

OPERATION = "report_export"
_LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for: by which door (`cli`, `api`), which report, in which form, since when."""

    report: str
    format: str
    filters: Filters
    source: str
    started_at: dt.datetime
    trace_id: str
    detail: Mapping[str, Any] = field(default_factory=dict)


def made(
    asked: Asked,
    result: Result,
    written: Written,
    *,
    now: dt.datetime,
    total_ms: float,  # float: milliseconds
) -> Operation:
    """Return the record of a file that is whole."""
    detail = {
        "as_of": instant(result.as_of),
        "query": result.query,
        "rows": written.rows,
        "rows_in_all": written.in_all,
        "sha256": written.sha256,
    }
    return _operation(asked, detail, total_ms=total_ms, now=now)


def failed(
    asked: Asked,
    code: str,
    reason: str,
    *,
    now: dt.datetime,
    total_ms: float,  # float: milliseconds
) -> Operation:
    """Return the record of an export that ended without a file."""
    return _operation(asked, {}, total_ms=total_ms, now=now, reason_code=code, reason=safe(reason)[:_LONGEST])


def _operation(
    asked: Asked,
    detail: Mapping[str, Any],
    *,
    now: dt.datetime,
    total_ms: float,  # float: milliseconds
    **why: Any,
) -> Operation:
    said = {"report": asked.report, "format": asked.format, "filters": asked.filters.shown()}
    return Operation(
        operation=OPERATION,
        started_at=asked.started_at,
        occurred_at=now,
        total_ms=total_ms,
        success=not why,
        source=asked.source,
        trace_id=asked.trace_id,
        account_name=asked.filters.account,
        detail={**said, **asked.detail, **detail},
        **why,
    )
