"""What an order is: its terms as plain values (TRD-001, FR-002); what is wrong with them: `domain/order_checks.py`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum

from domain.occ import is_occ_symbol, parse_occ


class Side(StrEnum):
    """Buy or sell."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """How the price is made."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long the order may work at the broker."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class PositionIntent(StrEnum):
    """What an option order does to the position, by Alpaca's names."""

    BUY_TO_OPEN = "buy_to_open"
    BUY_TO_CLOSE = "buy_to_close"
    SELL_TO_OPEN = "sell_to_open"
    SELL_TO_CLOSE = "sell_to_close"


class Lane(StrEnum):
    """Whom an order may wait behind: entries never keep what closes a position waiting (R25)."""

    ENTRY = "entry"
    EXIT = "exit"


# the intent says it where one is given; without, a sell is taken for an exit
LANES: Mapping[str, Lane] = {
    Side.BUY: Lane.ENTRY,
    Side.SELL: Lane.EXIT,
    PositionIntent.BUY_TO_OPEN: Lane.ENTRY,
    PositionIntent.BUY_TO_CLOSE: Lane.EXIT,
    PositionIntent.SELL_TO_OPEN: Lane.ENTRY,
    PositionIntent.SELL_TO_CLOSE: Lane.EXIT,
}


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


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """The caller's order. `qty` is shares or contracts, `notional` USD instead of it; prices and `trail_price` are USD.

    A trailing stop follows the market at `trail_price` or at `trail_percent` (5 is 5 %).
    """

    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    qty: Decimal | None
    limit_price: Decimal | None = None
    notional: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    extended_hours: bool = False
    position_intent: PositionIntent | None = None

    @property
    def asset_class(self) -> AssetClass:
        """Stock or option, told by the symbol's form."""
        return AssetClass.OPTION if is_occ_symbol(self.symbol) else AssetClass.STOCK

    @property
    def lane(self) -> Lane:
        """Entry or exit."""
        return LANES[self.position_intent or self.side]

    @property
    def size(self) -> str:
        """How much, for a line of text: `10`, or `$250` of an order by notional value."""
        if self.qty is not None:
            return plain(self.qty)
        return f"${plain(self.notional)}" if self.notional is not None else "?"

    def values(self) -> dict[str, str]:
        """Return every term that is set by its name, decimals in their plain form."""
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        return {
            "type" if name == "order_type" else name: plain(value) if isinstance(value, Decimal) else str(value)
            for name, value in given.items()
            if value is not None and value is not False
        }

    def fingerprint(self, account: str) -> bytes:
        """Return a SHA-256 over account and terms: the same key with another fingerprint is another order."""
        return fingerprint({"limit_price": None, **self.values(), "account": account})


def fingerprint(request: Mapping[str, str | None]) -> bytes:
    """Return a SHA-256 over what was asked for."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).digest()


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
