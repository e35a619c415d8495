"""What an order costs, and the balance rule over it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.balance import BalanceRule, check_balance
from domain.money import most_shares, open_part, order_cost, spent_on
from domain.orders import OrderTerms, OrderType, Side, TimeInForce

BUY = OrderTerms("AAPL", Side.BUY, OrderType.LIMIT, TimeInForce.DAY, Decimal(10), Decimal(150))
MARKET = replace(BUY, order_type=OrderType.MARKET, limit_price=None)
SELL = replace(BUY, side=Side.SELL)
MONEY = st.decimals(-(10**9), 10**9, places=2)
POSITIVE = st.decimals(Decimal("0.01"), 10**6, places=2)


def cost(terms: OrderTerms, *, ask: str | None = "200", held: str = "0", multiplier: str = "1") -> Decimal | None:
    return order_cost(
        terms,
        multiplier=Decimal(multiplier),
        ask=None if ask is None else Decimal(ask),
        collar=Decimal("0.02"),
        held_qty=Decimal(held),
    )


def test_a_limit_buy_costs_its_limit() -> None:
    assert cost(BUY) == 1500


def test_a_market_buy_costs_the_ask_and_the_collar() -> None:
    assert cost(MARKET) == 2040


def test_an_option_costs_a_hundred_times_its_price() -> None:
    assert cost(BUY, multiplier="100") == 150_000


def test_a_market_buy_without_an_ask_has_no_cost_to_judge_by() -> None:
    assert cost(MARKET, ask=None) is None


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ("10", 0),  # all of it is held
        ("25", 0),
        ("4", 900),  # six go short
        ("0", 1500),
        ("-5", 1500),  # already short: nothing is held
    ],
)
def test_a_sell_costs_what_it_goes_beyond_the_holding(held: str, expected: int) -> None:
    assert cost(SELL, held=held) == expected


def test_a_market_sell_of_what_is_held_needs_no_price() -> None:
    assert cost(replace(MARKET, side=Side.SELL), ask=None, held="10") == 0


@given(POSITIVE, POSITIVE, POSITIVE)
def test_no_order_costs_less_than_nothing(qty: Decimal, price: Decimal, held: Decimal) -> None:
    for terms in (replace(BUY, qty=qty, limit_price=price), replace(SELL, qty=qty, limit_price=price)):
        found = cost(terms, held=str(held))
        assert found is not None
        assert found >= 0


@pytest.mark.requirement("ACC-002", "FR-002")
@pytest.mark.parametrize(
    ("rule", "cash", "reserved", "order_cost", "passed"),
    [
        (BalanceRule.BEFORE, "5000", "0", "99999", True),  # equality passes, the cost does not matter
        (BalanceRule.BEFORE, "4999.99", "0", "1", False),
        (BalanceRule.BEFORE, "6000", "1000", "1", True),
        (BalanceRule.BEFORE, "6000", "1000.01", "1", False),  # what is reserved is not free
        (BalanceRule.BEFORE, "6000", "0", None, True),
        (BalanceRule.AFTER, "6000", "0", "1000", True),  # equality passes
        (BalanceRule.AFTER, "6000", "0", "1000.01", False),
        (BalanceRule.AFTER, "7000", "1000", "1000", True),
        (BalanceRule.AFTER, "7000", "1000.01", "1000", False),
        (BalanceRule.AFTER, "1000000", "0", None, False),  # an unknown cost may be any cost
        (BalanceRule.BEFORE, "-100", "0", "0", False),
    ],
)
def test_the_balance_rule(rule: BalanceRule, cash: str, reserved: str, order_cost: str | None, passed: bool) -> None:  # noqa: FBT001  a table's column
    checked = check_balance(
        rule,
        cash=Decimal(cash),
        reserved=Decimal(reserved),
        minimum=Decimal(5000),
        order_cost=None if order_cost is None else Decimal(order_cost),
    )

    assert checked.passed is passed
    assert checked.available == Decimal(cash) - Decimal(reserved)


@pytest.mark.requirement("ACC-002")
@given(MONEY, MONEY, MONEY, POSITIVE)
def test_after_never_lets_the_rest_fall_below_the_minimum(
    cash: Decimal, reserved: Decimal, minimum: Decimal, price: Decimal
) -> None:
    checked = check_balance(BalanceRule.AFTER, cash=cash, reserved=reserved, minimum=minimum, order_cost=price)
    assert checked.passed is (cash - reserved - price >= minimum)


OPEN = [  # reserved, qty, filled before, filled now, what stays reserved
    ("2000", 10, 0, 4, "1200"),
    ("1200", 10, 4, 10, "0"),
    ("1200", 10, 4, 4, "1200"),
    ("100", 3, 0, 1, "66.66666667"),  # rounded up: a cent too much, never too little
    ("0", 10, 0, 5, "0"),
    ("100", 10, 10, 10, "0"),
    ("100", 10, 0, 12, "0"),  # more than was asked for
]


@pytest.mark.requirement("ACC-002")
@pytest.mark.parametrize(("reserved", "qty", "before", "now", "left"), OPEN)
def test_a_fill_frees_its_part_of_the_reservation(reserved: str, qty: int, before: int, now: int, left: str) -> None:
    kept = open_part(Decimal(reserved), qty=Decimal(qty), filled_before=Decimal(before), filled_now=Decimal(now))
    assert kept == Decimal(left)


@pytest.mark.parametrize(("side", "spent"), [("buy", "1900"), ("sell", "0")])
def test_a_fill_spends_its_true_cost_and_a_sell_nothing(side: str, spent: str) -> None:
    assert spent_on(side, qty=Decimal(1), price=Decimal(19), multiplier=Decimal(100)) == Decimal(spent)


def test_a_stop_limit_costs_its_limit() -> None:
    terms = replace(BUY, order_type=OrderType.STOP_LIMIT, stop_price=Decimal(140))
    assert cost(terms, ask=None) == 1500


@pytest.mark.parametrize(("stop", "expected"), [("200", "2050"), ("40", "416")])
def test_a_stop_buy_costs_what_the_broker_lets_it_go_up_to(stop: str, expected: str) -> None:
    terms = replace(MARKET, order_type=OrderType.STOP, stop_price=Decimal(stop))
    assert cost(terms, ask=None) == Decimal(expected)


@pytest.mark.parametrize(
    ("trail", "expected"), [({"trail_price": Decimal(10)}, "2142"), ({"trail_percent": Decimal(5)}, "2142")]
)
def test_a_trailing_stop_costs_the_ask_its_trail_and_the_collar(trail: dict[str, Any], expected: str) -> None:
    terms = replace(MARKET, order_type=OrderType.TRAILING_STOP, **trail)
    assert cost(terms) == Decimal(expected)
    assert cost(terms, ask=None) is None


def test_a_notional_buy_costs_its_amount_whatever_the_ask() -> None:
    assert cost(replace(MARKET, qty=None, notional=Decimal(250)), ask=None) == 250


@pytest.mark.parametrize(("held", "expected"), [("0", "980"), ("1", "784"), ("5", "0"), ("10", "0")])
def test_a_notional_sell_costs_what_it_may_go_beyond_the_holding(held: str, expected: str) -> None:
    terms = replace(MARKET, side=Side.SELL, qty=None, notional=Decimal(980))
    assert cost(terms, held=held) == Decimal(expected)  # a share may have fallen to 196 by then
    assert cost(terms, ask=None, held=held) is None


def test_a_notional_sell_reserves_the_most_shares_it_may_take() -> None:
    terms = replace(MARKET, side=Side.SELL, qty=None, notional=Decimal(100))
    assert most_shares(terms, ask=Decimal(200), collar=Decimal("0.02")) == Decimal("0.510204082")
    assert most_shares(terms, ask=None, collar=Decimal("0.02")) is None
