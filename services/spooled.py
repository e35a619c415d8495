"""What could not be written while Postgres was away, as lines of a spool, and written once when it is back.

An alert, its end and a timed operation keep the times and the origin they were made with. A line that is read twice,
after a crash between writing it and emptying the file, finds its id taken.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from domain.alerts import Severity
from domain.ids import Ids
from models.unit import Unit
from services.alerts import Alert, raise_alert, resolve_alerts
from services.degraded_exits import exit_line, write_degraded_exit
from services.exits import PlannedExit
from services.operations import Operation, record_operation
from services.origin import Origin, Stamp

Line = Mapping[str, Any]
"""One line of a spool: JSON with an `id` of its own."""

_TAKE = """
WITH forgotten AS (DELETE FROM trading.spooled WHERE written_at < clock_timestamp() - interval '30 days')
INSERT INTO trading.spooled (spool_id) VALUES (%(spool_id)s) ON CONFLICT DO NOTHING RETURNING spool_id
"""


def raised(alert: Alert, by: Stamp) -> Line:
    """Return the line of an alert."""
    return _line("raise", by) | {"alert": asdict(alert)}


def resolved(kinds: Sequence[str], subject: str, by: Stamp) -> Line:
    """Return the line of the end of alerts about a subject."""
    return _line("resolve", by) | {"kinds": list(kinds), "subject": subject}


def operated(operation: Operation, by: Stamp) -> Line:
    """Return the line of an operation."""
    return _line("operation", by) | {"operation": asdict(operation)}


def exited(exit_: PlannedExit, by: Stamp) -> Line:
    """Return the line of an exit that is about to be sent."""
    return _line("exit", by) | {"exit": exit_line(exit_)}


def write_line(unit: Unit, line: Line, ids: Ids) -> bool:
    """Write a line in the transaction of `unit`; False when it was written before. Raises ValueError on nonsense."""
    try:
        spool_id, now, origin = uuid.UUID(line["id"]), _time(line["at"]), Origin(**line["origin"])
        if unit.row(_TAKE, {"spool_id": spool_id}) is None:
            return False
        match line["what"]:
            case "raise":
                raise_alert(unit, _alert(line["alert"]), now=now, ids=ids, origin=origin)
            case "resolve":
                resolve_alerts(unit, list(line["kinds"]), line["subject"], now=now)
            case "operation":
                record_operation(unit, _operation(line["operation"]), origin, ids)
            case "exit":
                write_degraded_exit(unit, line["exit"], origin)
            case what:
                raise ValueError(f"a line of a spool is {what!r}; expected raise, resolve, operation or exit")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a line of a spool could not be read: {error}") from error
    return True


def _line(what: str, by: Stamp) -> dict[str, Any]:
    return {"id": str(by.ids.new()), "what": what, "at": by.now.isoformat(), "origin": asdict(by.origin)}


def _alert(found: Mapping[str, Any]) -> Alert:
    return Alert(**dict(found) | {"severity": Severity(found["severity"]), "account_id": _id(found["account_id"])})


def _operation(found: Mapping[str, Any]) -> Operation:
    times = {name: _time(found[name]) for name in ("started_at", "occurred_at")}
    ids = {name: _id(found.get(name)) for name in ("account_id", "corrects")}
    return Operation(**dict(found) | times | ids)


def _id(value: str | None) -> uuid.UUID | None:
    return None if value is None else uuid.UUID(value)


def _time(value: str) -> dt.datetime:
    return dt.datetime.fromisoformat(value)
