"""The seller under measure: how long its ticks take, and what the API notices of it, well and unwell.

Real positions at the exchange, which reconciliation takes over, and the real worker, ticking every second.
"""

from dataclasses import dataclass, field
from itertools import islice

from bench.measure import CpuMeter
from bench.orders import Load, place
from bench.seller import WORKER, Seller, State, symbols
from bench.world import ACCOUNTS, Say, World

RATE = 50  # orders a second: what two cores have room for, so that a neighbour is seen and not the queue


@dataclass(frozen=True, slots=True)
class SellerPlan:
    """How much is measured: two counts of positions, ticks over each, rounds of loads, and seconds of each load."""

    few: int
    many: int
    ticks: int
    rounds: int
    load_s: int


FULL = SellerPlan(few=1000, many=5000, ticks=60, rounds=5, load_s=8)
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
    """Everything that was measured; a round has a pair of loads for each state of the seller, the first without it.

    `back_s` are seconds from each kill -9 to the next tick.
    """

    plan: SellerPlan
    ticks: list[Ticks] = field(default_factory=list)
    rounds: list[dict[str, tuple[Load, Load]]] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)

    def loads(self) -> list[Load]:
        """Return every load of orders."""
        return [load for pairs in self.rounds for pair in pairs.values() for load in pair]


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
        with world.reconciling_often():
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
        """Load the API in every state of the seller, each time without it just before."""
        seller, pairs = self._seller, {}
        for turn, (name, state) in enumerate(seller.states.items()):
            off = self._load(f"sell{number}-{turn}off", "off", seller.off)
            pairs[name] = off, self._load(f"sell{number}-{turn}", name, state)
        self.figures.rounds.append(pairs)
        self.figures.back_s = seller.back_s

    def _load(self, label: str, name: str, state: State) -> Load:
        seconds = self.figures.plan.load_s
        self._say(f"orders at {RATE}/s ({seconds} s), the seller {name}")
        with state():
            return place(self._world, label, RATE * seconds, rate=RATE, metered=False)


def measure_seller(world: World, plan: SellerPlan, say: Say) -> SellerFigures:
    """Run the plan. RuntimeError when positions are not taken over, or when ticks do not come."""
    run = _Run(world, plan, say)
    run.ticks(plan.few)
    say("warming up")
    place(world, "warm", RATE, rate=RATE, metered=False)
    for number in range(1, plan.rounds + 1):
        run.round(number)
    run.ticks(plan.many)
    return run.figures
