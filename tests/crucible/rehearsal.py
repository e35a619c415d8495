"""The pure core played through by a seed: `python -m tests.crucible.rehearsal SEED` prints the hash of its event log.

No process, no clock: rules rule on made-up facts, and the table of states is walked at random. What it shows is that
nothing in `domain` and `risk` depends on anything but its arguments, not even on the order of a set.
"""

import hashlib
import random  # noqa: TID251  seeded chance is what a rehearsal is made of
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from crucible.fault_plan import catalogue
from crucible.plan import CASH_USD, Plan, Wish, make_plan
from domain.balance import StoredRead, freed_below
from domain.money import order_cost
from domain.order_state import TERMINAL, TRANSITIONS, OrderStatus
from domain.orders import OrderTerms, OrderType, Side, TimeInForce
from risk.facts import StoredBalance
from risk.pipeline import rule_on
from risk.verdict import Decision
from tests.risk.helpers import facts

PROCESSES = ("api", "worker-entries", "worker-exits", "worker-background", "relay", "beat")
KINDS = ("hang_after", "504_after", "429", "stale")


def plan(seed: int, orders: int = 300, faults: int = 30) -> Plan:
    """Return a plan over a fixed catalogue."""
    return make_plan(orders, faults, seed, catalogue(PROCESSES, KINDS))


def rehearse(seed: int) -> Iterator[str]:
    """Yield the events of a plan's wishes, as the pure core decides them."""
    chance = random.Random(seed)
    reserved: defaultdict[str, Decimal] = defaultdict(Decimal)
    cash = {account: Decimal(usd) for account, usd in CASH_USD.items()}
    for wish in plan(seed).wishes:
        terms = _terms(wish)
        ask = Decimal(chance.randrange(10, 200))
        cost = order_cost(terms, multiplier=Decimal(1), ask=ask, collar=Decimal("0.02"), held_qty=Decimal(10**6))
        balance = StoredBalance(cash[wish.account], Decimal(chance.randrange(400)))
        ruling = rule_on(facts(terms=terms, balance=balance, reserved=reserved[wish.account], order_cost=cost))
        yield f"{wish.key} {ruling.decision} {ruling.detail()}"
        if ruling.decision is not Decision.ALLOW:
            continue
        reserved[wish.account] += cost or 0
        status = OrderStatus.SUBMITTING
        while status not in TERMINAL:
            status = chance.choice([each for each in OrderStatus if each in TRANSITIONS[status]])
            yield f"{wish.key} {status}"
        if status is OrderStatus.FILLED:
            before, cash[wish.account] = cash[wish.account], cash[wish.account] - (cost or 0)
            yield f"{wish.key} {freed_below(StoredRead(before, 1), StoredRead(cash[wish.account], 2))}"
        reserved[wish.account] -= cost or 0


def _terms(wish: Wish) -> OrderTerms:
    given = wish.terms
    bare = OrderTerms(given["symbol"], Side(given["side"]), OrderType.MARKET, TimeInForce.DAY, Decimal(given["qty"]))
    if "limit_price" not in given:
        return bare
    return replace(bare, order_type=OrderType.LIMIT, limit_price=Decimal(given["limit_price"]))


def digest(seed: int) -> str:
    """Return the hash of the whole log."""
    return hashlib.sha256("\n".join(rehearse(seed)).encode()).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(digest(int(sys.argv[1])))
