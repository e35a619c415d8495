"""Option symbols, read strictly."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.occ import OptionContract, is_occ_symbol, looks_like_option, parse_occ


def test_a_symbol_names_its_contract() -> None:
    assert parse_occ("AAPL270115C00152500") == OptionContract("AAPL", dt.date(2027, 1, 15), "C", Decimal("152.5"))


@pytest.mark.parametrize(
    "symbol",
    [
        "",
        "AAPL",
        "AAPL270230C00150000",  # 30 February
        "AAPL250229C00150000",  # no leap year
        "AAPL270115C00000000",  # strike 0
        "AAPL270115C0015000",  # a digit short
        "AAPL270115C001500000",  # a digit long
        "AAPLXYZ270115C00150000",  # seven letters of root
        "270115C00150000",  # no root
        "AAPL270115C00150000\n",
        " AAPL270115C00150000",
        "AAPL270115C٠٠١٥٠٠٠٠",  # noqa: RUF001  Arabic digits are the case
    ],
)
def test_what_is_no_contract_is_none(symbol: str) -> None:
    assert parse_occ(symbol) is None
    assert not is_occ_symbol(symbol)


@pytest.mark.parametrize(
    ("symbol", "meant"), [("AAPL", False), ("BRK.B", False), ("AAPL1", True), ("ABCDEFGHIJK", True)]
)
def test_digits_or_length_show_that_an_option_was_meant(symbol: str, meant: bool) -> None:  # noqa: FBT001  a table's column
    assert looks_like_option(symbol) is meant


@given(
    st.from_regex(r"[A-Z]{1,6}", fullmatch=True),
    st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)),
    st.sampled_from("CP"),
    st.integers(1, 99_999_999),
)
def test_every_contract_survives_its_symbol(root: str, day: dt.date, right: str, strike: int) -> None:
    contract = parse_occ(f"{root}{day:%y%m%d}{right}{strike:08}")
    assert contract == OptionContract(root, day, right, Decimal(strike) / 1000)
