"""The faults in wait: where and whom each hits, how often, and how often it has; what they do is in the kinds' files.

Requests: `exchange/fault_kinds.py`; streams: `exchange/stream_fault_kinds.py`. All of them are set up, listed and
removed in one way (`exchange/control_faults.py`), which `docs/exchange-faults.md` describes.
"""

import itertools
import random
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_SHOWN = (
    *("id", "kind", "account", "method", "path", "event", "times", "after", "chance", "seed", "delay_ms"),
    *("account_number", "fired"),
)


class Place(StrEnum):
    """Where a kind of fault strikes."""

    REQUEST = "request"
    REUSE = "reuse"
    """A request that is not the first of its connection."""
    HANDSHAKE = "handshake"
    """A stream's opening request; whose it is can be told only when the keys are in its headers."""
    KEYS = "keys"
    """A stream's right keys, before they are acknowledged."""
    FRAME = "frame"
    """Anything said on an authorized stream."""
    UPDATE = "update"
    """A trade update on a stream."""


REQUESTS = frozenset({Place.REQUEST, Place.REUSE})


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that a fault may hit; `account` is a name, or `-` where nobody is known, `event` a trade update's."""

    places: frozenset[Place]
    account: str
    method: str = ""
    path: str = ""
    event: str = ""


@dataclass(slots=True)
class Fault:
    """One fault in wait: whom it hits (None: anybody), how often more (None: until removed), how often it has.

    It lets `after` moments pass before each time it strikes, and then strikes with a `chance` of 0 to 1 (None: surely),
    drawn from a generator of its own that begins with `seed`.
    """

    id: str
    kind: str
    place: Place = Place.REQUEST
    account: str | None = None
    method: str | None = None
    path: str | None = None
    event: str | None = None
    times: int | None = 1
    after: int = 0
    chance: float | None = None
    seed: int = 0
    delay_ms: int | None = None
    account_number: str | None = None
    fired: int = 0
    is_removed: bool = False
    passed: int = field(default=0, repr=False)
    pattern: re.Pattern[str] | None = field(default=None, repr=False)
    memory: dict[str, bytes] = field(default_factory=dict, repr=False)
    dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Begin its chances, and read its path: one that begins with `/` is a prefix, any other a regex."""
        self.dice = random.Random(self.seed)  # noqa: S311  a test's chance is wanted twice, not secret
        if self.path is not None and not self.path.startswith("/"):
            self.pattern = re.compile(self.path)

    def hits(self, moment: Moment) -> bool:
        """Whether this moment is one of its own."""
        if self.place not in moment.places or (self.times is not None and self.fired >= self.times):
            return False
        asked = ((self.account, moment.account), (self.method, moment.method), (self.event, moment.event))
        if any(wanted not in {None, seen} for wanted, seen in asked):
            return False
        path = moment.path
        return self.path is None or (bool(self.pattern.search(path)) if self.pattern else path.startswith(self.path))

    def strikes(self, moment: Moment) -> bool:
        """Whether it strikes now; counts the moment either way."""
        if not self.hits(moment):
            return False
        if self.passed < self.after:
            self.passed += 1
            return False
        if self.chance is not None and self.dice.random() >= self.chance:
            return False
        self.passed = 0
        self.fired += 1
        return True

    def shown(self) -> dict[str, Any]:
        """Give the fault as the control port prints it."""
        return {name: getattr(self, name) for name in _SHOWN}


class Faults:
    """The faults in wait, oldest first; the first that strikes takes the moment. They end with the process."""

    def __init__(self) -> None:
        self._waiting: dict[str, Fault] = {}
        self._numbers = itertools.count(1)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, kind: str, **where: Any) -> Fault:
        """Set a fault of a known kind up; `re.error` when its path is a broken pattern."""
        fault = Fault(str(next(self._numbers)), kind, **where)
        self._waiting[fault.id] = fault
        return fault

    def take(self, moment: Moment) -> Fault | None:
        """Give the fault that strikes now, counted as fired."""
        return next((fault for fault in self._waiting.values() if fault.strikes(moment)), None)

    def all(self) -> list[Fault]:
        """Every fault set up since the start or the last removal, spent ones included."""
        return list(self._waiting.values())

    def remove(self, fault_id: str | None) -> int:
        """Remove one fault, or all (None); gives how many."""
        gone = [fault_id] if fault_id in self._waiting else [] if fault_id is not None else list(self._waiting)
        for key in gone:
            self._waiting.pop(key).is_removed = True
        return len(gone)
