"""What a look at the configuration leaves behind: the record, or an alert that stays until every process is well again.

CFG-001. Written by the process itself, in one transaction.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from config.live import Standing, Verdict
from config.settings import Settings
from domain.alerts import Severity
from domain.clock import Clock
from domain.ids import Ids
from models.unit import Unit
from services.alerts import Alert, raise_alert, resolve_alert
from services.configuration import record_configuration
from services.gauges import refusing, store_gauges
from services.origin import Origin

INVALID = "configuration_invalid"


@dataclass(frozen=True, slots=True)
class Reporter:
    """The process that looked: who it is, its clock and ids, and how it stands now."""

    origin: Origin
    clock: Clock
    ids: Ids
    standing: Standing
    pool: Mapping[str, Any]
    is_current: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Recorded:
    """Whether nothing is left to write, and the accounts that are to be read at their broker."""

    is_done: bool
    to_read: tuple[uuid.UUID, ...] = ()


def record_verdict(unit: Unit, verdict: Verdict, by: Reporter) -> Recorded:
    """Write the process's standing, then the changes of a good file or the alert of a bad one."""
    store_gauges(unit, by.origin, by.pool, asdict(by.standing))
    if verdict.settings is None:
        alert = Alert(
            kind=INVALID, subject=_subject(verdict, by), severity=Severity.CRITICAL, message=_message(verdict)
        )
        raise_alert(unit, alert, now=by.clock.now(), ids=by.ids, origin=by.origin)
        return Recorded(is_done=True)
    changed = _changed(unit, verdict, verdict.settings, by)
    is_well = not refusing(unit)  # the last process to be well again resolves
    if is_well:
        resolve_alert(unit, INVALID, _subject(verdict, by), now=by.clock.now())
    return Recorded(is_well, _ids_of(unit, changed))


def _changed(unit: Unit, verdict: Verdict, settings: Settings, by: Reporter) -> frozenset[str]:
    """Write what differs from the record. Who has no file, as relay and beat in containers, knows of no account."""
    if verdict.content.path is None:
        return frozenset()
    return record_configuration(
        unit,
        settings,
        actor=verdict.content.actor,
        is_current=by.is_current,
        now=by.clock.now(),
        ids=by.ids,
        origin=by.origin,
    )


def _ids_of(unit: Unit, names: frozenset[str]) -> tuple[uuid.UUID, ...]:
    if not names:
        return ()
    rows = unit.rows(
        "SELECT account_id FROM trading.accounts WHERE enabled AND name = ANY(%(names)s)", {"names": sorted(names)}
    )
    return tuple(row.account_id for row in rows)


def _subject(verdict: Verdict, by: Reporter) -> str:
    return f"{by.origin.host}: {verdict.content.path}"


def _message(verdict: Verdict) -> str:
    return f"{verdict.complaint}\nThe values before it stay in force; opitios config check names what to correct."
