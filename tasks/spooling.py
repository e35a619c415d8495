"""Lines that waited in a spool, written once Postgres is back: each once, whatever dies in between (UC-SYSTEM-002)."""

from loguru import logger

from domain.ids import Ids
from events.spool import Spool
from models.session import Database
from models.unit import StoreAway, StoreError
from services.spooled import Line, write_line


def replay(database: Database, spool: Spool, ids: Ids) -> int:
    """Write the spool's lines, oldest first, and empty it; return how many were new. Raises StoreAway.

    A line that the database refuses for good is an ERROR line in the log, and keeps no other waiting.
    """
    found = spool.read()
    new = sum(_write(database, line, ids) for line in found.lines)
    if found.length:
        spool.drop(found.length)
    if new:
        logger.info("{} lines of the spool {} are written", new, spool.path.name)
    return new


def _write(database: Database, line: Line, ids: Ids) -> bool:
    try:
        with database.unit() as unit:
            return write_line(unit, line, ids)
    except StoreAway:
        raise
    except (StoreError, ValueError) as error:
        logger.error("A line of a spool was not taken ({}): {}", type(error).__name__, line)
        return False
