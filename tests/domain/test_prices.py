"""A quote or a trade becomes a price to sell by, or the reason why it is none."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exits import Mark
from domain.prices import PriceFailure, PriceRules, QuoteReading, TradeReading, judge, judge_trade

NOW = dt.datetime(2026, 11, 23, 17, tzinfo=dt.UTC)
RULES = PriceRules(max_age=dt.timedelta(seconds=60), max_spread=Decimal("0.5"))
MOMENT = dt.timedelta(microseconds=1)


def quote(bid: str, ask: str, age: dt.timedelta = dt.timedelta(0)) -> QuoteReading:
    return QuoteReading(Decimal(bid), Decimal(ask), NOW - age)


def test_a_long_lot_is_worth_the_bid_and_a_short_one_costs_the_ask() -> None:
    read = quote("9.9", "10.1", dt.timedelta(seconds=3))

    assert judge(read, is_short=False, now=NOW, rules=RULES) == Mark(price=Decimal("9.9"), at=read.at, source="quote")
    assert judge(read, is_short=True, now=NOW, rules=RULES, source="snapshot") == Mark(
        price=Decimal("10.1"), at=read.at, source="snapshot"
    )


@pytest.mark.parametrize(
    ("bid", "ask", "failure"),
    [
        ("10", "10", None),  # locked, and fair
        ("10.01", "10", PriceFailure.CROSSED),
        ("0", "10", PriceFailure.ONE_SIDED),
        ("10", "0", PriceFailure.ONE_SIDED),  # a bid that no ask confirms
        ("0", "0", PriceFailure.ONE_SIDED),
        ("-1", "10", PriceFailure.ONE_SIDED),
        ("3", "5", None),  # 2 of 4: exactly half
        ("2.99999999", "5", PriceFailure.WIDE),
        ("0.01", "0.05", None),  # cheap options are quoted in steps of 5 cents
        ("0.05", "0.10", None),
        ("0.01", "0.07", PriceFailure.WIDE),
    ],
)
@pytest.mark.parametrize("is_short", [True, False])
def test_a_quote_must_make_sense(bid: str, ask: str, failure: PriceFailure | None, is_short: bool) -> None:  # noqa: FBT001  a table's column
    judged = judge(quote(bid, ask), is_short=is_short, now=NOW, rules=RULES)

    if failure is None:
        assert judged == Mark(price=Decimal(ask if is_short else bid), at=NOW, source="quote")
    else:
        assert judged is failure


@pytest.mark.parametrize(
    ("age", "is_fresh"),
    [
        (dt.timedelta(seconds=60), True),
        (dt.timedelta(seconds=60) + MOMENT, False),
        (dt.timedelta(days=3), False),
        (dt.timedelta(seconds=-5), True),  # two clocks may differ by so much
        (dt.timedelta(seconds=-5) - MOMENT, False),
    ],
)
def test_neither_an_old_price_nor_one_of_the_future_counts(age: dt.timedelta, is_fresh: bool) -> None:  # noqa: FBT001  likewise
    judged = judge(quote("10", "10", age), is_short=False, now=NOW, rules=RULES)
    traded = judge_trade(TradeReading(Decimal(10), NOW - age), now=NOW, rules=RULES)

    assert isinstance(judged, Mark) is is_fresh
    assert isinstance(traded, Mark) is is_fresh
    assert is_fresh or judged is traded is PriceFailure.STALE


def test_an_old_quote_is_old_before_it_is_anything_else() -> None:
    assert judge(quote("10", "1", dt.timedelta(hours=1)), is_short=False, now=NOW, rules=RULES) is PriceFailure.STALE


def test_what_the_broker_knows_nothing_of_is_missing() -> None:
    assert judge(None, is_short=False, now=NOW, rules=RULES) is PriceFailure.MISSING
    assert judge_trade(None, now=NOW, rules=RULES) is PriceFailure.MISSING


def test_a_fresh_trade_is_a_price_under_its_own_name() -> None:
    trade = TradeReading(Decimal("4.2"), NOW)
    assert judge_trade(trade, now=NOW, rules=RULES) == Mark(price=Decimal("4.2"), at=NOW, source="trade")


@pytest.mark.parametrize("price", ["0", "-1"])
def test_a_trade_for_nothing_is_no_price(price: str) -> None:
    assert judge_trade(TradeReading(Decimal(price), NOW), now=NOW, rules=RULES) is PriceFailure.UNREADABLE


@given(bid=st.decimals("-1", "1000", places=4), ask=st.decimals("-1", "1000", places=4), is_short=st.booleans())
def test_what_is_judged_by_lies_within_a_sane_quote(bid: Decimal, ask: Decimal, is_short: bool) -> None:  # noqa: FBT001  likewise
    judged = judge(QuoteReading(bid, ask, NOW), is_short=is_short, now=NOW, rules=RULES)
    if isinstance(judged, Mark):
        assert 0 < bid <= ask
        assert judged.price in {bid, ask}
        assert ask - bid <= max(Decimal("0.05"), (bid + ask) / 4)
