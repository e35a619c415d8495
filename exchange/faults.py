"""The faults in wait: whom each hits, how often, and how often it has; what they do: `exchange/fault_kinds.py`."""

import itertools
import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Fault:
    """One fault in wait: whom it hits (None: anybody), how often more (None: until removed), how often it has."""

    id: str
    kind: str
    account: str | None = None
    method: str | None = None
    path: str | None = None
    times: int | None = 1
    delay_ms: int | None = None
    fired: int = 0
    pattern: re.Pattern[str] | None = field(default=None, repr=False)
    memory: dict[str, bytes] = field(default_factory=dict, repr=False)

    def hits(self, account: str, method: str, path: str) -> bool:
        """Whether this request is one of its own; a path that begins with `/` is a prefix, any other a regex."""
        if (self.times is not None and self.fired >= self.times) or self.account not in {None, account}:
            return False
        if self.method not in {None, method}:
            return False
        return self.path is None or (bool(self.pattern.search(path)) if self.pattern else path.startswith(self.path))

    def shown(self) -> dict[str, Any]:
        """Give the fault as the control port prints it."""
        names = ("id", "kind", "account", "method", "path", "times", "delay_ms", "fired")
        return {name: getattr(self, name) for name in names}


class Faults:
    """The faults in wait, oldest first; the first that fits a request takes it. They end with the process."""

    def __init__(self) -> None:
        self._waiting: dict[str, Fault] = {}
        self._numbers = itertools.count(1)

    def add(self, kind: str, **where: Any) -> Fault:
        """Set a fault of a known kind up; `re.error` when its path is a broken pattern."""
        path = where.get("path")
        fault = Fault(str(next(self._numbers)), kind, **where)
        if path is not None and not path.startswith("/"):
            fault.pattern = re.compile(path)
        self._waiting[fault.id] = fault
        return fault

    def take(self, account: str, method: str, path: str) -> Fault | None:
        """Give the fault that this request runs into, counted as fired."""
        for fault in self._waiting.values():
            if fault.hits(account, method, path):
                fault.fired += 1
                return fault
        return None

    def all(self) -> list[Fault]:
        """Every fault set up since the start or the last removal, spent ones included."""
        return list(self._waiting.values())

    def remove(self, fault_id: str | None) -> int:
        """Remove one fault, or all (None); gives how many."""
        gone = [fault_id] if fault_id in self._waiting else [] if fault_id is not None else list(self._waiting)
        for key in gone:
            del self._waiting[key]
        return len(gone)
