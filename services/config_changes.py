"""Changes of settings, accounts and users on the record: who, when, old, new (CFG-001).

What is secret never comes here: callers say that it changed and no more.
"""

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.ids import Ids
from models.unit import Row, Unit
from services.origin import Origin


@dataclass(frozen=True, slots=True)
class Change:
    """One change: its subject (a dotted name, or what was done), the values before and after; None for no value.

    `corrects` is the id of the change that this one corrects.
    """

    subject: str
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    corrects: uuid.UUID | None = None


_RECORD = """
INSERT INTO audit.config_changes (change_id, subject, old, new, actor, host, occurred_at, corrects)
VALUES (%(id)s, %(subject)s, %(old)s, %(new)s, %(actor)s, %(host)s, %(now)s, %(corrects)s)
"""

# ids are made in the order of time, so the key itself is the order of the list
_LIST = """
SELECT change_id, subject, old, new, actor, host, occurred_at FROM audit.config_changes
 WHERE %(after)s::uuid IS NULL OR change_id < %(after)s
 ORDER BY change_id DESC LIMIT %(limit)s
"""


def record_change(unit: Unit, change: Change, *, now: dt.datetime, ids: Ids, origin: Origin) -> uuid.UUID:
    """Write one change; return its id."""
    change_id = ids.new()
    old, new = (None if value is None else json.dumps(dict(value)) for value in (change.old, change.new))
    who = {"actor": origin.actor, "host": origin.host, "now": now, "corrects": change.corrects}
    unit.run(_RECORD, {"id": change_id, "subject": change.subject, "old": old, "new": new} | who)
    return change_id


def list_changes(unit: Unit, *, after: uuid.UUID | None, limit: int) -> Sequence[Row]:
    """Return changes, newest first, those after `after` where it is given."""
    return unit.rows(_LIST, {"after": after, "limit": limit})
