"""Option symbols in the OCC form Alpaca uses: root, YYMMDD, C or P, strike x 1000 in eight digits, unpadded."""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

# not \d: it takes the digits of every script
_OCC = re.compile(r"(?P<root>[A-Z]{1,6})(?P<date>[0-9]{6})(?P<right>[CP])(?P<strike>[0-9]{8})")
_STOCK_LENGTH = 10  # nothing listed as a stock is longer; a longer symbol was meant as an option


@dataclass(frozen=True, slots=True)
class OptionContract:
    """One contract: strike in USD, `right` C or P."""

    root: str
    expiration: dt.date
    right: str
    strike: Decimal


@lru_cache(maxsize=20_000)  # the seller asks for every position in every tick
def parse_occ(symbol: str) -> OptionContract | None:
    """Return the contract a symbol names, or None when it is no OCC symbol (an impossible date is none)."""
    match = _OCC.fullmatch(symbol)
    if match is None:
        return None
    digits = match["date"]
    try:
        expiration = dt.date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        return None
    strike = Decimal(match["strike"]) / 1000
    return OptionContract(match["root"], expiration, match["right"], strike) if strike > 0 else None


def is_occ_symbol(symbol: str) -> bool:
    """Return whether the symbol names an option contract."""
    return parse_occ(symbol) is not None


def looks_like_option(symbol: str) -> bool:
    """Return whether the caller must have meant an option: digits, or longer than any stock symbol."""
    return any(char.isdigit() for char in symbol) or len(symbol) > _STOCK_LENGTH
