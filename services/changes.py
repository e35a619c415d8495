"""One row of the audit trail for a change that somebody made: who, what it was, what it is now."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

from domain.ids import Ids
from models.unit import Unit
from services.origin import Origin

Value = str | int | bool | None
Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happens, whose doing it is, and where the ids of its rows come from."""

    now: dt.datetime
    ids: Ids
    origin: Origin


def record_change(unit: Unit, subject: str, *, old: Values | None, new: Values, stamp: Stamp) -> None:
    """Append a change of `subject` to `audit.config_changes`; the values must not be secret."""
    unit.run(
        "INSERT INTO audit.config_changes (change_id, subject, old, new, actor, host, occurred_at) "
        "VALUES (%(id)s, %(subject)s, %(old)s, %(new)s, %(actor)s, %(host)s, %(now)s)",
        {
            "id": stamp.ids.new(),
            "subject": subject,
            "old": None if old is None else json.dumps(dict(old)),
            "new": json.dumps(dict(new)),
            "actor": stamp.origin.actor,
            "host": stamp.origin.host,
            "now": stamp.now,
        },
    )
