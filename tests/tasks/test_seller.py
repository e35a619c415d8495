"""Scripted prices at the exchange: what is sold, what is not, and once (TRD-002, US-SYSTEM-003)."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.support.house import Bed, events
from tests.support.selling import CALL, PUT, Desk, desk_of

pytestmark = pytest.mark.requirement("TRD-002", "US-SYSTEM-003")


@pytest.fixture
def desk(quiet: Bed) -> Iterator[Desk]:
    made = desk_of(quiet)
    yield made
    made.close()
    quiet.exchange.remove_faults()
    quiet.exchange.set_clock_offset(0)


@pytest.mark.parametrize(
    ("price", "reason"),
    [("1.10", "take_profit"), ("1.09", None), ("0.80", "stop_loss"), ("0.81", None), ("3", "take_profit")],
)
def test_exactly_at_its_threshold_a_position_is_sold_once(desk: Desk, price: str, reason: str | None) -> None:
    desk.hold(CALL, "5", "1")
    desk.quote(CALL, price)
    assert [desk.tick(), desk.tick()] == [True, True]
    expected = [] if reason is None else [(CALL, "sell", "5")]
    assert desk.at_exchange() == expected
    assert [row.reason for row in desk.told()] == ([] if reason is None else [reason])
    desk.tick()
    assert desk.at_exchange() == expected


def test_an_exit_says_why_and_passes_every_gate_that_stops_entries(desk: Desk) -> None:
    desk.hold(CALL, "5", "1")
    desk.quote(CALL, "2")
    with desk.ctx.database.statement() as unit:
        unit.run(
            "UPDATE trading.accounts SET entries_blocked = 'a lockout', disabled_by = 'admin' WHERE name = %(name)s",
            {"name": desk.account},
        )
        unit.run("UPDATE trading.balances SET cash = 1")
    desk.tick()
    (exit_,) = desk.told()
    assert (exit_.status, exit_.source, exit_.position_intent) == ("filled", "sell_module", "sell_to_close")
    checks = events(desk.ctx, exit_.order_id)[1].detail["checks"]
    assert checks["minimum_balance"]["exempt"] == "an exit of the sell module"
    assert checks["reduce_only"] == {"decision": "allow", "reason_code": None, "closable_qty": "5", "qty": "5"}
    assert (exit_.price, exit_.price_source) == (Decimal(2), "quote")
    assert "1.1" in exit_.message


def test_who_has_opted_out_is_sold_by_nothing(desk: Desk) -> None:
    desk.configure(
        auto_sell_default=False,
        position_time_limit={"enabled": True, "max_hold_minutes": "0.001"},
        market_hours="always",
    )
    desk.hold(CALL, "5", "1")
    desk.quote(CALL, "9")
    desk.tick()
    assert desk.at_exchange() == []


def test_a_time_limit_sells_what_was_held_so_long(desk: Desk) -> None:
    desk.configure(position_time_limit={"enabled": True, "max_hold_minutes": "30"})
    desk.hold(CALL, "5", "1")
    desk.quote(CALL, "1")
    desk.tick()
    assert desk.at_exchange() == []
    with desk.ctx.database.statement() as unit:
        unit.run("UPDATE trading.lots SET opened_at = opened_at - interval '30 minutes' WHERE closed_at IS NULL")
    desk.tick()
    assert [row.reason for row in desk.told()] == ["time_limit"]


# 2026-11-24 is a Tuesday like others, 2026-11-27 closes at 13:00 in New York
@pytest.mark.parametrize(
    ("expires", "early", "late"),
    [
        (
            "261124",
            dt.datetime(2026, 11, 24, 19, 59, 30, tzinfo=dt.UTC),
            dt.datetime(2026, 11, 24, 20, 0, tzinfo=dt.UTC),
        ),
        (
            "261127",
            dt.datetime(2026, 11, 27, 16, 59, 30, tzinfo=dt.UTC),
            dt.datetime(2026, 11, 27, 17, 0, tzinfo=dt.UTC),
        ),
    ],
    ids=["a normal day", "an early close"],
)
def test_an_option_is_sold_an_hour_before_its_last_close(
    desk: Desk, expires: str, early: dt.datetime, late: dt.datetime
) -> None:
    symbol = f"AAPL{expires}C00200000"
    desk.hold(symbol, "5", "1")
    desk.hold(CALL, "5", "1")
    for when, sold in ((early, []), (late, [(symbol, "sell", "5")])):
        desk.at(when)
        desk.quote(symbol, "1")
        desk.quote(CALL, "1")
        desk.tick()
        assert desk.at_exchange() == sold
    assert [row.reason for row in desk.exits()] == ["zero_day"]


def test_everything_that_may_be_sold_is_in_the_closing_window(desk: Desk) -> None:
    desk.hold(CALL, "5", "1")
    desk.at(dt.datetime(2026, 11, 24, 20, 50, tzinfo=dt.UTC))
    desk.quote(CALL, "1")
    desk.tick()
    assert [row.reason for row in desk.exits()] == ["closing_window"]


@pytest.mark.parametrize(
    ("shorts", "price", "bought"), [("cover", "1", True), ("thresholds", "0.9", True), ("none", "0.5", False)]
)
def test_a_short_is_bought_back_as_configured(desk: Desk, shorts: str, price: str, bought: bool) -> None:  # noqa: FBT001
    desk.configure(shorts=shorts)
    desk.hold(PUT, "-4", "1")
    desk.quote(PUT, price)
    desk.tick()
    assert desk.at_exchange() == ([(PUT, "buy", "4")] if bought else [])
    assert [(row.status, row.position_intent) for row in desk.told()] == (
        [("filled", "buy_to_close")] if bought else []
    )


def test_stocks_are_sold_only_where_that_is_asked_for(desk: Desk) -> None:
    desk.hold("KO", "7.5", "10")
    desk.quote("KO", "60")
    desk.tick()
    assert desk.at_exchange() == []
    desk.configure(stocks=True)
    desk.tick()
    assert desk.at_exchange() == [("KO", "sell", "7.5")]


@pytest.mark.parametrize(
    ("sides", "failure"),
    [
        ({"bid": "9", "ask": "8", "last": "9"}, "crossed"),
        ({"bid": "0", "ask": "9", "last": "9"}, "one_sided"),
        ({"bid": "2", "ask": "9", "last": "9"}, "wide"),
        ({"bid": "9", "ask": "9", "last": "9", "age_ms": 120_000}, "stale"),
        ({"bid": "9", "ask": "9", "last": "9", "missing": True}, "missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_price_that_says_nothing_is_counted_and_never_a_sale(desk: Desk, sides: dict[str, Any], failure: str) -> None:
    desk.hold(CALL, "5", "1")
    desk.quote(CALL, **sides)
    desk.tick()
    assert desk.at_exchange() == []
    tick = desk.last_tick()
    assert (tick.failures, tick.positions, tick.exits) == ({failure: 1}, 1, 0)


@pytest.mark.parametrize(
    ("path", "source"),
    [("^/v1beta1/options/quotes/latest", "trade"), ("^/v1beta1/options/(quotes|trades)/latest", "snapshot")],
)
def test_an_endpoint_that_fails_is_made_up_for(desk: Desk, path: str, source: str) -> None:
    desk.hold(CALL, "5", "1")
    desk.quote(CALL, "2")
    desk.bed.exchange.add_fault("502_before", path=path, times=None)
    desk.tick()
    (exit_,) = desk.told()
    assert (exit_.price_source, exit_.reason) == (source, "take_profit")


def test_a_hundred_symbols_are_one_request(desk: Desk) -> None:
    symbols = [f"AAPL280121C00{strike:03}000" for strike in range(100, 201)]
    desk.bed.exchange.grant_all(
        [{"account": desk.account, "symbol": symbol, "qty": "1", "price": "1"} for symbol in symbols]
    )
    desk.hold(PUT, "1", "1")
    desk.configure(strategy_one={"enabled": False})
    desk.tick()
    tick = desk.last_tick()
    assert (tick.positions, tick.requests) == (102, 2)


def test_a_partial_fill_leaves_the_rest_of_the_lot_to_the_next_attempt(desk: Desk) -> None:
    desk.configure(order_type="limit")
    desk.hold(CALL, "5", "1")
    desk.quote(CALL, "2")
    desk.bed.exchange.set_fills(symbol=CALL, never=True)
    try:
        desk.tick()
        (first,) = desk.exits()
        assert (first.order_type, first.limit_price, first.cancel_after is not None) == ("limit", Decimal(2), True)
        desk.bed.exchange.release(account=desk.account, symbol=CALL, qty="2")
        desk.bed.exchange.set_status("canceled", account=desk.account)
        assert [(row.status, row.filled_qty) for row in desk.told()] == [("canceled", Decimal(2))]
        desk.quote(CALL, "1.5")
        desk.tick()
    finally:
        desk.bed.exchange.set_fills(symbol=CALL, never=None)
    assert [(row.attempt, row.qty, row.limit_price) for row in desk.exits()][1:] == [(2, Decimal(3), Decimal("1.5"))]
    assert desk.at_exchange() == [(CALL, "sell", "5"), (CALL, "sell", "3")]


def test_what_nobody_fills_is_priced_anew_so_often_and_no_more(desk: Desk) -> None:
    desk.configure(order_type="limit", reprice_times=1)
    desk.hold(CALL, "5", "1")
    desk.bed.exchange.set_fills(symbol=CALL, never=True)
    try:
        for price in ("2", "1.9", "1.8"):
            desk.quote(CALL, price)
            desk.tick()
            desk.bed.exchange.set_status("canceled", account=desk.account)
            desk.told()
    finally:
        desk.bed.exchange.set_fills(symbol=CALL, never=None)
    assert [row.limit_price for row in desk.exits()] == [Decimal(2), Decimal("1.9")]
