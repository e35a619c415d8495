"""One run of the bench: loads and their references side by side, so that both meet the same machine."""

import time
from dataclasses import dataclass, field

from bench.bare_alpaca import BareCalls, bare_alpaca
from bench.bare_route import bare_route, call_bare_route
from bench.load import Sent
from bench.measure import CpuMeter
from bench.noop_tasks import noop_tasks_per_s, noop_worker
from bench.orders import Load, place
from bench.world import Say, World

SLOW, FAST = 20, 100  # orders a second


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: seconds of each paced load, sizes of bursts, and how many rounds."""

    slow_s: int
    fast_s: int
    fast_rounds: int
    burst: int
    burst_rounds: int
    noop_tasks: int
    bare_calls: int
    rest_s: int
    with_events: bool


FULL = Plan(
    slow_s=30,
    fast_s=15,
    fast_rounds=3,
    burst=1000,
    burst_rounds=3,
    noop_tasks=3000,
    bare_calls=1000,
    rest_s=5,
    with_events=True,
)
QUICK = Plan(
    slow_s=4,
    fast_s=6,
    fast_rounds=1,
    burst=300,
    burst_rounds=1,
    noop_tasks=1000,
    bare_calls=300,
    rest_s=2,
    with_events=False,
)


@dataclass
class Figures:
    """Everything that was measured, round by round."""

    plan: Plan
    bare_calls: BareCalls
    rest_cpu_s: dict[str, float]
    slow: list[Load] = field(default_factory=list)
    fast: list[Load] = field(default_factory=list)
    bare_route: list[Sent] = field(default_factory=list)
    bursts: list[Load] = field(default_factory=list)
    noop_per_s: list[float] = field(default_factory=list)
    bursts_with_events: list[Load] = field(default_factory=list)

    def loads(self) -> list[Load]:
        """Return every load of orders."""
        return [*self.slow, *self.fast, *self.bursts, *self.bursts_with_events]


def measure(world: World, plan: Plan, say: Say) -> Figures:
    """Run the plan. RuntimeError when a reference cannot be had; orders that got lost are figures, not errors."""
    say("warming up")
    place(world, "warm", 100, rate=50)
    say(f"at rest ({plan.rest_s} s)")
    rest = _rest(world, plan.rest_s)
    say("alpaca-py alone")
    calls = bare_alpaca(world.environ, plan.bare_calls, "bare")
    figures = Figures(plan, calls, rest)
    say(f"orders at {SLOW}/s ({plan.slow_s} s)")
    figures.slow.append(place(world, "slow", SLOW * plan.slow_s, rate=SLOW))
    _paced_rounds(world, figures, say)
    _burst_rounds(world, figures, say)
    if plan.with_events:
        _event_rounds(world, figures, say)
    return figures


def _rest(world: World, seconds: int) -> dict[str, float]:
    meter = CpuMeter(world.pids())
    time.sleep(seconds)
    return meter.seconds()


def _paced_rounds(world: World, figures: Figures, say: Say) -> None:
    count = FAST * figures.plan.fast_s
    with bare_route() as port:
        call_bare_route(port, rate=FAST, count=FAST)  # warms it up
        for number in range(1, figures.plan.fast_rounds + 1):
            say(f"round {number}: the bare route at {FAST}/s ({figures.plan.fast_s} s)")
            figures.bare_route.append(call_bare_route(port, rate=FAST, count=count))
            say(f"round {number}: orders at {FAST}/s ({figures.plan.fast_s} s)")
            figures.fast.append(place(world, f"fast{number}", count, rate=FAST))


def _burst_rounds(world: World, figures: Figures, say: Say) -> None:
    with noop_worker(world.environ):
        noop_tasks_per_s(world.environ, figures.plan.noop_tasks)  # warms it up
        for number in range(1, figures.plan.burst_rounds + 1):
            say(f"round {number}: {figures.plan.noop_tasks} Celery tasks that do nothing")
            figures.noop_per_s.append(noop_tasks_per_s(world.environ, figures.plan.noop_tasks))
            say(f"round {number}: {figures.plan.burst} orders at once")
            figures.bursts.append(place(world, f"burst{number}", figures.plan.burst))


def _event_rounds(world: World, figures: Figures, say: Say) -> None:
    say("restarting the workers with task events on")
    world.set_worker_events(on=True)
    place(world, "warm-events", 100, rate=50)
    for number in range(1, figures.plan.burst_rounds + 1):
        say(f"round {number}: {figures.plan.burst} orders at once, events on")
        figures.bursts_with_events.append(place(world, f"events{number}", figures.plan.burst))
