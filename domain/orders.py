"""What an order is: its terms, checked before anything is written (TRD-001, FR-002).

Terms are plain values. `OrderTerms.problems()` names every field that cannot be right, with the value and what was
expected, so that an edge can answer once with all of them.
"""

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.occ import is_occ_symbol, looks_like_option, parse_occ


class Side(StrEnum):
    """Buy or sell."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """How the price is made."""

    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    """How long the order may work at the broker."""

    DAY = "day"
    GTC = "gtc"


class AssetClass(StrEnum):
    """What is traded, by Alpaca's names."""

    STOCK = "us_equity"
    OPTION = "us_option"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that cannot be accepted: its name, the value as text, and what was expected."""

    field: str
    value: str
    expected: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """What may be traded under a symbol. `multiplier` is units a contract (1 for stocks)."""

    symbol: str
    asset_class: AssetClass
    tradable: bool
    fractionable: bool
    multiplier: Decimal


ONE_DOLLAR = Decimal(1)
MAX_QTY = Decimal("1e9")
MAX_PRICE = Decimal("1e9")
_QTY_DECIMALS = 8
OCC_FORM = "an OCC option symbol: root, YYMMDD, C or P, strike x 1000 in 8 digits, e.g. AAPL270115C00150000"


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """The caller's order: symbol, side, type, time in force, quantity (shares or contracts), limit price (USD)."""

    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    qty: Decimal
    limit_price: Decimal | None = None

    @property
    def asset_class(self) -> AssetClass:
        """Stock or option, told by the symbol's form."""
        return AssetClass.OPTION if is_occ_symbol(self.symbol) else AssetClass.STOCK

    def fingerprint(self, account: str) -> bytes:
        """Return a SHA-256 over account and terms: the same key with another fingerprint is another order."""
        canonical = json.dumps(
            {
                "account": account,
                "symbol": self.symbol,
                "side": self.side,
                "type": self.order_type,
                "time_in_force": self.time_in_force,
                "qty": plain(self.qty),
                "limit_price": None if self.limit_price is None else plain(self.limit_price),
            },
            sort_keys=True,
        )
        return hashlib.sha256(canonical.encode()).digest()

    def problems(self) -> list[FieldProblem]:
        """Return every field that is wrong whatever the instrument; an empty list means well-formed."""
        return [*self._symbol_problems(), *self._qty_problems(), *self._price_problems()]

    def problems_with(self, instrument: Instrument | None) -> list[FieldProblem]:
        """Return what is wrong for this instrument (None: nobody knows the symbol)."""
        if instrument is None:
            return [FieldProblem("symbol", self.symbol, "a symbol the broker lists; see GET /v2/assets at the broker")]
        if not instrument.tradable:
            return [FieldProblem("symbol", self.symbol, "a symbol that is tradable now")]
        return [] if self.qty == self.qty.to_integral_value() else self._fraction_problems(instrument)

    def _fraction_problems(self, instrument: Instrument) -> list[FieldProblem]:
        if self.asset_class is AssetClass.OPTION:
            return [FieldProblem("qty", plain(self.qty), "a whole number of contracts")]
        if not instrument.fractionable:
            return [FieldProblem("qty", plain(self.qty), f"a whole number of shares: {self.symbol} has no fractions")]
        if self.time_in_force is not TimeInForce.DAY:
            return [FieldProblem("time_in_force", self.time_in_force, "day: fractional orders work for one day")]
        return []

    def _symbol_problems(self) -> list[FieldProblem]:
        if looks_like_option(self.symbol) and not is_occ_symbol(self.symbol):
            return [FieldProblem("symbol", self.symbol, OCC_FORM)]
        if self.asset_class is AssetClass.OPTION and self.time_in_force is not TimeInForce.DAY:
            return [FieldProblem("time_in_force", self.time_in_force, "day: option orders work for one day")]
        return []

    def _qty_problems(self) -> list[FieldProblem]:
        if not self.qty.is_finite() or not 0 < self.qty <= MAX_QTY:
            return [FieldProblem("qty", short(self.qty), "a finite number above 0 and at most 1000000000")]
        if decimals(self.qty) > _QTY_DECIMALS:
            return [FieldProblem("qty", short(self.qty), "at most 8 decimals")]
        return []

    def _price_problems(self) -> list[FieldProblem]:
        price = self.limit_price
        if self.order_type is OrderType.LIMIT and price is None:
            return [FieldProblem("limit_price", "null", "a price: order_type limit needs one")]
        if price is None:
            return []
        if self.order_type is OrderType.MARKET:
            return [FieldProblem("limit_price", short(price), "no limit_price: order_type market takes none")]
        if not price.is_finite() or not 0 < price <= MAX_PRICE:
            return [FieldProblem("limit_price", short(price), "a finite price above 0 and at most 1000000000")]
        allowed = 2 if price >= ONE_DOLLAR else 4
        if decimals(price) > allowed:
            expected = f"at most {allowed} decimals: sub-penny prices are refused (4 below $1.00)"
            return [FieldProblem("limit_price", short(price), expected)]
        return []


def underlying_of(symbol: str) -> str:
    """Return the symbol whose listing decides: an option's root, else the symbol itself."""
    contract = parse_occ(symbol)
    return symbol if contract is None else contract.root


def plain(value: Decimal) -> str:
    """Return a decimal without exponent and trailing zeros: `1E+2` is `100`, `1.50` is `1.5`."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if text != "-0" else "0"


def short(value: Decimal) -> str:
    """Return a decimal for a message: exponent kept where the plain form would be pages long."""
    return str(value) if not value.is_finite() or abs(value.adjusted()) > 30 else plain(value)  # noqa: PLR2004  digits


def decimals(value: Decimal) -> int:
    """Return how many decimals a finite value really uses (`1.50` uses one)."""
    _, digits, exponent = value.as_tuple()
    if not value or not isinstance(exponent, int):
        return 0
    zeros = next(count for count, digit in enumerate(reversed(digits)) if digit)
    return max(0, -exponent - zeros)  # not normalize(): it rounds to the context's 28 digits
