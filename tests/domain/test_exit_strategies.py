"""Each strategy at its threshold, just below and just above; nothing of it is rounded."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exit_strategies import STRATEGIES
from domain.exit_strategies.closing_window import closing_window
from domain.exit_strategies.short_cover import short_cover
from domain.exit_strategies.strategy_one import strategy_one
from domain.exit_strategies.time_limit import time_limit
from domain.exit_strategies.zero_day import zero_day
from domain.exits import ExitReason, ExitRules, Moment, Session, ShortsMode
from tests.domain.lots import NOON, OFF, SESSION, at, before_close, lot, mark

ONE = ExitRules(zero_day_before_close=None)
SECOND = dt.timedelta(seconds=1)

PROFIT, STOP = ExitReason.TAKE_PROFIT, ExitReason.STOP_LOSS


def test_they_are_asked_in_this_order() -> None:
    names = [getattr(strategy, "__name__", "") for strategy in STRATEGIES]
    assert names == ["short_cover", "time_limit", "zero_day", "strategy_one", "closing_window"]


@pytest.mark.parametrize(
    ("entry", "price", "reason"),
    [
        ("10", "11", PROFIT),  # exactly +10 %
        ("10", "10.99999999", None),
        ("10", "8", STOP),  # exactly -20 %
        ("10", "8.00000001", None),
        ("10", "10", None),
        ("0.1", "0.11", PROFIT),  # 0.1 * 1.1 is more than 0.11 in floats
        ("3.30", "3.63", PROFIT),  # likewise 3.3 * 1.1
        ("0.07", "0.056", STOP),  # and 0.07 * 0.8
        ("123456789012.12345678", "135802467913.335802458", PROFIT),  # the largest price there is, to its last digit
        ("123456789012.12345678", "135802467913.335802457", None),
        ("0.01", "100", PROFIT),
        (None, "100", None),  # no entry price: nothing to compare with
        ("0", "100", None),
        ("-1", "100", None),
    ],
)
def test_a_long_lot_takes_its_profit_and_stops_its_loss(
    entry: str | None, price: str, reason: ExitReason | None
) -> None:
    said = strategy_one(lot(entry=entry), mark(price), at(NOON), ONE)
    assert (said.reason if said else None) == reason


@pytest.mark.parametrize(
    ("entry", "price", "reason"),
    [
        ("10", "9", PROFIT),  # exactly -10 %
        ("10", "9.00000001", None),
        ("10", "12", STOP),  # exactly +20 %
        ("10", "11.99999999", None),
        ("10", "10", None),
        (None, "1", None),
    ],
)
def test_a_short_lot_is_the_mirror(entry: str | None, price: str, reason: ExitReason | None) -> None:
    said = strategy_one(lot("-2", entry=entry), mark(price), at(NOON), ONE)
    assert (said.reason if said else None) == reason


@pytest.mark.parametrize(
    ("price", "rules", "reason"),
    [
        ("1000", ExitRules(profit_rate=None), None),
        ("0.01", ExitRules(profit_rate=None), STOP),
        ("1000", ExitRules(stop_loss_rate=None), PROFIT),
        ("0.01", ExitRules(stop_loss_rate=None), None),
        ("10", ExitRules(profit_rate=Decimal(1)), PROFIT),  # as soon as nothing is lost
    ],
)
def test_either_rate_may_be_off(price: str, rules: ExitRules, reason: ExitReason | None) -> None:
    said = strategy_one(lot(), mark(price), at(NOON), rules)
    assert (said.reason if said else None) == reason


def test_a_short_never_gains_more_than_all_of_it() -> None:
    rules = ExitRules(profit_rate=Decimal(2))
    assert strategy_one(lot("-1"), mark("0.00000001"), at(NOON), rules) is None


def test_what_was_seen_is_said_with_its_numbers() -> None:
    said = strategy_one(lot(entry="10.50"), mark("12.00"), at(NOON), ONE)

    assert said is not None
    assert said.message == "12 has reached 11.55: entry price 10.5, rate 1.1"
    assert said.inputs == {"price": "12", "entry_price": "10.5", "rate": "1.1", "level": "11.55"}


@given(
    entry=st.decimals("0.01", "100000", places=4),
    price=st.decimals("0.01", "100000", places=4),
    profit=st.decimals("1", "3", places=3),
    stop=st.decimals("0.001", "1", places=3),
)
def test_a_threshold_is_met_exactly_when_the_integers_say_so(
    entry: Decimal, price: Decimal, profit: Decimal, stop: Decimal
) -> None:
    rules = ExitRules(profit_rate=profit, stop_loss_rate=stop)
    said = strategy_one(lot(entry=str(entry)), mark(str(price)), at(NOON), rules)
    paid, now = int(entry * 10_000), int(price * 10_000) * 1000

    is_profit, is_stop = now >= paid * int(profit * 1000), now <= paid * int(stop * 1000)
    expected = PROFIT if is_profit else STOP if is_stop else None
    assert (said.reason if said else None) == expected


@pytest.mark.parametrize(("held", "speaks"), [(59, False), (60, True), (61, True), (0, False), (-5, False)])
@pytest.mark.parametrize("qty", ["2", "-2"])
def test_the_time_limit_speaks_when_it_is_reached(held: int, speaks: bool, qty: str) -> None:  # noqa: FBT001  a table's column
    rules = ExitRules(max_hold=dt.timedelta(minutes=60))
    held_lot = lot(qty, opened_at=NOON - dt.timedelta(minutes=held))

    said = time_limit(held_lot, mark("10"), at(NOON), rules)

    assert (said is not None) is speaks
    assert time_limit(held_lot, mark("10"), at(NOON), OFF) is None


def test_a_lot_held_over_a_change_of_the_clocks_is_held_as_long_as_it_was() -> None:
    """On 2026-11-01 the hour from 1:00 to 2:00 comes twice in New York: two hours have passed, the clock says one."""
    opened = dt.datetime(2026, 11, 1, 4, 30, tzinfo=dt.UTC)
    rules = ExitRules(max_hold=dt.timedelta(hours=2))
    moments = [Moment(opened + dt.timedelta(hours=2) - SECOND, None), Moment(opened + dt.timedelta(hours=2), None)]

    said = [time_limit(lot(opened_at=opened), mark("10"), moment, rules) for moment in moments]

    assert [one is not None for one in said] == [False, True]


@pytest.mark.parametrize(("minutes", "speaks"), [(61, False), (60, True), (1, True), (1 / 60, True), (0, False)])
def test_an_option_is_closed_before_the_close_of_its_last_day(minutes: float, speaks: bool) -> None:  # noqa: FBT001  likewise
    said = zero_day(lot(symbol="AAPL261123C00150000"), mark("0.01"), before_close(minutes), ExitRules())

    assert (said is not None) is speaks
    assert said is None or said.inputs["closes"] == "2026-11-23T21:00:00+00:00"


@pytest.mark.parametrize(
    "symbol",
    [
        "AAPL261124C00150000",  # tomorrow's
        "AAPL261120C00150000",  # last Friday's
        "AAPL",  # no option
        "AAPL261199C00150000",
    ],
)
def test_what_does_not_expire_today_is_not_closed_for_it(symbol: str) -> None:
    assert zero_day(lot(symbol=symbol), mark("1"), before_close(5), ExitRules()) is None


@pytest.mark.parametrize(
    ("expires", "is_last"),
    [
        (dt.date(2026, 11, 25), True),  # Wednesday itself
        (dt.date(2026, 11, 26), True),  # Thanksgiving: it trades last on Wednesday
        (dt.date(2026, 11, 27), False),  # Friday has a session
        (dt.date(2026, 11, 24), False),
    ],
)
def test_what_expires_on_a_holiday_trades_last_the_session_before(expires: dt.date, is_last: bool) -> None:  # noqa: FBT001  likewise
    closes = dt.datetime(2026, 11, 25, 21, tzinfo=dt.UTC)
    wednesday = Session(dt.date(2026, 11, 25), closes - dt.timedelta(hours=6.5), closes, next_day=dt.date(2026, 11, 27))
    symbol = f"AAPL{expires:%y%m%d}C00150000"

    said = zero_day(lot(symbol=symbol), mark("1"), before_close(10, wednesday), ExitRules())

    assert (said is not None) is is_last


@pytest.mark.parametrize(("day", "speaks"), [(23, True), (24, False)])
def test_where_the_next_session_is_not_known_the_day_itself_decides(day: int, speaks: bool) -> None:  # noqa: FBT001  likewise
    lonely = Session(SESSION.day, SESSION.opens, SESSION.closes)
    said = zero_day(lot(symbol=f"AAPL2611{day}C00150000"), mark("1"), before_close(10, lonely), ExitRules())
    assert (said is not None) is speaks


@pytest.mark.parametrize(("minutes", "speaks"), [(11, False), (10, True), (1 / 60, True), (0, False), (-1, False)])
def test_everything_is_closed_in_the_window_before_the_close(minutes: float, speaks: bool) -> None:  # noqa: FBT001  likewise
    rules = ExitRules(closing_window=dt.timedelta(minutes=10))
    said = closing_window(lot(), mark("10"), before_close(minutes), rules)
    assert (said is not None) is speaks


@pytest.mark.parametrize("moment", [at(NOON, None), at(SESSION.opens - SECOND), at(SESSION.closes)])
def test_outside_of_a_session_no_close_is_near(moment: Moment) -> None:
    rules = ExitRules(zero_day_before_close=dt.timedelta(days=1), closing_window=dt.timedelta(days=1))

    assert zero_day(lot(symbol="AAPL261123C00150000"), mark("1"), moment, rules) is None
    assert closing_window(lot(), mark("1"), moment, rules) is None


@pytest.mark.parametrize("strategy", [zero_day, closing_window, time_limit, short_cover])
def test_a_rule_that_is_off_never_speaks(strategy: object) -> None:
    assert callable(strategy)
    assert strategy(lot("-1", symbol="AAPL261123C00150000"), mark("1"), before_close(1), OFF) is None


@pytest.mark.parametrize(
    ("qty", "shorts", "speaks"),
    [
        ("-2", ShortsMode.COVER, True),
        ("-2", ShortsMode.THRESHOLDS, False),
        ("-2", ShortsMode.NONE, False),
        ("2", ShortsMode.COVER, False),
    ],
)
def test_every_short_is_covered_where_that_is_the_rule(qty: str, shorts: ShortsMode, speaks: bool) -> None:  # noqa: FBT001  likewise
    said = short_cover(lot(qty), mark("10"), at(NOON), ExitRules(shorts=shorts))
    assert (said is not None) is speaks
