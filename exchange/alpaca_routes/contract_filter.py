"""Which option contracts are meant: the filters that chains and the list of contracts share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from aiohttp import web

from exchange.decimals import to_decimal
from exchange.errors import ApiError
from exchange.options import Contract, root_of

_RIGHTS = {"": None, "call": "C", "put": "P"}
Refusal = Callable[[str], ApiError]
"""How the two APIs refuse alike things: 400 for market data, 422 for the list of contracts."""


@dataclass(frozen=True, slots=True)
class ContractFilter:
    """Bounds in USD and dates, each included; None: none."""

    right: str | None
    root: str | None
    expiry: date | None
    first_expiry: date | None
    last_expiry: date | None
    lowest: Decimal | None
    highest: Decimal | None

    def fits(self, contract: Contract) -> bool:
        """Whether a contract is meant."""
        return (
            self.right in {None, contract.right}
            and self.root in {None, root_of(contract.underlying)}
            and self.expiry in {None, contract.expiry}
            and (self.first_expiry is None or self.first_expiry <= contract.expiry)
            and (self.last_expiry is None or contract.expiry <= self.last_expiry)
            and (self.lowest is None or self.lowest <= contract.strike)
            and (self.highest is None or contract.strike <= self.highest)
        )


def read_filter(request: web.Request, refusal: Refusal) -> ContractFilter:
    """Read the filters of a query; `refusal` makes the error for one that cannot be read."""
    kind = request.query.get("type", "")
    if kind not in _RIGHTS:
        raise refusal(f"invalid type: {kind!r} is neither call nor put")
    return ContractFilter(
        right=_RIGHTS[kind],
        root=request.query.get("root_symbol"),
        expiry=_day(request, "expiration_date", refusal),
        first_expiry=_day(request, "expiration_date_gte", refusal),
        last_expiry=_day(request, "expiration_date_lte", refusal),
        lowest=_price(request, "strike_price_gte", refusal),
        highest=_price(request, "strike_price_lte", refusal),
    )


def _day(request: web.Request, name: str, refusal: Refusal) -> date | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refusal(f"invalid {name}: {text!r} is no date (YYYY-MM-DD)") from None


def _price(request: web.Request, name: str, refusal: Refusal) -> Decimal | None:
    text = request.query.get(name)
    if text is None:
        return None
    price = to_decimal(text)
    if price is None or price < 0:
        raise refusal(f"invalid {name}: {text!r} is no price")
    return price
