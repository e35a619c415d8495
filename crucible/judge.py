"""Holds the callers' word, Postgres' rows and the exchange's ledger against each other; knows nothing of the run.

Each check yields what is wrong, named by kind; a wish that is fine leaves no trace. The exchange's ledger is the truth.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from operator import itemgetter
from typing import Any

from crucible.fold import fold
from crucible.record import Asked, Record
from domain.order_state import TERMINAL, OrderEvent, OrderStatus

LOST, DOUBLED, UNSETTLED, STATUS = "lost", "doubled", "unsettled", "status"
FILLS, CASH, RESERVED, MINIMUM, AUDIT, KEY = "fills", "cash", "reserved", "below_minimum", "audit", "key"
KINDS = (LOST, DOUBLED, UNSETTLED, STATUS, FILLS, CASH, RESERVED, MINIMUM, AUDIT, KEY)
_ENDED = {status.value for status in TERMINAL}
_LOOKED_UP, _GIVEN_UP = OrderEvent.LOOKED_UP.value, "too_late"
_NEVER_THERE = {OrderStatus.REJECTED.value, OrderStatus.CANCELED.value, OrderStatus.EXPIRED.value}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be: its kind, whose it is (a wish's key, an id, an account), and what was seen."""

    kind: str
    whose: str
    text: str
    timeline: tuple[str, ...] = field(default=())


class Judge:
    """Looks through one record."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._by_id: dict[str, Row] = {order["order_id"]: order for order in record.orders}
        self._theirs = {
            (account["name"], order["client_order_id"]): order
            for account in record.ledger
            for order in account["orders"]
        }
        self._events = _grouped(record.events, "order_id")
        self._fills = _grouped(record.fills, "order_id")

    def verdict(self) -> list[Violation]:
        """Return everything that is wrong."""
        checks = (
            self._lost,
            self._keys,
            self._doubled,
            self._unsettled,
            self._statuses,
            self._fills_agree,
            self._cash,
            self._reserved,
            self._minimum,
            self._audit,
        )
        return [violation for check in checks for violation in check()]

    def _lost(self) -> Iterator[Violation]:
        """Demand that what was acknowledged is at the exchange, or has ended with a reason."""
        for asked in self._record.asked:
            for order_id in asked.order_ids:
                order = self._by_id.get(order_id)
                if order is None:
                    yield self._against(LOST, asked, f"order {order_id} was acknowledged and is not in the database")
                elif self._there(order) is None and not (self._given_up(order) or _ended_with_a_reason(order)):
                    text = f"order {order_id} is {order['status']} here and the exchange never took it"
                    yield self._against(LOST, asked, text)

    def _given_up(self, order: Row) -> bool:
        """Return whether a cancel met an order of unknown outcome that the exchange does not have.

        It is looked for during a day, in case it appears after all, and keeps its reservation (R12).
        """
        looked = (e["reason_code"] for e in self._events[order["order_id"]] if e["event_type"] == _LOOKED_UP)
        is_unknown = order["status"] == OrderStatus.UNKNOWN.value and self._there(order) is None
        return is_unknown and bool(order["is_canceled"]) and _GIVEN_UP in looked

    def _keys(self) -> Iterator[Violation]:
        """Demand one order a key, whatever the API, and however often it was asked for."""
        for asked in self._record.asked:
            if len(asked.order_ids) > 1:
                yield self._against(KEY, asked, f"one key was answered with {', '.join(asked.order_ids)}")

    def _doubled(self) -> Iterator[Violation]:
        """Demand a row for every order at the exchange, and no two of one wish, told by terms that nobody shares."""
        ours = {(order["account"], order["broker_client_id"]) for order in self._record.orders}
        for account, client_id in self._theirs:
            if (account, client_id) not in ours:
                yield Violation(DOUBLED, client_id, f"{account} has an order at the exchange that no row of ours knows")
        seen = Counter(_terms(account, order) for (account, _), order in self._theirs.items())
        for asked in self._record.asked:
            number = seen[_asked_terms(asked)]
            if number > 1:
                yield self._against(DOUBLED, asked, f"the exchange has {number} orders of these terms")

    def _unsettled(self) -> Iterator[Violation]:
        for order in self._record.orders:
            if order["status"] not in _ENDED and not self._given_up(order):
                yield self._about(UNSETTLED, order, f"is still {order['status']}")

    def _statuses(self) -> Iterator[Violation]:
        """Demand that what has ended here has ended there, in the same way."""
        for order in self._record.orders:
            there = self._there(order)
            if there is not None and order["status"] in _ENDED and there["status"] != order["status"]:
                yield self._about(STATUS, order, f"is {order['status']} here and {there['status']} at the exchange")
            elif there is None and order["status"] in _ENDED - _NEVER_THERE:
                yield self._about(STATUS, order, f"is {order['status']} here and unknown at the exchange")

    def _fills_agree(self) -> Iterator[Violation]:
        """Demand every execution here once: quantity and money of our fills, our row and the ledger are equal."""
        for order in self._record.orders:
            there = self._there(order)
            told = _sum(there["fills"] if there else ())
            kept = _sum(self._fills[order["order_id"]])
            if kept != told:
                text = f"our fills are {kept[0]} for ${kept[1]}, the exchange's {told[0]} for ${told[1]}"
                yield self._about(FILLS, order, text)
            elif Decimal(order["filled_qty"]) != kept[0]:
                yield self._about(FILLS, order, f"says {order['filled_qty']} filled, its fills are {kept[0]}")

    def _cash(self) -> Iterator[Violation]:
        """Demand the exchange's cash to be what it was plus our fills, and the balance we stored, to the cent."""
        moved: defaultdict[str, Decimal] = defaultdict(Decimal)
        for order in self._record.orders:
            sign = -1 if order["side"] == "buy" else 1
            moved[order["account"]] += sign * _sum(self._fills[order["order_id"]])[1]
        now = {account["name"]: account["cash"] for account in self._record.ledger}
        for account in self._record.opening:
            name = account["name"]
            expected, there = Decimal(account["cash"]) + moved[name], Decimal(now[name])
            stored = self._record.balances.get(name)
            if there != expected:
                yield Violation(CASH, name, f"the exchange has ${there}, our fills make it ${expected}")
            elif stored is not None and Decimal(stored) != there:
                yield Violation(CASH, name, f"we have stored ${stored}, the exchange has ${there}")

    def _reserved(self) -> Iterator[Violation]:
        """Demand that what has ended holds no money back."""
        for order in self._record.orders:
            held = Decimal(order["reserved"]) + Decimal(order["spent"])
            if order["status"] in _ENDED and held != 0:
                yield self._about(RESERVED, order, f"has ended and still holds ${held} back")

    def _minimum(self) -> Iterator[Violation]:
        """Demand that no buy was claimed while less than the minimum was free.

        Replayed in the order of the claims, which the account's lock decides: at the opening cash plus what was sold
        until then, less what the buys claimed before have cost in the end. That is at most what was free then, since
        an order reserves at least what it costs; so who is below the minimum here was below it then.
        """
        for account in self._record.opening:
            free = Decimal(account["cash"])
            for _, order_id, money in sorted(self._moments(account["name"]), key=itemgetter(0)):
                order = self._by_id[order_id]
                if money is None:
                    if order["replaces"] is None and free < Decimal(self._record.minimum):
                        yield self._about(MINIMUM, order, f"was placed with at most ${free} free")
                    free -= _sum(self._fills[order_id])[1]
                else:
                    free += money

    def _moments(self, account: str) -> Iterator[tuple[str, str, Decimal | None]]:
        """Yield the last claim of each buy that reached the exchange, and what sells brought."""
        for order in self._record.orders:
            if order["account"] != account or self._there(order) is None:
                continue
            if order["side"] == "buy":
                claims = [e["recorded_at"] for e in self._events[order["order_id"]] if _is_claim(e)]
                if claims:
                    yield claims[-1], order["order_id"], None
            else:
                for fill in self._fills[order["order_id"]]:
                    yield fill["occurred_at"], order["order_id"], Decimal(fill["qty"]) * Decimal(fill["price"])

    def _audit(self) -> Iterator[Violation]:
        """Demand that the audit trail alone, put through the table of states, tells where every order stands."""
        for order in self._record.orders:
            told = fold(self._events[order["order_id"]])
            if told.broken is not None:
                yield self._about(AUDIT, order, told.broken)
            elif told.status != order["status"]:
                yield self._about(AUDIT, order, f"is {order['status']}, its audit trail says {told.status}")

    def _there(self, order: Row) -> Row | None:
        return self._theirs.get((order["account"], order["broker_client_id"]))

    def _against(self, kind: str, asked: Asked, text: str) -> Violation:
        lines = [*asked.said, *(line for order_id in asked.order_ids for line in self._timeline(order_id))]
        return Violation(kind, asked.key, f"{asked.account} {asked.terms}: {text}", tuple(sorted(lines)))

    def _about(self, kind: str, order: Row, text: str) -> Violation:
        asked = self._wishes.get(order["client_order_id"])
        lines = [*(asked.said if asked else ()), *self._timeline(order["order_id"])]
        text = f"order {order['order_id']} of {order['account']} {text}"
        return Violation(kind, order["client_order_id"], text, tuple(sorted(lines)))

    @cached_property
    def _wishes(self) -> Mapping[str, Asked]:
        return {asked.key: asked for asked in self._record.asked}

    def _timeline(self, order_id: str) -> Iterator[str]:
        for event in self._events[order_id]:
            reason = f" ({event['reason_code']})" if event["reason_code"] else ""
            yield f"{event['recorded_at'][11:26]} {event['process']} {event['event_type']}{reason}"


def _ended_with_a_reason(order: Row) -> bool:
    return order["status"] in _NEVER_THERE and bool(order["reason_code"])


def _grouped(rows: Iterable[Row], name: str) -> defaultdict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def _is_claim(event: Row) -> bool:
    return bool(event["event_type"] == OrderStatus.SUBMITTING.value and event["stage"] != "settle")


def _sum(fills: Iterable[Row]) -> tuple[Decimal, Decimal]:
    """Return the quantity and the money (USD) of fills."""
    qty = money = Decimal(0)
    for fill in fills:
        qty += Decimal(fill["qty"])
        money += Decimal(fill["qty"]) * Decimal(fill["price"])
    return qty, money


def _terms(account: str, order: Row) -> tuple[str, ...]:
    return account, order["symbol"], order["side"], _number(order["qty"]), _number(order["limit_price"])


def _asked_terms(asked: Asked) -> tuple[str, ...]:
    terms = asked.terms
    price = _number(terms.get("limit_price"))
    return asked.account, terms["symbol"], terms["side"], _number(terms["qty"]), price


def _number(text: str | None) -> str:
    return "" if text is None else f"{Decimal(text).normalize():f}"
