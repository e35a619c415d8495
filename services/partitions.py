"""The months of the audit trail: those that must be there already, and those whose years are over (R29)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from models.unit import Unit

MONTHS_AHEAD = 12

_MISSING = """
SELECT wanted.part, wanted.ahead
  FROM (SELECT parent, ahead,
               parent || to_char(now() AT TIME ZONE 'UTC' + make_interval(months => ahead), '/YYYYMM') AS part
          FROM unnest(ARRAY['order_events', 'operations']) parent, generate_series(0, %(ahead)s) ahead) wanted
 WHERE NOT EXISTS (SELECT FROM audit.partitions(wanted.parent) p WHERE p.part = wanted.part)
 ORDER BY wanted.ahead, wanted.part
"""

_DUE = """
SELECT p.part, p.month
  FROM unnest(ARRAY['order_events', 'operations']) parent, audit.partitions(parent) p
 WHERE (p.month + interval '1 month') AT TIME ZONE 'UTC' + make_interval(years => %(years)s) <= now()
 ORDER BY p.month, p.part
"""


@dataclass(frozen=True, slots=True)
class MissingPart:
    """A month that has no partition, and how many months ahead it is; 0 is the one that is being written."""

    part: str
    ahead: int


@dataclass(frozen=True, slots=True)
class DuePart:
    """A month that has been kept for its years."""

    part: str
    month: dt.date


def missing_parts(unit: Unit) -> Sequence[MissingPart]:
    """Return the months without a partition from this one to a year ahead, the nearest first."""
    return [MissingPart(row.part, row.ahead) for row in unit.rows(_MISSING, {"ahead": MONTHS_AHEAD})]


def retired_digest(unit: Unit, part: str) -> str | None:
    """Return the SHA-256 of the file that a retired month went to, None for one that is in the trail."""
    row = unit.row("SELECT sha256 FROM audit.retired_parts WHERE part = %(part)s", {"part": part})
    return None if row is None else str(row.sha256)


def due_parts(unit: Unit, years: int) -> Sequence[DuePart]:
    """Return the months that ended at least so many years ago and are still in the trail, oldest first."""
    return [DuePart(row.part, row.month) for row in unit.rows(_DUE, {"years": years})]
