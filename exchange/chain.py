"""The option contracts that lists show: a grid of expiries and strikes a stock, though any other one trades as well."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from exchange.assets import ASSETS, SEEDS, asset_id
from exchange.options import Contract, root_of
from exchange.sessions import sessions

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FRIDAY = 4
_WEEKS_AHEAD, _WEEKS_BACK, _MONTHS_AHEAD = 8, 4, 26
_STEPS = ((5, "0.5"), (25, "1"), (200, "5"), (500, "10"))
_WIDEST_STEP = "20"
_LOWEST, _HIGHEST = Decimal("0.6"), Decimal("1.4")


def expiries(today: date) -> list[date]:
    """Give the listed expiries: Fridays of the weeks around today, third Fridays of the months ahead.

    A Friday without a session expires with the one before it.
    """
    friday = today + timedelta(days=_FRIDAY - today.weekday())
    weekly = (friday + timedelta(weeks=number) for number in range(-_WEEKS_BACK, _WEEKS_AHEAD + 1))
    monthly = (_third_friday(today.year, today.month + number) for number in range(_MONTHS_AHEAD + 1))
    return sorted({sessions().upto(day).day for day in (*weekly, *monthly)})


def _third_friday(year: int, month: int) -> date:
    first = date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
    return first + timedelta(days=(_FRIDAY - first.weekday()) % 7 + 14)


def strikes(underlying: str) -> list[Decimal]:
    """Give the listed strikes in USD: even steps around the price at which the stock is listed, so they never move."""
    price = SEEDS[underlying].last
    step = Decimal(next((step for below, step in _STEPS if price < below), _WIDEST_STEP))
    first, last = int(price * _LOWEST / step), int(price * _HIGHEST / step)
    return [step * number for number in range(max(first, 1), last + 1)]


@lru_cache(maxsize=len(ASSETS))
def listed(underlying: str, today: date) -> tuple[Contract, ...]:
    """Give one stock's listed contracts, expired ones of the last weeks among them, by symbol."""
    return tuple(sorted(_contracts(underlying, today), key=lambda contract: contract.symbol))


def _contracts(underlying: str, today: date) -> Iterator[Contract]:
    for expiry in expiries(today):
        for strike in strikes(underlying):
            for right in ("C", "P"):
                symbol = f"{root_of(underlying)}{expiry:%y%m%d}{right}{int(strike * 1000):08d}"
                yield Contract(symbol, underlying, expiry, right, strike)


def by_id(contract_id: str, today: date) -> Contract | None:
    """Give the listed contract that has an id, None when none has."""
    return _ids(today).get(contract_id) if _ID.fullmatch(contract_id) else None


@lru_cache(maxsize=1)
def _ids(today: date) -> dict[str, Contract]:
    return {asset_id(contract.symbol): contract for stock in ASSETS for contract in listed(stock, today)}
