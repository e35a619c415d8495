"""Processes wait for what they need instead of dying for it (R30)."""

import threading

from loguru import logger

from models.unit import StoreError
from tasks.context import Context

_PAUSE_S = 0.5
_SAY_EVERY = 10


def wait_for_dependencies(ctx: Context, stop: threading.Event | None = None) -> bool:
    """Return once Postgres holds our tables and Redis answers; False when asked to stop before."""
    stop = stop or threading.Event()
    tries = 0
    while not stop.is_set():
        missing = _missing(ctx)
        if missing is None:
            return True
        if tries % _SAY_EVERY == 0:
            logger.info("Waiting for {}", missing)
        tries += 1
        stop.wait(_PAUSE_S)
    return False


def _missing(ctx: Context) -> str | None:
    try:
        with ctx.database.statement() as unit:
            row = unit.row("SELECT to_regclass('reports.order_timing') IS NOT NULL AS migrated")
    except StoreError as error:
        return f"Postgres ({type(error).__name__})"
    if row is None or not row.migrated:
        return "the database's migrations (opitios migrate)"
    return None if ctx.hints.ping() else "Redis"
