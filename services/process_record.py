"""Starts and stops on record: of each process with its pid and version, and of the whole stack (MON-001).

A start without a stop before it means that the process before it was killed.
"""

import datetime as dt
import sys
from importlib.metadata import PackageNotFoundError, version

from config.ids import trace_id
from config.settings import Settings
from services.operations import Operation
from services.origin import Stamp
from services.rules_version import rules_version

STARTED, STOPPED = "process_started", "process_stopped"
STACK_STARTED, STACK_STOPPED = "stack_started", "stack_stopped"


def process_operation(
    what: str,
    settings: Settings,
    stamp: Stamp,
    *,
    since: dt.datetime | None = None,
    total_ms: float = 0,  # float: milliseconds
) -> Operation:
    """Return a start or stop; `since` is when it began, and `total_ms` how long it took."""
    return Operation(
        operation=what,
        started_at=since or stamp.now,
        occurred_at=stamp.now,
        total_ms=total_ms,
        success=True,
        source="system",
        trace_id=trace_id(),
        detail={
            "process": stamp.origin.process,
            "version": _version(),
            "python": ".".join(map(str, sys.version_info[:3])),
            "boot_id": settings.boot_id,
            "rules_version": rules_version(settings),
        },
    )


def _version() -> str:
    try:
        return version("opitios")
    except PackageNotFoundError:  # run from its files alone
        return "unknown"
