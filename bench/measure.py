"""Percentiles of latencies and CPU of process trees: the arithmetic every figure of the bench rests on."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# fields of /proc/PID/stat behind the name in parentheses, counted from the state (proc(5))
_PARENT, _UTIME, _CSTIME = 1, 11, 14


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: a value that was measured, never one between two. ValueError when empty."""
    if not values:
        raise ValueError("no values")
    ranked = sorted(values)
    return ranked[max(0, math.ceil(percent / 100 * len(ranked)) - 1)]


@dataclass(frozen=True, slots=True)
class Latencies:
    """What many measured times come to, in ms."""

    count: int
    p50: float
    p95: float
    p99: float
    worst: float

    @classmethod
    def of(cls, values_ms: Sequence[float]) -> "Latencies":
        """Summarise times in ms. ValueError when empty."""
        p50, p95, p99 = (percentile(values_ms, share) for share in (50, 95, 99))
        return cls(len(values_ms), p50, p95, p99, max(values_ms))

    def shown(self) -> str:
        """Return the three percentiles as the table prints them."""
        return f"{self.p50:.1f} / {self.p95:.1f} / {self.p99:.1f} ms"

    def raw(self) -> dict[str, float]:
        """Return the numbers for the JSON file."""
        return asdict(self)


def cpu_seconds(root: int) -> float:
    """Return CPU seconds of a process, its living descendants and whatever any of them has waited for.

    ProcessLookupError when the process is gone. Resolution: one tick of the kernel, 10 ms almost everywhere.
    """
    stats = _stats()
    if root not in stats:
        raise ProcessLookupError(root)
    children: dict[int, list[int]] = {}
    for pid, fields in stats.items():
        children.setdefault(int(fields[_PARENT]), []).append(pid)
    ticks, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        ticks += sum(int(field) for field in stats[pid][_UTIME : _CSTIME + 1])
        waiting += children.get(pid, [])
    return ticks / _TICKS


class CpuMeter:
    """CPU seconds by name since the meter was made."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before = self._now()

    def seconds(self) -> dict[str, float]:
        """Return what each has used since; a process that was replaced meanwhile raises ProcessLookupError."""
        return {name: after - self._before[name] for name, after in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for name, pid in self._pids.items()}


def median(values: Iterable[float]) -> float:
    """Return the median, of an even number the lower one: again a value that was measured."""
    return percentile(list(values), 50)


def _stats() -> dict[int, list[str]]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # it ended meanwhile
        # The name may hold spaces and parentheses of its own; the fields follow its last one.
        found[int(entry.parent.name)] = text.rpartition(")")[2].split()
    return found
