"""Keeps the audit trail's partitions a year ahead (R29)."""

from loguru import logger

from config.celery import ENSURE_PARTITIONS
from tasks.app import app
from tasks.context import context


@app.task(name=ENSURE_PARTITIONS)
def ensure_partitions() -> None:
    """Make the partitions of the coming months that are missing."""
    with context().database.unit() as unit:
        row = unit.row("SELECT audit.ensure_partitions() AS made")
    if row is not None and row.made:
        logger.info("Audit partitions made: {}", row.made)
