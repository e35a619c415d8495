"""What one run asks for and what is done to it: a pure function of its size, its seed and the catalogue of faults.

The same arguments give the same plan on every machine, so a run that found something can be repeated. Quantities are
unique for an account and a symbol: an order at the exchange tells whose wish it is without any id of ours.
"""

import hashlib
import json
import random  # noqa: TID251  a plan is made of seeded chance; nothing here asks the machine for any
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from crucible.fault_plan import Fault, plan_faults

RICH = tuple(f"rich-{number}" for number in range(1, 7))
TIGHT, POOR = "tight", "poor"
CASH_USD = dict.fromkeys(RICH, "1000000000") | {TIGHT: "7000", POOR: "4000"}
MINIMUM_USD = "5000"

PARTLY = "GOOGL"
"""The exchange fills one share of each order of it, and leaves the rest to a cancel."""
_BUYS = {"F": "11.50", "INTC": "22.50", "KO": "71"}
_SELLS = {"BAC": "39", "XOM": "114"}
_MORE = "SNDL"
_RESTS, _REST_USD, _NEW_REST_USD = "DIS", "50", "51"

CANCEL, REPLACE = "cancel", "replace"
_MIX = {"market": 40, "limit": 15, "ioc": 8, "ioc_missed": 4, "sell": 14, CANCEL: 8, REPLACE: 6, "partly": 5}
_PER_SECOND = 12
_LEAST_BETWEEN_FAULTS_S = 0.8
_MOST_COPIES = 5


@dataclass(frozen=True, slots=True)
class Copy:
    """One sending of a wish: to which API it goes first, and how many seconds after the first copy."""

    api: int
    after_s: float


@dataclass(frozen=True, slots=True)
class Wish:
    """An order somebody wants once. `at` is its moment as a part of the load (0 to 1); `then` what is asked of it."""

    number: int
    key: str
    account: str
    terms: dict[str, str]
    at: float = 0.0
    copies: tuple[Copy, ...] = (Copy(0, 0.0),)
    then: str = ""
    then_after_s: float = 0.0
    new_limit_price: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one run does. `stock` is bought before the load, so that there is something to sell."""

    seed: int
    load_s: float
    stock: tuple[Wish, ...]
    wishes: tuple[Wish, ...]
    faults: tuple[Fault, ...]

    @property
    def digest(self) -> str:
        """A short hash of the whole plan: equal for equal plans alone."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass
class _Terms:
    """Makes terms, counting quantities up so that each is the only one of its account and symbol."""

    chance: random.Random
    used: Counter[tuple[str, str]] = field(default_factory=Counter)

    def make(self, account: str, sort: str) -> dict[str, str]:
        sides = {"sell": _SELLS, CANCEL: {_RESTS: _REST_USD}, REPLACE: {_RESTS: _REST_USD}, "partly": {PARTLY: "166"}}
        prices = sides.get(sort, _BUYS)
        symbol = self.chance.choice(sorted(prices))
        self.used[account, symbol] += 1
        qty = self.used[account, symbol] + (sort == "partly")
        terms = {"symbol": symbol, "side": "sell" if sort == "sell" else "buy", "qty": str(qty)}
        if sort == "market" or (sort == "sell" and self.chance.randrange(2)):
            return terms
        price = "5" if sort == "ioc_missed" else prices[symbol]
        terms |= {"type": "limit", "limit_price": price}
        return terms | ({"time_in_force": "ioc"} if sort.startswith("ioc") else {})


def make_plan(orders: int, faults: int, seed: int, catalogue: Sequence[tuple[str, str]]) -> Plan:
    """Return the plan of so many orders and faults; `catalogue` names what can go wrong (`fault_plan.catalogue`)."""
    chance = random.Random(f"{orders} {faults} {seed}")  # noqa: S311  a plan is no secret
    load_s = max(orders / _PER_SECOND, faults * _LEAST_BETWEEN_FAULTS_S)
    terms = _Terms(chance)
    wishes = tuple(_wish(number, orders, seed, terms) for number in range(orders))
    return Plan(seed, load_s, tuple(_stock(wishes, seed)), wishes, plan_faults(faults, chance, catalogue, load_s))


def one_more(seed: int, number: int) -> Wish:
    """Return a wish beyond the plan, numbered from 0: traffic for faults that are still waiting for some."""
    terms = {"symbol": _MORE, "side": "buy", "qty": str(number // len(RICH) + 1)}
    key = f"more-{seed}-{number}"
    return Wish(number, key, RICH[number % len(RICH)], terms, copies=(Copy(number % 2, 0.0),))


def _wish(number: int, orders: int, seed: int, terms: _Terms) -> Wish:
    chance = terms.chance
    account = chance.choice((*RICH * 2, TIGHT, POOR))
    sort = chance.choices(list(_MIX), list(_MIX.values()))[0] if account in RICH else "market"
    copies = chance.choice(range(1, _MOST_COPIES + 1))
    first = chance.randrange(2)
    return Wish(
        number=number,
        key=f"wish-{seed}-{number}",
        account=account,
        terms=terms.make(account, sort),
        at=round((number + chance.random()) / orders, 6),
        copies=tuple(Copy((first + n) % 2, round(chance.random() * 0.4, 3) if n else 0.0) for n in range(copies)),
        then={"partly": CANCEL, CANCEL: CANCEL, REPLACE: REPLACE}.get(sort, ""),
        then_after_s=round(chance.uniform(0.2, 3), 3),
        new_limit_price=_NEW_REST_USD if sort == REPLACE else "",
    )


def _stock(wishes: Sequence[Wish], seed: int) -> Iterator[Wish]:
    sold: Counter[tuple[str, str]] = Counter()
    for wish in wishes:
        if wish.terms["side"] == "sell":
            sold[wish.account, wish.terms["symbol"]] += int(wish.terms["qty"])
    for number, ((account, symbol), qty) in enumerate(sorted(sold.items())):
        terms = {"symbol": symbol, "side": "buy", "qty": str(qty)}
        yield Wish(-1 - number, f"stock-{seed}-{account}-{symbol}", account, terms)
