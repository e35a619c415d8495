"""Keeps the audit trail's partitions a year ahead, and tells when one is missing or has been kept long enough (R29)."""

from collections.abc import Sequence

from loguru import logger

from config.celery import ENSURE_PARTITIONS
from domain.alerts import Severity
from models.unit import StoreError
from services.alerts import Alert
from services.partitions import DuePart, MissingPart, due_parts, missing_parts
from tasks.alerting import settle_alerts
from tasks.app import app
from tasks.context import Context, context

PARTITION_MISSING = "audit_partition_missing"
RETENTION_DUE = "audit_retention_due"
_SUBJECT = "audit"


@app.task(name=ENSURE_PARTITIONS)
def ensure_partitions() -> None:
    """Make the partitions of the coming months that are missing; say what is missing nevertheless."""
    ctx = context()
    try:
        with ctx.database.unit() as unit:
            row = unit.row("SELECT audit.ensure_partitions() AS made")
        if row is not None and row.made:
            logger.info("Audit partitions made: {}", row.made)
    except StoreError as error:
        logger.error("Audit partitions could not be made: {}", type(error).__name__)
    watch_partitions(ctx)


def watch_partitions(ctx: Context) -> None:
    """Raise an alert for months that have no partition, another for those that may be retired; close what is over."""
    years = ctx.settings.retention.audit_years
    with ctx.database.statement() as unit:
        missing, due = missing_parts(unit), due_parts(unit, years)
    wrong = ([_missing(missing)] if missing else []) + ([_due(due, years)] if due else [])
    settle_alerts(ctx, _SUBJECT, wrong=wrong, kinds=[PARTITION_MISSING, RETENTION_DUE])


def _missing(parts: Sequence[MissingPart]) -> Alert:
    names = ", ".join(part.part for part in parts)
    is_near = parts[0].ahead <= 1
    return Alert(
        kind=PARTITION_MISSING,
        subject=_SUBJECT,
        severity=Severity.CRITICAL if is_near else Severity.WARNING,
        message=f"no partition for {names}: without it nothing of that month can be stored, no order either",
        detail={"months": len(parts), "nearest_ahead": parts[0].ahead},
    )


def _due(parts: Sequence[DuePart], years: int) -> Alert:
    return Alert(
        kind=RETENTION_DUE,
        subject=_SUBJECT,
        severity=Severity.WARNING,
        message=f"{len(parts)} months of the trail are kept for {years} years already: opitios audit retire",
        detail={"months": len(parts), "oldest": parts[0].part},
    )
