"""Alerts in their first form: a row that stays open until its cause is gone; the caller logs what is new (MON-001)."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.alerts import Severity
from domain.ids import Ids
from models.unit import Unit
from services.origin import Origin


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


_RAISE = """
INSERT INTO trading.notifications AS n (notification_id, kind, subject, severity, account_id, message, detail,
  occurred_at, last_at, actor, host, process)
VALUES (%(id)s, %(kind)s, %(subject)s, %(severity)s, %(account_id)s, %(message)s, %(detail)s,
  %(now)s, %(now)s, %(actor)s, %(host)s, %(process)s)
ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO UPDATE SET
  times = n.times + 1, last_at = excluded.last_at, message = excluded.message, detail = excluded.detail,
  severity = excluded.severity
RETURNING n.times = 1 AS is_new
"""

_RESOLVE = """
UPDATE trading.notifications SET resolved_at = %(now)s
 WHERE kind = %(kind)s AND subject = %(subject)s AND resolved_at IS NULL
"""

_OPEN = """
SELECT kind, subject, severity, message, occurred_at, last_at, times
  FROM trading.notifications WHERE resolved_at IS NULL ORDER BY occurred_at, kind, subject
"""


def raise_alert(unit: Unit, alert: Alert, *, now: dt.datetime, ids: Ids, origin: Origin) -> bool:
    """Write the alert, or count it up while it is open; return whether it is new."""
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
            "actor": origin.actor,
            "host": origin.host,
            "process": origin.process,
        },
    )
    return row is not None and bool(row.is_new)


def resolve_alert(unit: Unit, kind: str, subject: str, *, now: dt.datetime) -> bool:
    """Close an open alert; return whether there was one."""
    return bool(unit.run(_RESOLVE, {"kind": kind, "subject": subject, "now": now}))


def open_alerts(unit: Unit) -> Sequence[OpenAlert]:
    """Return the alerts whose cause is not gone, oldest first."""
    return [OpenAlert(**row._asdict()) for row in unit.rows(_OPEN)]
