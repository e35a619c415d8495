"""What is closed of a lot, and what never is: the owner's word, the market's hours and the free quantity bind all."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exit_strategies import STRATEGIES
from domain.exits import ExitReason, ExitRules, MarketHours, Moment, OpenLot, ShortsMode, decide, may_trade
from domain.orders import AssetClass
from domain.venue import EndpointKind
from tests.domain.lots import NOON, OFF, SESSION, at, before_close, lot, mark

AUTO, IN_SESSION, ALWAYS = MarketHours.AUTO, MarketHours.SESSION, MarketHours.ALWAYS
LIVE, PAPER, SIMULATED = EndpointKind.LIVE, EndpointKind.PAPER, EndpointKind.SIMULATED
EAGER = ExitRules(
    profit_rate=Decimal(1),
    stop_loss_rate=Decimal(1),
    max_hold=dt.timedelta(0),
    zero_day_before_close=dt.timedelta(days=1),
    closing_window=dt.timedelta(days=1),
    stocks=True,
    shorts=ShortsMode.COVER,
)
"""Whatever can speak does."""

quantities = st.decimals("-1000", "1000", places=9)
lots = st.builds(
    lambda qty, busy, entry, symbol, kind, may: lot(
        str(qty), entry, busy_qty=busy, symbol=symbol, asset_class=kind, auto_sell_enabled=may
    ),
    qty=quantities,
    busy=st.decimals("0", "2000", places=9),
    entry=st.none() | st.decimals("0", "1000", places=4).map(str),
    symbol=st.sampled_from(["AAPL", "AAPL261123C00150000", "AAPL270115C00150000"]),
    kind=st.sampled_from(AssetClass),
    may=st.booleans(),
)
moments = st.builds(
    Moment,
    st.datetimes(dt.datetime(2026, 11, 22), dt.datetime(2026, 11, 25), timezones=st.just(dt.UTC)),  # noqa: DTZ001  hypothesis wants bounds without a zone
    st.sampled_from([SESSION, None]),
)
rules = st.sampled_from(
    [
        EAGER,
        OFF,
        ExitRules(),
        ExitRules(shorts=ShortsMode.THRESHOLDS, stocks=True, max_hold=dt.timedelta(minutes=30)),
        ExitRules(closing_window=dt.timedelta(minutes=10)),
    ]
)
prices = st.decimals("0.01", "2000", places=4).map(str)


@pytest.mark.parametrize(
    ("qty", "busy", "closed"),
    [
        ("5", "0", "5"),
        ("5", "2", "3"),
        ("5", "5", None),  # all of it is being sold already
        ("5", "9", None),
        ("-5", "0", "5"),
        ("-5", "4.5", "0.5"),
        ("0", "0", None),
    ],
)
def test_what_is_closed_is_what_nobody_is_closing_yet(qty: str, busy: str, closed: str | None) -> None:
    decision = decide(lot(qty, busy_qty=Decimal(busy)), mark("10"), at(NOON), EAGER, strategies=STRATEGIES)
    assert (decision.qty if decision else None) == (Decimal(closed) if closed else None)


@pytest.mark.parametrize(
    ("qty", "kind", "rules", "watched"),
    [
        ("1", AssetClass.OPTION, ExitRules(), True),
        ("1", AssetClass.STOCK, ExitRules(), False),
        ("1", AssetClass.STOCK, ExitRules(stocks=True), True),
        ("-1", AssetClass.OPTION, ExitRules(), False),
        ("-1", AssetClass.OPTION, ExitRules(shorts=ShortsMode.THRESHOLDS), True),
        ("-1", AssetClass.STOCK, ExitRules(shorts=ShortsMode.COVER), False),
        ("-1", AssetClass.STOCK, ExitRules(shorts=ShortsMode.COVER, stocks=True), True),
    ],
)
def test_stocks_and_shorts_are_sold_where_they_are_asked_for(
    qty: str,
    kind: AssetClass,
    rules: ExitRules,
    watched: bool,  # noqa: FBT001  a table's column
) -> None:
    price = "100" if qty == "1" else "0.01"  # a profit either way
    decision = decide(lot(qty, asset_class=kind), mark(price), at(NOON), rules, strategies=STRATEGIES)
    assert (decision is not None) is watched


@pytest.mark.parametrize(
    ("held", "price", "moment", "reason"),
    [
        (lot("-1"), "10", before_close(5), ExitReason.SHORT_COVER),  # before everything
        (lot(symbol="AAPL261123C00150000"), "20", before_close(5), ExitReason.TIME_LIMIT),
        (lot(symbol="AAPL261123C00150000", opened_at=NOON), "20", before_close(5), ExitReason.ZERO_DAY),
        (lot(opened_at=NOON), "20", before_close(5), ExitReason.TAKE_PROFIT),
        (lot(opened_at=NOON), "10", before_close(5), ExitReason.CLOSING_WINDOW),
    ],
)
def test_the_first_that_speaks_decides(held: OpenLot, price: str, moment: Moment, reason: ExitReason) -> None:
    rules = ExitRules(
        max_hold=dt.timedelta(hours=4, minutes=30), closing_window=dt.timedelta(minutes=10), shorts=ShortsMode.COVER
    )
    decision = decide(held, mark(price), moment, rules, strategies=STRATEGIES)
    assert decision is not None
    assert decision.trigger.reason is reason


@given(held=lots, price=prices, moment=moments, rules=rules)
def test_never_more_than_is_free_and_never_what_its_owner_keeps(
    held: OpenLot, price: str, moment: Moment, rules: ExitRules
) -> None:
    decision = decide(held, mark(price), moment, rules, strategies=STRATEGIES)

    if decision is not None:
        assert held.auto_sell_enabled
        assert 0 < decision.qty <= held.free_qty
        assert decision.qty + held.busy_qty <= abs(held.qty)
        assert decision.mark.price == Decimal(price)


@given(held=lots, price=prices, moment=moments, rules=rules)
def test_an_opted_out_lot_is_never_closed(held: OpenLot, price: str, moment: Moment, rules: ExitRules) -> None:
    kept = lot(str(held.qty), None, symbol=held.symbol, asset_class=held.asset_class, auto_sell_enabled=False)
    assert decide(kept, mark(price), moment, rules, strategies=STRATEGIES) is None


@given(held=lots, moment=moments, rules=rules)
def test_without_a_price_nothing_is_closed(held: OpenLot, moment: Moment, rules: ExitRules) -> None:
    assert decide(held, None, moment, rules, strategies=STRATEGIES) is None


@given(held=lots, price=prices, moment=moments, rules=rules)
def test_the_same_facts_are_decided_in_the_same_way(
    held: OpenLot, price: str, moment: Moment, rules: ExitRules
) -> None:
    once, again = (decide(held, mark(price), moment, rules, strategies=STRATEGIES) for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("hours", "endpoint", "in_session", "outside"),
    [
        (AUTO, LIVE, True, False),
        (AUTO, PAPER, True, False),
        (AUTO, SIMULATED, True, True),  # it trades at any hour
        (IN_SESSION, LIVE, True, False),
        (IN_SESSION, SIMULATED, True, False),
        (ALWAYS, LIVE, True, True),
        (ALWAYS, SIMULATED, True, True),
    ],
)
def test_hours_bind_real_endpoints(
    hours: MarketHours,
    endpoint: EndpointKind,
    in_session: bool,  # noqa: FBT001  a table's columns
    outside: bool,  # noqa: FBT001  likewise
) -> None:
    inside = [at(SESSION.opens), at(NOON), at(SESSION.closes - dt.timedelta(microseconds=1))]
    out = [at(SESSION.opens - dt.timedelta(microseconds=1)), at(SESSION.closes), at(NOON, None)]

    assert {may_trade(moment, hours, endpoint) for moment in inside} == {in_session}
    assert {may_trade(moment, hours, endpoint) for moment in out} == {outside}
