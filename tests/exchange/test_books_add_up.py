"""Whatever is asked for in whatever order, the books add up, and the journal tells the same story again."""

import asyncio
import contextlib
import itertools
import tempfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.account_form import read_account
from exchange.engine import Engine
from exchange.errors import ApiError
from exchange.exercise import exercise
from exchange.history import worths
from exchange.journal import Journal
from exchange.matching import Matcher
from exchange.options import parse_contract
from exchange.oracle import ledger
from exchange.state import OPEN, Account, Order
from exchange.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

CALL = "DIS271217C00095000"
PRICES = st.sampled_from(("85", "90", "94", "95", "96", "100", "105"))
WHICH = st.integers(0, 20)
CLASSES = st.sampled_from(("", "bracket", "oco", "oto"))
ORDER = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(("DIS", "DIS", "DIS", CALL)),
        "qty": st.integers(1, 5).map(str),
        "side": st.sampled_from(("buy", "sell")),
        "type": st.sampled_from(("market", "limit", "stop")),
        "price": PRICES,
        "order_class": CLASSES,
    }
)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), ORDER),
        st.tuples(st.just("release"), WHICH, st.integers(1, 3)),
        st.tuples(st.just("cancel"), WHICH),
        st.tuples(st.just("replace"), WHICH, PRICES),
        st.tuples(st.just("price"), PRICES),
        st.tuples(st.just("status"), WHICH, st.sampled_from(("suspended", "new", "expired", "rejected"))),
        st.tuples(st.just("exercise")),
        st.tuples(st.just("grant"), st.sampled_from(("DIS", CALL)), st.integers(1, 4), PRICES),
        st.tuples(st.just("pay"), st.integers(50_000, 150_000).map(str)),
    ),
    max_size=30,
)
NUMBERS = itertools.count()


class Floor:
    """An exchange without a network: what is asked is done at once, and what is due is done after it."""

    def __init__(self, directory: Path, *, shorting: bool) -> None:
        self.journal = Journal(directory)
        self.engine = Engine(self.journal)
        self.due: list[Callable[[], None]] = []
        self.matcher = Matcher(self.engine, lambda _delay, function: self.due.append(function))
        seed = {"name": "a", "key_id": "k", "secret_key": "s", "shorting_enabled": shorting}
        self.account: Account = self.engine.create_account(read_account(seed))
        for symbol, qty in (("DIS", "6"), (CALL, "1")):
            self.act("submit", {"symbol": symbol, "qty": qty, "side": "buy", "type": "market", "order_class": ""})
        self.engine.change_fill_rule(None, {"partial": "2"})

    def act(self, kind: str, *values: Any) -> None:
        """Do one thing, or have it refused, and what follows from it."""
        with contextlib.suppress(ApiError):
            getattr(self, kind)(*values)
        while self.due:
            self.due.pop(0)()

    def submit(self, order: dict[str, Any]) -> None:
        name = {"limit": "limit_price", "stop": "stop_price", "market": None}[order["type"]]
        body = {key: order[key] for key in ("symbol", "qty", "side", "type", "order_class")} | {"time_in_force": "day"}
        body |= {} if name is None else {name: order["price"]}
        upper, lower = ("stop_price", "limit_price") if closes_short(order) else ("limit_price", "stop_price")
        exits = {upper: "104", lower: "86"}
        if order["order_class"] == "oco":
            body |= {"type": "limit", "limit_price": None, "stop_price": None}
        if order["order_class"] in {"bracket", "oco"}:
            body["take_profit"] = {"limit_price": exits["limit_price"]}
        if order["order_class"]:
            body["stop_loss"] = {"stop_price": exits["stop_price"]}
        self.matcher.consider(self.engine.submit(self.account, body, f"o{next(NUMBERS)}", 1))

    def release(self, which: int, qty: int) -> None:
        order = self.one(which)
        if order is not None and order.status != "held":
            self.matcher.release(order, Decimal(qty))

    def cancel(self, which: int) -> None:
        order = self.one(which)
        if order is not None:
            self.engine.cancel(self.account, order.id)

    def replace(self, which: int, price: str) -> None:
        order = self.one(which)
        if order is not None:
            changes = {"limit_price" if order.type == "limit" else "stop_price": price}
            number = f"o{next(NUMBERS)}"
            self.engine.replace(self.account, order.id, changes, client_order_id=number, received_us=1)

    def price(self, price: str) -> None:
        self.engine.set_price("DIS", dict.fromkeys(("bid", "ask", "last"), price))
        self.matcher.consider_all()

    def status(self, which: int, status: str) -> None:
        order = self.one(which)
        if order is not None:
            self.engine.set_status(order, status)

    def exercise(self) -> None:
        contract = parse_contract(CALL)
        assert contract is not None
        exercise(self.engine, self.account, contract)

    def grant(self, symbol: str, qty: int, price: str) -> None:
        self.engine.grant(self.account, symbol, Decimal(qty), Decimal(price))

    def pay(self, cash: str) -> None:
        self.engine.change_account(self.account, {"cash": cash})

    def one(self, which: int) -> Order | None:
        """One of the open orders, None when there is none."""
        waiting = list(self.account.open_orders.values())
        return waiting[which % len(waiting)] if waiting else None

    def told(self) -> list[dict[str, Any]]:
        """The ledger."""
        return ledger(World(self.engine, self.matcher, asyncio.Event()), account=None, since_us=0)


def closes_short(order: dict[str, Any]) -> bool:
    """Whether the exits of an order are buys."""
    return bool(order["side"] == ("buy" if order["order_class"] == "oco" else "sell"))


@settings(max_examples=150, deadline=None)
@given(actions=ACTIONS, shorting=st.booleans())
def test_the_books_add_up_after_every_step(actions: list[tuple[Any, ...]], *, shorting: bool) -> None:
    with tempfile.TemporaryDirectory() as directory:
        floor = Floor(Path(directory), shorting=shorting)
        for action in actions:
            floor.act(*action)
            check_claims(floor.account)
            check_worth(floor)
            check_groups(floor.account)
            if not shorting:
                check_nothing_is_oversold(floor.account)
        told = floor.told()
        floor.journal.close()
        again = Journal(Path(directory))
        floor.engine = Engine(again)
        again.close()
        assert floor.told() == told


def check_claims(account: Account) -> None:
    """What is reserved and held is what the open orders have left of their claims, and no other has any."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    for order in account.orders.values():
        assert (order.status in OPEN) == (order.id in account.open_orders)
        if order.status in OPEN:
            held[order.symbol] += order.hold_left
        else:
            assert not order.reserve_left
            assert not order.hold_left
    assert account.reserved == sum(order.reserve_left for order in account.open_orders.values())
    assert {symbol: qty for symbol, qty in account.held.items() if qty} == {s: q for s, q in held.items() if q}


def check_worth(floor: Floor) -> None:
    """Cash and positions are what the activities make of the opening cash."""
    account, market = floor.account, floor.engine.book.market
    (worth,) = worths(account, market, [2**62])
    value = sum(p.qty * p.multiplier * market.last_at(p.symbol, 2**62) for p in account.positions.values())
    assert worth.equity == account.cash + value


def check_groups(account: Account) -> None:
    """Exits wait for their entry, agree on what is left, and end together."""
    for head in account.orders.values():
        legs = [account.orders[key] for key in head.legs]
        exits = [head, *legs] if head.order_class == "oco" else legs
        open_exits = [each for each in exits if each.status in OPEN]
        assert len(open_exits) in {0, len(exits)} or head.replaced_by is not None
        assert len({each.leaves for each in open_exits}) <= 1
        if head.order_class != "oco" and head.status in OPEN:
            assert all(each.status == "held" for each in exits)


def check_nothing_is_oversold(account: Account) -> None:
    """Without shorting nobody sells, or holds for a sale, what is not there."""
    for symbol in ("DIS", CALL):
        assert 0 <= account.held.get(symbol, Decimal(0)) <= account.owned(symbol)
