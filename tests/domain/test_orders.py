"""What is wrong with an order is said before anything is written, field by field."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.order_checks import problems, problems_with
from domain.orders import (
    AssetClass,
    Instrument,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
    decimals,
    plain,
    short,
    underlying_of,
)

OPTION = "AAPL270115C00150000"
TERMS = OrderTerms("AAPL", Side.BUY, OrderType.LIMIT, TimeInForce.DAY, Decimal(10), Decimal("150.25"))
MARKET = replace(TERMS, order_type=OrderType.MARKET, limit_price=None)
STOCK = Instrument("AAPL", AssetClass.STOCK, tradable=True, fractionable=True, multiplier=Decimal(1))


def fields(terms: OrderTerms) -> list[str]:
    return [problem.field for problem in problems(terms)]


@pytest.mark.parametrize(
    "terms",
    [
        TERMS,
        MARKET,
        replace(TERMS, time_in_force=TimeInForce.GTC),
        replace(TERMS, symbol=OPTION),
        replace(TERMS, qty=Decimal("0.000000001")),  # nine decimals are the most
        replace(TERMS, qty=Decimal("1E+9")),  # the largest there is
        replace(TERMS, limit_price=Decimal("0.1234")),  # four decimals below a dollar
        replace(TERMS, limit_price=Decimal("1.00")),
        replace(TERMS, limit_price=Decimal("150.2500")),  # trailing zeros are no decimals
    ],
)
def test_a_well_formed_order_has_no_problems(terms: OrderTerms) -> None:
    assert problems(terms) == []


@pytest.mark.parametrize(
    "qty",
    [
        "0",
        "-1",
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "1E+400",  # FastAPI answers 500 to it by default
        "1000000000.1",  # above the largest
        "0.0000000001",  # a tenth decimal
        "1E-9999999",  # rounds to nothing in the default context
        "100000000.00000000000000000000000000001",  # 38 digits: rounds to a whole number in the default context
    ],
)
def test_a_quantity_that_cannot_be_is_named(qty: str) -> None:
    [problem] = problems(replace(TERMS, qty=Decimal(qty)))

    assert problem.field == "qty"
    assert len(problem.value) < 60


@pytest.mark.parametrize(
    ("price", "allowed"),
    [
        ("150.123", "at most 2 decimals"),
        ("1.001", "at most 2 decimals"),
        ("150.000000000000000000000000001", "at most 2 decimals"),  # 30 digits
        ("0.99999", "at most 4 decimals"),
        ("0", "above 0"),
        ("-5", "above 0"),
        ("NaN", "above 0"),
        ("Infinity", "above 0"),
        ("1E+400", "at most 1000000000"),
    ],
)
def test_a_price_that_cannot_be_is_named_with_what_was_expected(price: str, allowed: str) -> None:
    [problem] = problems(replace(TERMS, limit_price=Decimal(price)))

    assert problem.field == "limit_price"
    assert allowed in problem.expected


def test_a_limit_order_needs_a_price() -> None:
    assert fields(replace(TERMS, limit_price=None)) == ["limit_price"]


def test_a_market_order_takes_none() -> None:
    assert fields(replace(MARKET, limit_price=Decimal(1))) == ["limit_price"]


@pytest.mark.parametrize(
    "symbol",
    [
        "AAPL270115C0015000",  # seven digits of strike
        "AAPL271315C00150000",  # a thirteenth month
        "AAPL270230C00150000",  # 30 February
        "AAPL270115X00150000",  # neither call nor put
        "AAPL270115C00000000",  # strike 0
        "AAPL  270115C00150000",  # padded
        "aapl270115c00150000",
        "AAPL２７０１１５C00150000",  # noqa: RUF001  full-width digits are the case
        "TOOLONGFORASTOCK",
    ],
)
def test_a_malformed_option_symbol_is_no_stock(symbol: str) -> None:
    [problem] = problems(replace(TERMS, symbol=symbol))

    assert (problem.field, problem.value) == ("symbol", symbol)
    assert "OCC" in problem.expected


def test_an_option_works_for_one_day() -> None:
    assert fields(replace(TERMS, symbol=OPTION, time_in_force=TimeInForce.GTC)) == ["time_in_force"]


def test_all_problems_are_said_at_once() -> None:
    assert fields(replace(TERMS, symbol="AAPL27", qty=Decimal(0), limit_price=None)) == ["symbol", "qty", "limit_price"]


@pytest.mark.parametrize(
    ("terms", "instrument", "field"),
    [
        (TERMS, None, "symbol"),
        (TERMS, replace(STOCK, tradable=False), "symbol"),
        (replace(TERMS, qty=Decimal("1.5")), replace(STOCK, fractionable=False), "qty"),
        (replace(TERMS, qty=Decimal("1.5"), time_in_force=TimeInForce.GTC), STOCK, "time_in_force"),
        (replace(TERMS, symbol=OPTION, qty=Decimal("1.5")), STOCK, "qty"),  # contracts are whole whatever the stock
    ],
)
def test_what_the_instrument_does_not_allow_is_named(
    terms: OrderTerms, instrument: Instrument | None, field: str
) -> None:
    assert [problem.field for problem in problems_with(terms, instrument)] == [field]


@pytest.mark.parametrize("qty", ["1.5", "1", "2.0"])
def test_fractions_of_a_fractionable_stock_are_fine_for_a_day(qty: str) -> None:
    assert problems_with(replace(TERMS, qty=Decimal(qty)), STOCK) == []


def test_equal_numbers_make_equal_fingerprints() -> None:
    other = replace(TERMS, qty=Decimal("10.0"), limit_price=Decimal("150.2500"))
    assert (
        TERMS.fingerprint("demo") == other.fingerprint("demo") == replace(TERMS, qty=Decimal("1E1")).fingerprint("demo")
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(TERMS, symbol="MSFT"),
        replace(TERMS, side=Side.SELL),
        replace(TERMS, time_in_force=TimeInForce.GTC),
        replace(TERMS, qty=Decimal(11)),
        replace(TERMS, limit_price=Decimal("150.26")),
        MARKET,
    ],
)
def test_another_order_has_another_fingerprint(other: OrderTerms) -> None:
    assert other.fingerprint("demo") != TERMS.fingerprint("demo")


def test_another_account_has_another_fingerprint() -> None:
    assert TERMS.fingerprint("demo") != TERMS.fingerprint("other")


def test_the_underlying_decides_about_an_option() -> None:
    assert (underlying_of(OPTION), underlying_of("MSFT")) == ("AAPL", "MSFT")


@pytest.mark.parametrize(
    ("value", "text"), [("1E+2", "100"), ("1.50", "1.5"), ("-0", "0"), ("0.00", "0"), ("100", "100")]
)
def test_decimals_are_written_without_noise(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


def test_a_number_of_pages_keeps_its_exponent() -> None:
    assert short(Decimal("1E+400")) == "1E+400"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_writing_a_decimal_loses_nothing(value: Decimal) -> None:
    assert Decimal(plain(value)) == value


@given(st.integers(1, 10**40), st.integers(0, 60))
def test_decimals_are_counted_exactly_however_long_the_number(digits: int, places: int) -> None:
    written = str(digits).zfill(places + 1)
    value = Decimal(f"{written[:-places]}.{written[-places:]}" if places else written)
    assert decimals(value) == (len(written[-places:].rstrip("0")) if places else 0)
