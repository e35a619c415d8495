"""The figures of one run and its verdict in one line."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from crucible.faults import Hit
from crucible.judge import KINDS, Violation
from crucible.plan import Plan
from crucible.record import Record
from domain.order_state import TERMINAL

PASSED, FAILED, INVALID = 0, 1, 2
_WORDS = {PASSED: "PASS", FAILED: "FAIL", INVALID: "INVALID"}
_ENDED = {status.value for status in TERMINAL}


@dataclass(frozen=True)
class Outcome:
    """What a run showed; times in seconds. `code` is its exit code."""

    plan: Plan
    record: Record
    hits: Sequence[Hit]
    violations: Sequence[Violation]
    requests: int
    took_s: float
    settle_limit_s: float

    @property
    def code(self) -> int:
        """0: nothing is wrong. 1: something is. 2: a fault never struck, so the run proves nothing."""
        if self.violations:
            return FAILED
        return INVALID if self.idle else PASSED

    @property
    def idle(self) -> list[Hit]:
        """The faults that never struck."""
        return [hit for hit in self.hits if hit.fired < 1]

    @cached_property
    def found(self) -> Counter[str]:
        """How many violations there are of each kind."""
        return Counter(violation.kind for violation in self.violations)

    @cached_property
    def settle_s(self) -> list[float]:
        """How long after the last fault each order ended that was open then and not its caller's to end, ascending."""
        healed = datetime.fromisoformat(self.record.healed_at)
        ends: defaultdict[str, datetime] = defaultdict(lambda: healed)
        for event in self.record.events:
            if event["event_type"] in _ENDED:
                ends[event["order_id"]] = max(healed, datetime.fromisoformat(event["recorded_at"]))
        waiting = {asked.key for asked in self.record.asked if not asked.ends_by_itself}
        before = (
            order["order_id"]
            for order in self.record.orders
            if order["client_order_id"] not in waiting and datetime.fromisoformat(order["requested_at"]) <= healed
        )
        late = [(ends[order_id] - healed).total_seconds() for order_id in before]
        return sorted(seconds for seconds in late if seconds > 0)

    def settled_within(self, share: float) -> float:
        """Return in how many seconds after the last fault this share of the orders that were open then had ended."""
        times = self.settle_s
        return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0

    def line(self) -> str:
        """Return the verdict."""
        kinds = len({hit.fault.kind for hit in self.hits if hit.fired})
        counts = " ".join(f"{kind}={self.found[kind]}" for kind in KINDS)
        return (
            f"crucible seed={self.plan.seed} orders={len(self.plan.wishes)} faults={len(self.hits)} kinds={kinds} "
            f"idle={len(self.idle)} {counts} settle_p99={self.settled_within(0.99):.1f}s {_WORDS[self.code]}"
        )
