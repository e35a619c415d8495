"""What can go wrong, and when it does in one run."""

import random  # noqa: TID251  a plan is made of seeded chance; nothing here asks the machine for any
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

KILL, STOP, SERVER, LINK, EXCHANGE = "kill", "stop", "server", "link", "exchange"
LINKS = ("exchange", "postgres", "redis")
LINK_MODES = ("cut", "refuse", "stall", "delay", "cut_within", "half_open")
SERVER_FAULTS = (
    "postgres killed",
    "postgres stopped",
    "redis killed",
    "redis stopped",
    "redis flushed",
    "redis wiped",
)
_READS = frozenset({"stale", "hidden", "unknown_status", "unknown_field"})
_SLOW = frozenset({"delay", "late", "stream_delay"})
_SLOW_MS = 1500
_STREAMS, _ON_STREAMS = "streams", "stream_"
_AT_OPENING = ("stream_refused", "stream_limit")
_NOT_OURS = "stream_new_number"
"""Makes an account another one: what follows is an admin's business, not a loss."""
_ALWAYS = (
    (KILL, "api"),
    (KILL, "worker-entries"),
    (KILL, "worker-exits"),
    (KILL, "worker-background"),
    (KILL, "relay"),
    (KILL, "beat"),
    (STOP, "worker-entries"),
    *((SERVER, name) for name in SERVER_FAULTS),
    (LINK, "exchange cut"),
    (LINK, "postgres cut"),
    (LINK, "redis cut"),
    (EXCHANGE, "hang_after"),
    (EXCHANGE, "504_after"),
)
"""In every run that has room for them; which others join them, the seed chooses."""

LEASE_S = 10
_BEYOND_A_LEASE_S = LEASE_S + 2.0
_LAST = 0.97


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing done to the system: `at` is its moment as a part of the load, `seconds` how long it lasts.

    `times`, `method`, `path`, `delay_ms` are for faults of the exchange: which requests run into it. `restarts` names
    the processes that are killed so that something runs into it: a refused stream needs one that is opened.
    """

    number: int
    family: str
    what: str
    at: float
    seconds: float = 0.0
    times: int = 0
    method: str = ""
    path: str = ""
    delay_ms: int = 0
    restarts: str = ""

    @property
    def kind(self) -> str:
        """What the report counts by."""
        return f"{self.family} {self.what}"


def catalogue(processes: Iterable[str], exchange_kinds: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return every (family, what) there is for these processes and these kinds of the exchange.

    Where no process follows streams, nothing can run into a fault of theirs.
    """
    names = sorted(set(processes))
    kinds = sorted(set(exchange_kinds) - {_NOT_OURS})
    if _STREAMS not in names:
        kinds = [kind for kind in kinds if not kind.startswith(_ON_STREAMS)]
    return (
        *((KILL, name) for name in names),
        *((STOP, name) for name in names),
        *((SERVER, name) for name in SERVER_FAULTS),
        *((LINK, f"{link} {mode}") for link in LINKS for mode in LINK_MODES),
        *((EXCHANGE, kind) for kind in kinds),
    )


def plan_faults(
    number: int, chance: random.Random, known: Sequence[tuple[str, str]], load_s: float
) -> tuple[Fault, ...]:
    """Return so many faults spread evenly over the load: first those of every run, then all others, then any again."""
    always = [entry for entry in _ALWAYS if entry in known]
    others = [entry for entry in known if entry not in always]
    chance.shuffle(others)
    chosen = [*always, *others][:number]
    chosen += [chance.choice(known) for _ in range(number - len(chosen))]
    chance.shuffle(chosen)
    chosen = _long_ones_first(chosen, chance)
    return tuple(
        _fault(Fault(n, *entry, at=round(_LAST * (n + chance.random()) / number, 6)), load_s, chance)
        for n, entry in enumerate(chosen)
    )


def _long_ones_first(chosen: list[tuple[str, str]], chance: random.Random) -> list[tuple[str, str]]:
    """Return them mixed, with the stops in the first half: a run is not to end waiting for one."""
    stops = [entry for entry in chosen if entry[0] == STOP]
    mixed = [entry for entry in chosen if entry[0] != STOP]
    for entry in stops:
        mixed.insert(chance.randrange(len(mixed) // 2 + 1), entry)
    return mixed


def _fault(bare: Fault, load_s: float, chance: random.Random) -> Fault:
    """Return the fault with how long it lasts, or which requests at the exchange run into it."""
    if bare.family != EXCHANGE:
        return replace(bare, seconds=round(_seconds(bare.family, bare.what, load_s, chance), 2))
    delay_ms = _SLOW_MS if bare.what in _SLOW else 0
    if bare.what.startswith(_ON_STREAMS):
        restarts = _STREAMS if bare.what.startswith(_AT_OPENING) else ""
        seconds = round(chance.uniform(1, 5), 2)  # a mute stream is to be noticed, and a refused one asked for again
        return replace(bare, times=1, delay_ms=delay_ms, restarts=restarts, seconds=seconds)
    return replace(
        bare,
        times=chance.randrange(1, 4),
        method="GET" if bare.what in _READS else "POST",
        path="/v2/orders",
        delay_ms=delay_ms,
    )


def _seconds(family: str, what: str, load_s: float, chance: random.Random) -> float:
    if family == STOP:
        return _BEYOND_A_LEASE_S if what.startswith("worker-entries") else min(chance.uniform(2, 12), load_s / 8)
    if what.endswith("stopped"):
        return min(chance.uniform(1.5, 8), load_s / 10)
    return chance.uniform(0.3, 2.5) if family == LINK else 0.0
