"""What a look at the seller shows, and whether that is a seller which has stopped: no I/O (MON-002)."""

from dataclasses import dataclass

from events.heartbeat import SILENT_S
from tasks.sell_process import SellProcess

_LONGEST_TICK_S = 60.0  # a tick is bounded by thirty seconds: one at work for longer hangs
_RETURN_S = 30.0  # a worker that ended in order has so long to be there again
_SAME_S = 2.0  # a tick begins with a beat: only a tick elsewhere is newer than the last one by so much


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why the seller counts as stopped: a stable reason, and a sentence with the numbers."""

    reason: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What one look has found; ages in seconds, None where nobody can say.

    `quiet_s` is since the last tick began, or since it was switched on after that. What was before `fresh_s` proves
    nothing: since when this watch looks (`watched_s`), Postgres answers, and this worker is there.
    """

    running: bool
    is_at_work: bool
    tick_process: str | None
    heartbeat_s: float | None
    tick_s: float | None
    quiet_s: float | None
    patience_s: float
    watched_s: float
    fresh_s: float
    worker: SellProcess | None
    is_gone: bool

    @property
    def is_here(self) -> bool:
        """Whether the worker is this machine's: the last tick was its own, or older than its last beat."""
        if self.heartbeat_s is None:
            return False
        if self.worker is not None and str(self.tick_process).endswith(f":{self.worker.pid}"):
            return True  # on a busy machine a beat may be late
        return self.tick_s is None or self.heartbeat_s <= self.tick_s + _SAME_S

    @property
    def complaint(self) -> Complaint | None:
        """Return what is wrong while the switch says that it is to run, None when all is well."""
        if not self.running:
            return None
        if self.is_here and self.heartbeat_s is not None:
            if self.worker is not None and self.is_gone:
                return Complaint("worker_gone", f"its worker (pid {self.worker.pid}) is gone")
            if min(self.heartbeat_s, self.watched_s) > (_RETURN_S if self.worker is None else SILENT_S):
                return Complaint("worker_silent", f"its worker has been silent for {self.heartbeat_s:.0f} s")
        if self.quiet_s is not None and min(self.quiet_s, self.fresh_s) > self._most_quiet_s:
            return Complaint("no_tick", f"no tick has begun for {self.quiet_s:.0f} s")
        return None

    @property
    def is_back(self) -> bool:
        """Whether nothing is wrong and it ticks, as far as anybody can say."""
        is_quiet = self.running and self.quiet_s is not None and self.quiet_s > self._most_quiet_s
        return self.complaint is None and not is_quiet

    @property
    def _most_quiet_s(self) -> float:
        if not self.is_here:
            return self.patience_s
        if self.worker is None:
            return max(self.patience_s, _RETURN_S)
        return max(self.patience_s, _LONGEST_TICK_S) if self.is_at_work else self.patience_s
