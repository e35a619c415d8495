"""Alerts in their first form: a row that stays open until its cause is gone; the caller logs what is new (MON-001).

The same alert is counted while it is open and has at most one line in the log in five minutes (US-SYSTEM-012), also
when its cause comes and goes. An alert is written in a transaction of its own, after the one that it reports on: it
neither breaks that one nor is taken back with it.
"""

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.alerts import Severity
from domain.ids import Ids
from models.unit import Row, Unit
from services.origin import Origin

TOLD_EVERY = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What is wrong: a stable `kind`, the `subject` it is about, and a sentence with the numbers."""

    kind: str
    subject: str
    severity: Severity
    message: str
    account_id: uuid.UUID | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert whose cause is not gone: since when, when last, how often."""

    kind: str
    subject: str
    severity: str
    message: str
    occurred_at: dt.datetime
    last_at: dt.datetime
    times: int


@dataclass(frozen=True, slots=True)
class AlertCount:
    """How many subjects have open alerts of a kind, since when, and how often they were raised: no names."""

    kind: str
    severity: str
    open: int
    since: dt.datetime
    times: int


@dataclass(frozen=True, slots=True)
class AlertPosition:
    """Where a page ended: its last alert."""

    occurred_at: dt.datetime
    notification_id: uuid.UUID


_RAISE = """
INSERT INTO trading.notifications AS n (notification_id, kind, subject, severity, account_id, message, detail,
  occurred_at, last_at, told_at, actor, host, process)
SELECT %(id)s, %(kind)s, %(subject)s, %(severity)s, %(account_id)s, %(message)s, %(detail)s,
       %(now)s, %(now)s, coalesce(max(told.told_at), %(now)s), %(actor)s, %(host)s, %(process)s
  FROM trading.notifications told
 WHERE told.kind = %(kind)s AND told.subject = %(subject)s AND told.told_at > %(untold)s
ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO UPDATE SET
  times = n.times + 1, last_at = excluded.last_at, message = excluded.message, detail = excluded.detail,
  severity = excluded.severity,
  told_at = CASE WHEN n.told_at > %(untold)s THEN n.told_at ELSE excluded.last_at END
RETURNING n.told_at = %(now)s AS is_to_be_told
"""

_RESOLVE = """
UPDATE trading.notifications SET resolved_at = %(now)s
 WHERE kind = ANY(%(kinds)s) AND subject = %(subject)s AND resolved_at IS NULL
RETURNING kind
"""

_OPEN = """
SELECT kind, subject, severity, message, occurred_at, last_at, times
  FROM trading.notifications WHERE resolved_at IS NULL ORDER BY occurred_at, kind, subject
"""

_COUNT = """
SELECT kind, severity, count(*) AS open, min(occurred_at) AS since, sum(times)::bigint AS times
  FROM trading.notifications WHERE resolved_at IS NULL GROUP BY kind, severity ORDER BY severity, kind
"""

_PAGE = """
SELECT n.*, a.name AS account, a.account_type, a.account_type_source
  FROM trading.notifications n LEFT JOIN trading.accounts a USING (account_id)
 WHERE (NOT %(open_only)s OR n.resolved_at IS NULL)
   AND (%(last_at)s::timestamptz IS NULL OR (n.occurred_at, n.notification_id) < (%(last_at)s, %(last_id)s))
 ORDER BY n.occurred_at DESC, n.notification_id DESC LIMIT %(limit)s
"""


def raise_alert(unit: Unit, alert: Alert, *, now: dt.datetime, ids: Ids, origin: Origin) -> bool:
    """Write the alert, or count it up while it is open; return whether it is to have a line in the log."""
    row = unit.row(
        _RAISE,
        {
            "id": ids.new(),
            "kind": alert.kind,
            "subject": alert.subject,
            "severity": alert.severity.value,
            "account_id": alert.account_id,
            "message": alert.message,
            "detail": json.dumps(dict(alert.detail), default=str),
            "now": now,
            "untold": now - TOLD_EVERY,
            "actor": origin.actor,
            "host": origin.host,
            "process": origin.process,
        },
    )
    return row is not None and bool(row.is_to_be_told)


def resolve_alert(unit: Unit, kind: str, subject: str, *, now: dt.datetime) -> bool:
    """Close an open alert; return whether there was one."""
    return bool(resolve_alerts(unit, [kind], subject, now=now))


def resolve_alerts(unit: Unit, kinds: Sequence[str], subject: str, *, now: dt.datetime) -> Sequence[str]:
    """Close the open alerts of these kinds about a subject; return the kinds of those that were open."""
    rows = unit.rows(_RESOLVE, {"kinds": list(kinds), "subject": subject, "now": now})
    return sorted(row.kind for row in rows)


def open_alerts(unit: Unit) -> Sequence[OpenAlert]:
    """Return the alerts whose cause is not gone, oldest first."""
    return [OpenAlert(**row._asdict()) for row in unit.rows(_OPEN)]


def count_open(unit: Unit) -> Sequence[AlertCount]:
    """Return the open alerts by kind and severity, critical ones first."""
    return [AlertCount(**row._asdict()) for row in unit.rows(_COUNT)]


def list_alerts(unit: Unit, *, open_only: bool, after: AlertPosition | None, limit: int) -> Sequence[Row]:
    """Return at most `limit` alerts with their account's name and type, newest first, those after `after` alone."""
    position = {
        "last_at": None if after is None else after.occurred_at,
        "last_id": None if after is None else after.notification_id,
    }
    return unit.rows(_PAGE, {"open_only": open_only, "limit": limit} | position)
