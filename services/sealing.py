"""Whether the audit trail is sealed in time, judged by somebody else than the sealer (R29, MON-001)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from domain.alerts import Severity
from domain.seals import FORMAT, FORMATS
from models.unit import Row, Unit
from services.alerts import Alert

SEAL_LATE = "audit_seal_late"
NEW_EPOCH = "audit_epoch"
SUBJECT = "audit"
_EPOCH_TOLD = dt.timedelta(days=1)

_LAST = """
SELECT s.seal_no, s.sealed_at, s.epoch, s.to_xid, s.epoch_began_at,
       (extract(epoch FROM clock_timestamp() - s.sealed_at) * 1000)::bigint AS lag_ms,
       EXISTS (SELECT FROM trading.notifications
                WHERE kind = %(late)s AND subject = %(subject)s AND resolved_at IS NULL) AS is_told
  FROM (SELECT) one LEFT JOIN LATERAL (SELECT * FROM audit.seals ORDER BY seal_no DESC LIMIT 1) s ON true
"""
_EPOCH_AGE = """
SELECT clock_timestamp() - min(sealed_at) AS age FROM audit.seals WHERE epoch = %(epoch)s AND from_xid = 0
"""
_WAITING = """
(SELECT clock_timestamp() - recorded_at AS age FROM audit.{}
  WHERE xid >= %(to_xid)s AND recorded_at >= %(began)s AND recorded_at < clock_timestamp() - %(alarm)s::interval
  LIMIT 1)
"""
_ANY_WAITING = " UNION ALL ".join(_WAITING.format(table.name) for table in FORMATS[FORMAT]) + " ORDER BY 1 DESC LIMIT 1"

_PAGE = """
SELECT seal_no, sealed_at, epoch, from_xid, to_xid, row_count, parts, encode(root, 'hex') AS root,
       encode(previous_hash, 'hex') AS previous_hash, encode(hash, 'hex') AS hash,
       encode(signature, 'hex') AS signature, key_id, host
  FROM audit.seals WHERE %(before)s::bigint IS NULL OR seal_no < %(before)s
 ORDER BY seal_no DESC LIMIT %(limit)s
"""
_ROWS = """
SELECT coalesce(sum(row_count), 0)::bigint AS rows FROM audit.seals
 WHERE sealed_at >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
   AND sealed_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC'
"""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long silence is usual (`heartbeat`), and how much later is late (`alarm`)."""

    heartbeat: dt.timedelta
    alarm: dt.timedelta


@dataclass(frozen=True, slots=True)
class Sealing:
    """The last seal, and how many ms ago it was made; None before the first. `is_late`: an alarm is open."""

    last_seal_no: int | None
    sealed_at: dt.datetime | None
    lag_ms: int | None
    is_late: bool

    def state(self, patience: Patience) -> str:
        """Return `healthy`, `degraded` when it is late, `unknown` before the first seal."""
        if self.lag_ms is None:
            return "degraded" if self.is_late else "unknown"
        usual = patience.heartbeat + patience.alarm
        return "degraded" if self.is_late or dt.timedelta(milliseconds=self.lag_ms) > usual else "healthy"


def read_sealing(unit: Unit) -> Sealing:
    """Return how sealing stands: one look at the last seal, and none at the rows."""
    last = _last(unit)
    return Sealing(last.seal_no, last.sealed_at, last.lag_ms, last.is_told)


def sealing_alerts(unit: Unit, patience: Patience) -> list[Alert]:
    """Return what is wrong: seals or rows that wait too long, an epoch that began of late."""
    last = _last(unit)
    return [alert for alert in (_late(unit, last, patience), _epoch(unit, last)) if alert is not None]


def list_seals(unit: Unit, *, before: int | None, limit: int) -> Sequence[Row]:
    """Return at most `limit` seals, newest first, those before a number alone."""
    return unit.rows(_PAGE, {"before": before, "limit": limit})


def sealed_rows(unit: Unit, first: dt.date, last: dt.date) -> int:
    """Return how many rows were sealed on these days (UTC)."""
    (row,) = unit.rows(_ROWS, {"first": first, "last": last})
    return int(row.rows)


def _last(unit: Unit) -> Row:
    (row,) = unit.rows(_LAST, {"late": SEAL_LATE, "subject": SUBJECT})
    return row


def _late(unit: Unit, last: Row, patience: Patience) -> Alert | None:
    began = last.epoch_began_at or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    bounds = {"to_xid": last.to_xid or 0, "began": began, "alarm": patience.alarm}
    # planned anew: only the values tell Postgres that they are at the end of its tables
    waiting = unit.rows_replanned(_ANY_WAITING, bounds)
    if waiting:
        waits, what = waiting[0].age, "a row waits for its seal"
    elif last.lag_ms is not None and dt.timedelta(milliseconds=last.lag_ms) > patience.heartbeat + patience.alarm:
        waits, what = dt.timedelta(milliseconds=last.lag_ms), "nothing was sealed"
    else:
        return None
    seconds = round(waits.total_seconds())
    return Alert(
        kind=SEAL_LATE,
        subject=SUBJECT,
        severity=Severity.WARNING,
        message=f"{what} for {seconds} s: the sealer is away, or a transaction stays open",
        detail={"seconds": seconds, "last_seal_no": last.seal_no},
    )


def _epoch(unit: Unit, last: Row) -> Alert | None:
    if last.epoch is None or last.epoch == 1:
        return None
    (found,) = unit.rows(_EPOCH_AGE, {"epoch": last.epoch})
    if found.age is None or found.age > _EPOCH_TOLD:
        return None
    return Alert(
        kind=NEW_EPOCH,
        subject=SUBJECT,
        severity=Severity.WARNING,
        message=f"epoch {last.epoch} of the audit trail began: the database was restored; run opitios audit verify",
        detail={"epoch": last.epoch},
    )
