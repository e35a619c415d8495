"""The seller's switch, and its ticks on the record: one row says whether it is to run, and who said so (TRD-002).

The row is there from its first use on and begins switched off. Its times are the database's, which all processes share.
"""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from models.unit import Params, Row, Unit
from services.config_changes import Change, record_change
from services.origin import Stamp

SUBJECT = "sell_module"
CONFIGURATION = "configuration"
"""The actor of a start or stop that came with a changed `sell_module.enabled`."""

# A beat that comes a little early still has its tick; so does one after a clock that was set back.
_EARLY = dt.timedelta(milliseconds=250)


class SellAction(StrEnum):
    """What an operator may do to the seller."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether the seller is to run, who said so, and its last tick; times by the database's clock.

    `generation` rises with each restart that was asked for: a worker that began under an older one ends itself.
    `started_at` is since when it is switched on, None while it is off.
    """

    running: bool
    generation: int
    changed_at: dt.datetime
    changed_by: str
    tick_begun_at: dt.datetime | None
    tick_ended_at: dt.datetime | None
    tick_process: str | None
    started_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ControlResult:
    """What was asked for, and how the switch stood before and stands now."""

    action: SellAction
    before: Switch
    after: Switch

    @property
    def changed(self) -> bool:
        """Whether there was anything to do: a start of what runs is none, a restart always is."""
        return self.before != self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRecord:
    """One tick: times in ms, what it looked at, requests to brokers, and the prices that failed by type.

    `error` is the name of what ended it early, None for a tick that came to its end.
    """

    tick_id: uuid.UUID
    begun_at: dt.datetime
    total_ms: float  # float: milliseconds
    price_ms: float  # float: milliseconds
    degraded: bool
    process: str
    accounts: int
    positions: int
    requests: int
    exits: int
    failures: Mapping[str, int]
    error: str | None = None


_COLUMNS = "running, generation, changed_at, changed_by, tick_begun_at, tick_ended_at, tick_process, started_at"

_CREATE = """
INSERT INTO trading.sell_module (running, configured, changed_at, changed_by)
VALUES (false, false, clock_timestamp(), 'configuration') ON CONFLICT (one_row) DO NOTHING
"""
_READ = f"SELECT {_COLUMNS} FROM trading.sell_module"  # noqa: S608  ours
_LOCK = f"{_READ} FOR NO KEY UPDATE"

_FOLLOW = "UPDATE trading.sell_module SET configured = %(enabled)s WHERE configured <> %(enabled)s RETURNING running"

_SWITCH = f"""
UPDATE trading.sell_module
   SET running = %(running)s, generation = generation + %(restarts)s, changed_at = clock.now,
       changed_by = %(actor)s, started_at = CASE WHEN %(running)s THEN clock.now END
  FROM (SELECT clock_timestamp() AS now) AS clock
RETURNING {_COLUMNS}
"""  # noqa: S608  ours

_BEGIN = f"""
UPDATE trading.sell_module SET tick_begun_at = clock_timestamp(), tick_process = %(process)s
 WHERE running AND (tick_begun_at IS NULL OR tick_begun_at <= clock_timestamp() - %(pause)s
                    OR tick_begun_at > clock_timestamp())
RETURNING {_COLUMNS}
"""  # noqa: S608  ours

# a tick that is written again, out of a spool, is the same row
_END = """
WITH ended AS (
  UPDATE trading.sell_module SET tick_ended_at = clock_timestamp()
), forgotten AS (
  DELETE FROM trading.sell_ticks WHERE begun_at < clock_timestamp() - interval '7 days'
)
INSERT INTO trading.sell_ticks (tick_id, begun_at, total_ms, price_ms, degraded, process, accounts, positions, requests,
  exits, failures, error)
VALUES (%(tick_id)s, %(begun_at)s, %(total_ms)s, %(price_ms)s, %(degraded)s, %(process)s, %(accounts)s, %(positions)s,
  %(requests)s, %(exits)s, %(failures)s, %(error)s)
ON CONFLICT (tick_id) DO NOTHING
"""


def read_switch(unit: Unit) -> Switch:
    """Return how the switch stands."""
    return _existing(unit, _READ)


def follow_configuration(unit: Unit, enabled: bool, stamp: Stamp) -> None:  # noqa: FBT001  the one thing it is about
    """Take a changed `sell_module.enabled` for a start or a stop; what was said here since the last change stays."""
    read_switch(unit)
    changed = unit.row(_FOLLOW, {"enabled": enabled})
    if changed is not None and changed.running != enabled:
        by = replace(stamp, origin=replace(stamp.origin, actor=CONFIGURATION))
        control(unit, SellAction.START if enabled else SellAction.STOP, by)


def control(unit: Unit, action: SellAction, stamp: Stamp) -> ControlResult:
    """Start, stop or restart; what changes is audited with its actor, and holds over restarts of everything."""
    before = _existing(unit, _LOCK)
    running = action is not SellAction.STOP
    if action is not SellAction.RESTART and before.running is running:
        return ControlResult(action, before, before)
    restarts = int(action is SellAction.RESTART)
    given = {"running": running, "restarts": restarts, "actor": stamp.origin.actor}
    after = _switch(unit.rows(_SWITCH, given)[0])
    record_change(
        unit,
        Change(f"{SUBJECT}.{action}", _shown(before), _shown(after)),
        now=stamp.now,
        ids=stamp.ids,
        origin=stamp.origin,
    )
    return ControlResult(action, before, after)


def begin_tick(unit: Unit, *, interval: dt.timedelta, process: str) -> Switch | None:
    """Take the tick that is due; None while switched off, or while another tick began within the interval.

    Of several that ask at once one has it. Needs the row: `read_switch` or `follow_configuration` come before.
    """
    row = unit.row(_BEGIN, {"pause": interval - _EARLY, "process": process})
    return None if row is None else _switch(row)


def end_tick(unit: Unit, tick: TickRecord) -> None:
    """Write a tick that has ended, and forget those of more than a week ago."""
    given: Params = asdict(tick) | {
        "total_ms": round(tick.total_ms, 3),
        "price_ms": round(tick.price_ms, 3),
        "failures": json.dumps(dict(tick.failures)),
    }
    unit.run(_END, given)


def _existing(unit: Unit, statement: str) -> Switch:
    row = unit.row(statement)
    if row is None:
        unit.run(_CREATE)
        (row,) = unit.rows(statement)
    return _switch(row)


def _switch(row: Row) -> Switch:
    return Switch(**row._asdict())


def _shown(switch: Switch) -> dict[str, Any]:
    return {"running": switch.running, "generation": switch.generation}
