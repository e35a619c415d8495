"""Sealing and verifying while the bench measures: the one place that knows how the house does either."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.child import child
from bench.record.server import Server
from config.settings import load_settings
from reports.verify import Evidence, Scope
from reports.verify import verify as verify_trail
from stack.waiting import poll

_PATIENCE_S = 180
_WRITTEN = "SELECT count(*), coalesce(max(xid), 0) FROM audit.order_events"
_COUNTED = """
SELECT coalesce(sum((part->>'rows')::bigint) FILTER (WHERE part->>'name' LIKE 'order_events/%'), 0),
       coalesce(max(s.to_xid), 0)
  FROM audit.seals s LEFT JOIN jsonb_array_elements(s.parts) part ON true
"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """How many order events there are, and how many the seals count."""

    written: int
    counted: int

    @property
    def once(self) -> bool:
        """Tell whether each is in exactly one seal: seals follow on each other and have held, so the sum is enough."""
        return self.written == self.counted


@dataclass(frozen=True, slots=True)
class Sealer:
    """The process that seals."""

    pid: int

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Stop it while the block runs; what it is behind with then, it does afterwards."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@contextmanager
def sealing(server: Server) -> Iterator[Sealer]:
    """Seal in a process of its own while the block runs."""
    with child("tasks.sealer", environ=server.environ) as process:
        yield Sealer(process.pid)


def all_sealed(server: Server) -> Sealed:
    """Wait until the last seal ends behind whatever is written; count both. RuntimeError after three minutes."""
    ((written, last_xid),) = server.rows(_WRITTEN)
    if not poll(lambda: server.rows(_COUNTED)[0][1] > last_xid, seconds=_PATIENCE_S, pause_s=0.5):
        raise RuntimeError(f"transaction {last_xid} was not sealed within {_PATIENCE_S} s")
    return Sealed(written, int(server.rows(_COUNTED)[0][0]))


def verify(server: Server) -> float:
    """Return the seconds it takes to find that every seal holds. RuntimeError when one does not."""
    settings = load_settings(server.environ)
    evidence = Evidence.at(settings.checkpoints_path)
    started = time.monotonic()
    result = verify_trail(settings.app_database_url.get_secret_value(), evidence, Scope())
    seconds = time.monotonic() - started
    if not result.holds:
        raise RuntimeError(f"the trail does not hold: {result.findings[0].what}")
    return seconds
