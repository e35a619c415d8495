"""An order found at the broker is ours only when it is the one we meant."""

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.broker import BrokerOrder
from domain.order_state import OrderStatus
from domain.orders import OrderTerms, OrderType, Side, TimeInForce

TERMS = OrderTerms("AAPL", Side.BUY, OrderType.MARKET, TimeInForce.DAY, Decimal(10))
FOUND = BrokerOrder("b1", "opt-1", "AAPL", "buy", Decimal("10.0"), Decimal(0), None, OrderStatus.ACCEPTED, "new", None)


def test_the_order_we_meant_matches() -> None:
    assert FOUND.matches(TERMS)


@pytest.mark.parametrize(
    "other",
    [
        replace(FOUND, symbol="MSFT"),
        replace(FOUND, side="sell"),
        replace(FOUND, qty=Decimal(11)),
        replace(FOUND, qty=None),
    ],
)
def test_another_order_under_our_id_does_not(other: BrokerOrder) -> None:
    assert not other.matches(TERMS)
