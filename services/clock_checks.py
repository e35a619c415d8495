"""Evidence of the clocks: once a minute for each host, its kernel's word and how it stands to the database's clock.

Whichever process of a host comes first writes the row. Timers and the trail's `recorded_at` go by the database's clock,
`occurred_at` by the host's: a reader of a report can tell from these rows what the difference means.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from config.kernel_clock import read_kernel_clock
from config.sections import ClockSettings
from domain.alerts import Severity
from domain.clock import Clock
from domain.clock_state import ClockReading, DatabaseOffset, disagreement, unsynchronized
from domain.ids import Ids
from models.unit import Unit
from services.alerts import Alert, raise_alert, resolve_alerts
from services.leases import read_clock, take_lease
from services.origin import Origin

UNSYNCHRONIZED, DISAGREES = "clock_unsynchronized", "clock_disagrees"
KINDS = (UNSYNCHRONIZED, DISAGREES)
_MOST_MS = Decimal(999_999_999)  # what the column holds: a host that lives in 1970 must not go unrecorded

_INSERT = """
INSERT INTO audit.clock_checks (check_id, host, process, occurred_at, source, synchronized, offset_ms, max_error_ms,
                                database_offset_ms, detail)
VALUES (%(id)s, %(host)s, %(process)s, %(now)s, %(source)s, %(synchronized)s, %(offset_ms)s, %(max_error_ms)s,
        %(database_offset_ms)s, %(detail)s)
"""

# a container has another name each time: nobody comes back to say that the old one is well
_STRAY = """
UPDATE trading.notifications n SET resolved_at = clock_timestamp()
 WHERE n.kind = ANY(%(kinds)s) AND n.resolved_at IS NULL
   AND NOT EXISTS (SELECT FROM trading.leases l
                    WHERE l.name = 'clock:' || n.subject AND l.expires_at > clock_timestamp() - interval '1 hour')
"""

_LATEST = """
SELECT count(*) AS hosts, count(*) FILTER (WHERE synchronized) AS synchronized,
       count(*) FILTER (WHERE NOT synchronized) AS unsynchronized, max(max_error_ms) AS max_error_ms,
       max(abs(database_offset_ms)) AS database_offset_ms
  FROM (SELECT DISTINCT ON (host) * FROM audit.clock_checks
         WHERE occurred_at > clock_timestamp() - interval '1 hour'
         ORDER BY host, recorded_at DESC) latest
 WHERE recorded_at > clock_timestamp() - interval '20 minutes'
"""


@dataclass(frozen=True, slots=True)
class ClockStanding:
    """The hosts by the last word of their kernel; of the rest nobody can say. The worst bound and offset, in ms."""

    hosts: int
    synchronized: int
    unsynchronized: int
    max_error_ms: Decimal | None
    database_offset_ms: Decimal | None


def check_clock(unit: Unit, limits: ClockSettings, clock: Clock, ids: Ids, *, origin: Origin) -> Sequence[Alert]:
    """Write a check of this host when one is due; return the alerts that are to have a line in the log.

    `unit` must not be in a transaction: the database's clock is asked in a round trip of its own.
    """
    once = str(ids.new())  # nobody's own: also the holder waits until the time is over
    if not take_lease(unit, f"clock:{origin.host}", once, int(limits.interval.total_seconds())):
        return []
    reading, found = read_kernel_clock(), measure_offset(unit, clock)
    _write(unit, reading, found, clock=clock, ids=ids, origin=origin)
    wrong = list(_alerts(reading, found, limits, origin.host))
    now = clock.now()
    told = [alert for alert in wrong if raise_alert(unit, alert, now=now, ids=ids, origin=origin)]
    resolve_alerts(unit, sorted(set(KINDS) - {alert.kind for alert in wrong}), origin.host, now=now)
    unit.run(_STRAY, {"kinds": list(KINDS)})
    return told


def measure_offset(unit: Unit, clock: Clock) -> DatabaseOffset:
    """Return how far this host's clock is ahead of the database's: that answered in the middle of the round trip."""
    asked_at, asked_ms = clock.now(), clock.monotonic_ms()
    answered = read_clock(unit)
    round_trip_ms = Decimal(str(round(clock.monotonic_ms() - asked_ms, 3)))
    ahead_ms = Decimal(str(round((asked_at - answered).total_seconds() * 1000, 3)))
    return DatabaseOffset(max(-_MOST_MS, min(_MOST_MS, ahead_ms + round_trip_ms / 2)), round_trip_ms)


def read_clocks(unit: Unit) -> ClockStanding:
    """Return how the hosts stand that were checked within twenty minutes."""
    (row,) = unit.rows(_LATEST)
    return ClockStanding(**row._asdict())


def _write(unit: Unit, reading: ClockReading, found: DatabaseOffset, *, clock: Clock, ids: Ids, origin: Origin) -> None:
    estimated = reading.estimated_error_ms
    values = {
        "id": ids.new(),
        "host": origin.host,
        "process": origin.process,
        "now": clock.now(),
        "source": reading.source,
        "synchronized": reading.synchronized,
        "offset_ms": reading.offset_ms,
        "max_error_ms": reading.max_error_ms,
        "database_offset_ms": found.offset_ms,
        "detail": json.dumps(
            {
                "round_trip_ms": str(found.round_trip_ms),
                "estimated_error_ms": None if estimated is None else str(estimated),
            }
        ),
    }
    unit.run(_INSERT, values)


def _alerts(reading: ClockReading, found: DatabaseOffset, limits: ClockSettings, host: str) -> Sequence[Alert]:
    said = {
        UNSYNCHRONIZED: unsynchronized(reading, limits.most_error_ms),
        DISAGREES: disagreement(found, limits.most_database_offset_ms),
    }
    severity = Severity.CRITICAL if limits.required else Severity.WARNING
    return [
        Alert(kind=kind, subject=host, severity=severity, message=message, detail={"source": reading.source})
        for kind, message in said.items()
        if message is not None
    ]
