"""Who did something, where and when: rides on every audit row."""

import datetime as dt
from dataclasses import dataclass

from domain.ids import Ids


@dataclass(frozen=True, slots=True)
class Origin:
    """`actor` is a user or a process, `host` the machine, `process` its process name."""

    actor: str
    host: str
    process: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a change is recorded with: the time, where ids come from, and whose doing it is."""

    now: dt.datetime
    ids: Ids
    origin: Origin
