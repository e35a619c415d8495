"""Option contracts: any well-formed OCC symbol of a listed stock is one, with a price that follows the stock's."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from exchange.assets import ASSETS
from exchange.decimals import CENT, ZERO, rounded

MULTIPLIER = Decimal(100)
_OCC = re.compile(r"([A-Z0-9.]{1,6})(\d{2})(\d{2})(\d{2})([CP])(\d{8})")
_BY_ROOT = {symbol.replace(".", ""): symbol for symbol in ASSETS}
_HALF_SPREAD = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Contract:
    """One listed option: 100 shares of `underlying` at `strike` USD until `expiry`."""

    symbol: str
    underlying: str
    expiry: date
    right: str
    strike: Decimal


def root_of(underlying: str) -> str:
    """Give the root of a stock's contracts: its symbol without the point."""
    return underlying.replace(".", "")


@lru_cache(maxsize=20_000)
def parse_contract(symbol: str) -> Contract | None:
    """Give the contract of an unpadded OCC symbol (`AAPL271217C00200000`), None when it names no listed stock."""
    match = _OCC.fullmatch(symbol)
    if match is None:
        return None
    root, year, month, day, right, strike = match.groups()
    underlying = root if root in ASSETS else _BY_ROOT.get(root)
    if underlying is None or not int(strike):
        return None
    try:
        expiry = date(2000 + int(year), int(month), int(day))
    except ValueError:
        return None
    return Contract(symbol, underlying, expiry, right, Decimal(strike) / 1000)


def fair_prices(contract: Contract, spot: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """Bid, ask and last in USD a share: intrinsic value and a premium that shrinks away from the money.

    No model of volatility: the same stock price must give the same option price on every day and machine.
    """
    distance = abs(spot - contract.strike)
    intrinsic = spot - contract.strike if contract.right == "C" else contract.strike - spot
    premium = spot * Decimal("0.03") / (1 + 10 * distance / spot) if spot else ZERO
    last = max(rounded(max(intrinsic, ZERO) + premium, 2), CENT)
    bid = max(last - _HALF_SPREAD, CENT)
    return bid, max(last + _HALF_SPREAD, bid + CENT), last
