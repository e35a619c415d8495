"""Every type of order from the API's door to its end at the exchange, through real processes and the unmodified SDK."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from tests.support.house import House, until

SYMBOL, OPTION = "DIS", "AAPL280121C00150000"
QUIET = {"bid": "94.98", "ask": "95.02", "last": "95.00"}


@dataclass(frozen=True)
class Kind:
    """An order: what is asked for, what must be owned before, the prices that end it, and how it ends."""

    name: str
    body: dict[str, Any]
    ends: str = "filled"
    owned: str | None = None
    moves: list[dict[str, str]] = field(default_factory=list)
    filled: str = "2"


def stock(**terms: Any) -> dict[str, Any]:
    return {"symbol": SYMBOL, "qty": "2"} | terms


KINDS = [
    Kind("market", stock()),
    Kind("fractions", stock(qty="0.123456789"), filled="0.123456789"),
    Kind("notional", {"symbol": SYMBOL, "notional": "47.51"}, filled="0.5"),
    Kind("limit", stock(type="limit", limit_price="96")),
    Kind("limit, good till cancelled", stock(type="limit", limit_price="96", time_in_force="gtc")),
    Kind("limit, extended hours", stock(type="limit", limit_price="96", extended_hours=True)),
    Kind("immediate or cancel", stock(type="limit", limit_price="96", time_in_force="ioc")),
    Kind("immediate, not reached", stock(type="limit", limit_price="90", time_in_force="ioc"), "canceled", filled="0"),
    Kind("fill or kill", stock(type="limit", limit_price="96", time_in_force="fok")),
    Kind(
        "fill or kill, not reached", stock(type="limit", limit_price="90", time_in_force="fok"), "canceled", filled="0"
    ),
    Kind("stop buy", stock(type="stop", stop_price="97"), moves=[{"bid": "97.05", "ask": "97.10", "last": "97.00"}]),
    Kind(
        "stop limit",
        stock(type="stop_limit", stop_price="97", limit_price="97.50"),
        moves=[{"bid": "97.90", "ask": "98.00", "last": "97.95"}, {"bid": "97.30", "ask": "97.40", "last": "97.35"}],
    ),
    Kind(
        "stop sell",
        stock(side="sell", type="stop", stop_price="93"),
        owned="2",
        moves=[{"bid": "92.90", "ask": "93.00", "last": "92.95"}],
    ),
    Kind(
        "trailing stop by price",
        stock(side="sell", type="trailing_stop", trail_price="1.50"),
        owned="2",
        moves=[{"bid": "98.98", "ask": "99.02", "last": "99.00"}, {"bid": "97.40", "ask": "97.50", "last": "97.45"}],
    ),
    Kind(
        "trailing stop by percent",
        stock(side="sell", type="trailing_stop", trail_percent="2"),
        owned="2",
        moves=[{"bid": "92.90", "ask": "93.00", "last": "92.95"}],
    ),
    Kind("option, opening", {"symbol": OPTION, "qty": "2", "position_intent": "buy_to_open"}),
]


@pytest.fixture(autouse=True)
def quiet_market(running: House) -> Iterator[None]:
    running.exchange.set_price(SYMBOL, **QUIET)
    yield
    running.exchange.set_price(SYMBOL, **QUIET)


@pytest.mark.requirement("TRD-001")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_it_reaches_the_exchange_as_it_was_asked_for_and_ends_as_it_must(running: House, kind: Kind) -> None:
    account = running.account()
    if kind.owned:
        assert running.ended(running.placed(account, **stock(qty=kind.owned)))["status"] == "filled"
    asked = {"side": "buy"} | kind.body
    body = {name: value for name, value in asked.items() if value is not None}
    if "notional" in body:
        body["qty"] = None
    href = running.placed(account, **body)
    for prices in kind.moves:
        until(lambda: running.order(href)["status"] == "accepted")
        running.exchange.set_price(SYMBOL, **prices)

    order = running.ended(href)

    assert (order["status"], Decimal(order["filled_qty"])) == (kind.ends, Decimal(kind.filled))
    (there,) = running.in_ledger(account, order)
    assert (there["status"], Decimal(there["filled_qty"])) == (kind.ends, Decimal(kind.filled))
    differing = {
        name: (value, there.get(name)) for name, value in asked.items() if same(there.get(name)) != same(value)
    }
    assert not differing


def same(value: Any) -> Any:
    """Return a value as it compares: 97 and "97.00" are one price."""
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return value
