"""Alpaca's JSON, as it comes on good and on odd days."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.alpaca.parse import decimal, parse_account, parse_fill, parse_order, stamp
from domain.order_state import OrderStatus

ORDER: dict[str, Any] = {
    "id": "b1",
    "client_order_id": "opt-1",
    "symbol": "AAPL",
    "side": "buy",
    "qty": "10",
    "filled_qty": "0",
    "filled_avg_price": None,
    "status": "new",
    "created_at": "2026-03-02T14:30:00.123456789Z",
}
FILL: dict[str, Any] = {
    "id": "20260302143000123::f1",
    "order_id": "b1",
    "symbol": "AAPL",
    "side": "buy",
    "qty": "4",
    "price": "190.02",
    "cum_qty": "4",
    "transaction_time": "2026-03-02T14:30:00.5Z",
}
MOMENT = dt.datetime(2026, 3, 2, 14, 30, tzinfo=dt.UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T14:30:00Z", MOMENT),
        ("2026-03-02T14:30:00.123456789Z", MOMENT.replace(microsecond=123456)),  # nanoseconds are cut, not rounded
        ("2026-03-02T14:30:00.1Z", MOMENT.replace(microsecond=100000)),
        ("2026-03-02T09:30:00.123456789-05:00", MOMENT.replace(microsecond=123456)),
        ("2026-03-02T14:30:00", MOMENT),  # no zone: the broker means UTC
        ("2026-03-02T14:30:00.", MOMENT),
        ("", None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),  # before the first year there is
        (None, None),
        (1772461800, None),
    ],
)
def test_times_are_aware_utc_or_none(text: object, moment: dt.datetime | None) -> None:
    assert stamp(text) == moment


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("190.02", Decimal("190.02")),
        (190.02, Decimal("190.02")),  # as written, not as the binary fraction behind it
        (10, Decimal(10)),
        ("0", Decimal(0)),
        ("-1.50", Decimal("-1.50")),
        (None, None),
        ("", None),
        ("n/a", None),
        ("NaN", None),
        (float("inf"), None),
        (True, None),
        ([], None),
    ],
)
def test_numbers_are_exact_or_none(value: object, number: Decimal | None) -> None:
    assert decimal(value) == number


def test_an_order_is_read_whole() -> None:
    order = parse_order(ORDER)

    assert order is not None
    assert (order.broker_order_id, order.client_order_id, order.symbol, order.side) == ("b1", "opt-1", "AAPL", "buy")
    assert (order.qty, order.filled_qty, order.filled_avg_price) == (Decimal(10), Decimal(0), None)
    assert (order.status, order.raw_status) == (OrderStatus.ACCEPTED, "new")
    assert order.created_at == MOMENT.replace(microsecond=123456)


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("pending_new", "0", OrderStatus.ACCEPTED),
        ("held", "0", OrderStatus.ACCEPTED),
        ("done_for_day", "0", OrderStatus.ACCEPTED),  # it works on tomorrow: no end
        ("pending_cancel", "0", OrderStatus.ACCEPTED),  # a wish, not an end
        ("pending_cancel", "4", OrderStatus.PARTIALLY_FILLED),
        ("accepted", "4", OrderStatus.PARTIALLY_FILLED),  # the word may lag behind the quantity
        ("partially_filled", "4", OrderStatus.PARTIALLY_FILLED),
        ("filled", "10", OrderStatus.FILLED),
        ("canceled", "4", OrderStatus.CANCELED),
        ("expired", "0", OrderStatus.EXPIRED),
        ("replaced", "0", OrderStatus.REPLACED),
        ("rejected", "0", OrderStatus.REJECTED),
        ("invented_tomorrow", "0", None),
        (None, "0", None),
    ],
)
def test_the_brokers_word_in_ours(word: str | None, filled: str, status: OrderStatus | None) -> None:
    order = parse_order(ORDER | {"status": word, "filled_qty": filled})

    assert order is not None  # an unknown word loses no order
    assert order.status is status


@pytest.mark.parametrize("raw", [None, [], "x", {}, {"id": None}, {"id": ""}, {"code": 40010001, "message": "no"}])
def test_what_names_no_order_is_none(raw: object) -> None:
    assert parse_order(raw) is None


def test_an_order_of_null_fields_is_still_an_order() -> None:
    order = parse_order(dict.fromkeys(ORDER) | {"id": "b1"})

    assert order is not None
    assert (order.qty, order.filled_qty, order.created_at) == (None, Decimal(0), None)


@given(st.dictionaries(st.sampled_from(sorted(ORDER)), JSON))
def test_no_odd_field_makes_reading_an_order_fail(fields: dict[str, Any]) -> None:
    assert parse_order(ORDER | fields | {"id": "b1"}) is not None


def test_a_fill_is_read_whole() -> None:
    fill = parse_fill(FILL)

    assert fill is not None
    assert (fill.broker_fill_id, fill.broker_order_id, fill.symbol, fill.side) == (FILL["id"], "b1", "AAPL", "buy")
    assert (fill.qty, fill.price, fill.cum_qty) == (Decimal(4), Decimal("190.02"), Decimal(4))
    assert fill.occurred_at == MOMENT.replace(microsecond=500000)


@pytest.mark.parametrize("field", ["order_id", "qty", "price", "cum_qty", "transaction_time"])
def test_a_fill_without_what_it_is_booked_by_is_none(field: str) -> None:
    assert parse_fill(FILL | {field: None}) is None


@pytest.mark.requirement("ACC-001")
def test_an_account_is_read_with_its_number() -> None:
    reading = parse_account({"account_number": "PA1", "cash": "99.50", "buying_power": 199, "equity": 100.25})

    assert reading is not None
    assert (reading.account_number, reading.cash, reading.buying_power) == ("PA1", Decimal("99.50"), Decimal(199))
    assert (reading.equity, reading.trading_blocked) == (Decimal("100.25"), False)


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize(("number", "read"), [(None, None), ("", None), (123, "123")])
def test_an_account_number_is_text_or_none(number: object, read: str | None) -> None:
    reading = parse_account({"cash": "1", "account_number": number})
    assert reading is not None
    assert reading.account_number == read


@pytest.mark.parametrize("flag", ["trading_blocked", "account_blocked"])
def test_either_block_blocks(flag: str) -> None:
    reading = parse_account({"cash": "1", flag: True})
    assert reading is not None
    assert reading.trading_blocked


@pytest.mark.parametrize("raw", [None, [], {}, {"cash": None}, {"cash": "NaN"}, {"cash": "much"}])
def test_an_account_without_cash_is_none(raw: object) -> None:
    assert parse_account(raw) is None
