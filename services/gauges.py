"""The gauges of every process's connections, written by itself and read for health (US-SYSTEM-020)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.unit import Unit
from services.origin import Origin

FRESH_S = 30

_STORE = """
WITH forgotten AS (
  DELETE FROM trading.process_gauges WHERE reported_at < clock_timestamp() - interval '1 day'
)
INSERT INTO trading.process_gauges (host, process, pool, reported_at)
VALUES (%(host)s, %(process)s, %(pool)s, clock_timestamp())
ON CONFLICT (host, process) DO UPDATE SET pool = excluded.pool, reported_at = excluded.reported_at
"""

_READ = """
SELECT process, pool - 'configuration' - 'clients' AS pool, pool->'configuration' AS configuration,
       extract(epoch FROM clock_timestamp() - reported_at)::float8 AS seconds_ago
  FROM trading.process_gauges
 WHERE reported_at > clock_timestamp() - make_interval(secs => %(fresh_s)s)
 ORDER BY process, host
"""

_TOLD = """
SELECT 1 AS told FROM trading.process_gauges
 WHERE host = %(host)s AND split_part(process, ':', 1) = %(process)s
   AND reported_at > clock_timestamp() - make_interval(secs => %(fresh_s)s)
"""


@dataclass(frozen=True, slots=True)
class Gauges:
    """What one process (`name:pid`) said last: of its connections, and of how it stands to its configuration."""

    process: str
    pool: Mapping[str, Any]
    configuration: Mapping[str, Any] | None
    seconds_ago: float  # float: seconds of a clock


def store_gauges(
    unit: Unit,
    origin: Origin,
    pool: Mapping[str, Any],
    configuration: Mapping[str, Any] | None = None,
) -> None:
    """Write a process's own gauges over its last ones: of its pool, and of its `clients` where it has some."""
    said = dict(pool) | ({} if configuration is None else {"configuration": dict(configuration)})
    unit.run(_STORE, {"host": origin.host, "process": origin.process, "pool": json.dumps(said)})


def has_told(unit: Unit, host: str, process: str) -> bool:
    """Tell whether a process of this name has spoken on that host within half a minute."""
    found = unit.rows(_TOLD, {"host": host, "process": process, "fresh_s": FRESH_S})
    return bool(found)


def read_gauges(unit: Unit) -> Sequence[Gauges]:
    """Return the gauges of every process that has spoken within half a minute."""
    rows = unit.rows(_READ, {"fresh_s": FRESH_S})
    return [Gauges(row.process, row.pool, row.configuration, round(row.seconds_ago, 1)) for row in rows]


def refusing(unit: Unit) -> Sequence[str]:
    """Return the processes that could not take their configuration over, as they said within half a minute."""
    return [gauges.process for gauges in read_gauges(unit) if (gauges.configuration or {}).get("error") is not None]
