"""Which terms go together: the combinations Alpaca documents, each refusal naming the field (FR-002, TRD-001)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.order_checks import problems, problems_with
from domain.orders import (
    AssetClass,
    Instrument,
    OrderTerms,
    OrderType,
    PositionIntent,
    Side,
    TimeInForce,
)

OPTION = "AAPL270115C00150000"
MARKET = OrderTerms("AAPL", Side.BUY, OrderType.MARKET, TimeInForce.DAY, Decimal(10))
STOCK = Instrument("AAPL", AssetClass.STOCK, tradable=True, fractionable=True, multiplier=Decimal(1))
PRICE, STOP, TRAIL = Decimal("150.25"), Decimal(149), Decimal("1.5")
T, F = OrderType, TimeInForce

GOOD: list[dict[str, Any]] = [
    {"order_type": T.STOP, "stop_price": STOP},
    {"order_type": T.STOP_LIMIT, "stop_price": STOP, "limit_price": PRICE},
    {"order_type": T.STOP_LIMIT, "stop_price": STOP, "limit_price": PRICE, "time_in_force": F.GTC},
    {"order_type": T.TRAILING_STOP, "trail_price": TRAIL},
    {"order_type": T.TRAILING_STOP, "trail_percent": Decimal(5), "time_in_force": F.GTC},
    {"time_in_force": F.IOC},
    {"order_type": T.LIMIT, "limit_price": PRICE, "time_in_force": F.FOK},
    {"order_type": T.LIMIT, "limit_price": PRICE, "extended_hours": True},
    {"qty": None, "notional": Decimal("250.50")},
    {"symbol": OPTION, "position_intent": PositionIntent.BUY_TO_OPEN},
    {"symbol": OPTION, "side": Side.SELL, "position_intent": PositionIntent.SELL_TO_CLOSE},
    {"symbol": OPTION, "order_type": T.STOP_LIMIT, "stop_price": STOP, "limit_price": PRICE},
]


@pytest.mark.parametrize("terms", GOOD)
def test_what_goes_together_has_no_problems(terms: dict[str, Any]) -> None:
    assert problems(replace(MARKET, **terms)) == []


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"order_type": T.STOP}, "stop_price", "needs one"),
    ({"order_type": T.STOP, "stop_price": STOP, "limit_price": PRICE}, "limit_price", "takes none"),
    ({"order_type": T.STOP, "stop_price": Decimal("149.123")}, "stop_price", "sub-penny"),
    ({"order_type": T.STOP, "stop_price": Decimal("NaN")}, "stop_price", "finite"),
    ({"order_type": T.STOP_LIMIT, "stop_price": STOP}, "limit_price", "needs one"),
    ({"order_type": T.TRAILING_STOP}, "trail_price", "trail_percent"),
    ({"order_type": T.TRAILING_STOP, "trail_price": TRAIL, "trail_percent": Decimal(5)}, "trail_percent", "not both"),
    ({"order_type": T.TRAILING_STOP, "trail_percent": Decimal(100)}, "trail_percent", "below 100"),
    ({"order_type": T.TRAILING_STOP, "trail_percent": Decimal("0.001")}, "trail_percent", "2 decimals"),
    ({"order_type": T.TRAILING_STOP, "trail_price": TRAIL, "stop_price": STOP}, "stop_price", "takes none"),
    ({"order_type": T.TRAILING_STOP, "trail_price": TRAIL, "time_in_force": F.IOC}, "time_in_force", "day or gtc"),
    ({"order_type": T.STOP, "stop_price": STOP, "time_in_force": F.FOK}, "time_in_force", "day or gtc"),
    ({"trail_price": TRAIL}, "trail_price", "takes none"),
    ({"qty": None}, "qty", "notional"),
    ({"notional": Decimal(100)}, "notional", "not both"),
    ({"qty": None, "notional": Decimal(0)}, "notional", "above 0"),
    ({"qty": None, "notional": Decimal("NaN")}, "notional", "finite"),
    ({"qty": None, "notional": Decimal("1.005")}, "notional", "2 decimals"),
    ({"qty": None, "notional": Decimal(5), "order_type": T.LIMIT, "limit_price": PRICE}, "type", "market"),
    ({"extended_hours": True}, "extended_hours", "type limit"),
    (
        {"extended_hours": True, "order_type": T.LIMIT, "limit_price": PRICE, "time_in_force": F.GTC},
        "extended_hours",
        "day",
    ),
    ({"position_intent": PositionIntent.BUY_TO_OPEN}, "position_intent", "options"),
    ({"symbol": OPTION, "position_intent": PositionIntent.SELL_TO_CLOSE}, "position_intent", "buy_to_open or buy_to"),
    ({"symbol": OPTION, "order_type": T.TRAILING_STOP, "trail_price": TRAIL}, "type", "for an option"),
    ({"symbol": OPTION, "time_in_force": F.IOC}, "time_in_force", "day"),
    (
        {"symbol": OPTION, "order_type": T.LIMIT, "limit_price": PRICE, "extended_hours": True},
        "extended_hours",
        "false",
    ),
]


@pytest.mark.parametrize(("terms", "field", "words"), BAD)
def test_what_does_not_is_named(terms: dict[str, Any], field: str, words: str) -> None:
    found = {problem.field: problem.expected for problem in problems(replace(MARKET, **terms))}

    assert list(found) == [field]
    assert words in found[field]


NOTIONAL = replace(MARKET, qty=None, notional=Decimal(100))
FRACTION = replace(MARKET, qty=Decimal("0.5"))


@pytest.mark.parametrize(
    ("terms", "instrument", "field"),
    [
        (NOTIONAL, replace(STOCK, fractionable=False), "notional"),
        (replace(NOTIONAL, symbol=OPTION), replace(STOCK, symbol=OPTION, fractionable=False), "notional"),
        (replace(NOTIONAL, time_in_force=F.IOC), STOCK, "time_in_force"),
        (replace(FRACTION, order_type=T.TRAILING_STOP, trail_price=TRAIL), STOCK, "type"),
        (replace(FRACTION, time_in_force=F.GTC), STOCK, "time_in_force"),
    ],
)
def test_fractions_have_rules_of_their_own(terms: OrderTerms, instrument: Instrument, field: str) -> None:
    assert [problem.field for problem in problems_with(terms, instrument)] == [field]


def test_a_notional_order_of_a_fractionable_stock_is_right() -> None:
    assert problems_with(NOTIONAL, STOCK) == []
    assert (NOTIONAL.size, MARKET.size) == ("$100", "10")


@pytest.mark.parametrize("terms", GOOD)
def test_every_term_is_part_of_what_a_key_stands_for(terms: dict[str, Any]) -> None:
    changed = replace(MARKET, **terms)

    assert changed.fingerprint("acc") != MARKET.fingerprint("acc")
    assert changed.fingerprint("acc") != changed.fingerprint("other")
