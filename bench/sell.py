"""The seller under measure: how long its ticks take, and what the API notices of it, well and unwell.

Real positions at the exchange, which reconciliation takes over, and the real worker, ticking every second.
"""

from dataclasses import dataclass, field
from itertools import islice

from bench.measure import CpuMeter
from bench.orders import Load, place
from bench.seller import OFF, WORKER, Seller, symbols
from bench.world import ACCOUNTS, Say, World

RATE = 100  # orders a second


@dataclass(frozen=True, slots=True)
class SellerPlan:
    """How much is measured: two counts of positions, ticks over each, rounds of loads, and seconds of each load."""

    few: int
    many: int
    ticks: int
    rounds: int
    load_s: int


FULL = SellerPlan(few=1000, many=5000, ticks=40, rounds=3, load_s=6)
QUICK = SellerPlan(few=1000, many=5000, ticks=10, rounds=1, load_s=3)


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ticks over so many positions: ms of each and of its prices, CPU of the worker, and requests by either count."""

    positions: int
    total_ms: list[float]
    price_ms: list[float]
    cpu_ms: float
    requests_sent: int
    requests_counted: int

    @property
    def requests(self) -> float:
        """Return requests a tick, as the exchange counted them."""
        return self.requests_counted / len(self.total_ms)


@dataclass
class SellerFigures:
    """Everything that was measured; a round's loads by the state of the seller, `again` without it once more."""

    plan: SellerPlan
    ticks: list[Ticks] = field(default_factory=list)
    rounds: list[dict[str, Load]] = field(default_factory=list)
    again: list[Load] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)

    def loads(self) -> list[Load]:
        """Return every load of orders."""
        return [*(load for loads in self.rounds for load in loads.values()), *self.again]


class _Run:
    def __init__(self, world: World, plan: SellerPlan, say: Say) -> None:
        self.figures = SellerFigures(plan)
        self._world, self._say = world, say
        self._seller = Seller(world)
        self._symbols = iter(symbols(plan.many))
        self._held = 0

    def ticks(self, positions: int) -> None:
        """Measure ticks over so many positions, which must be more than before."""
        world, seller, count = self._world, self._seller, self.figures.plan.ticks
        self._say(f"{positions:,} positions over {len(ACCOUNTS)} accounts are taken over")
        seller.grant(list(islice(self._symbols, positions - self._held)), positions)
        self._held = positions
        seller.stop()
        self._say(f"{count} ticks of the seller over {positions:,} positions")
        before, meter = seller.requests(), CpuMeter({WORKER: world.pids()[WORKER]})
        ticks = seller.ticks(count)
        _, total_ms, price_ms, sent = zip(*ticks, strict=True)
        cpu_ms = meter.seconds()[WORKER] / len(ticks) * 1000
        counted = seller.requests() - before
        self.figures.ticks.append(Ticks(positions, list(total_ms), list(price_ms), cpu_ms, sum(sent), counted))

    def round(self, number: int) -> None:
        """Load the API once in every state of the seller, and without it first and last."""
        seconds, states = self.figures.plan.load_s, self._seller.states
        loads: dict[str, Load] = {}
        for turn, name in enumerate([*states, OFF]):
            self._say(f"round {number}: orders at {RATE}/s ({seconds} s), the seller {name}")
            with states[name]():
                load = place(self._world, f"sell{number}-{turn}", RATE * seconds, rate=RATE, metered=False)
            if name in loads:
                self.figures.again.append(load)
            loads.setdefault(name, load)
        self.figures.rounds.append(loads)
        self.figures.back_s = self._seller.back_s


def measure_seller(world: World, plan: SellerPlan, say: Say) -> SellerFigures:
    """Run the plan. RuntimeError when positions are not taken over, or when ticks do not come."""
    world.reconcile_often()
    run = _Run(world, plan, say)
    run.ticks(plan.few)
    for number in range(1, plan.rounds + 1):
        run.round(number)
    run.ticks(plan.many)
    return run.figures
