"""Numbers as Alpaca takes and gives them: JSON floats or strings in, plain decimal strings out, no binary float."""

import json
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

ZERO = Decimal(0)
CENT = Decimal("0.01")
LARGEST = Decimal(10**12)
"""Numbers above this are typing errors, and exponents above it would cost memory."""


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number in JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)


def parse_json(body: bytes) -> Any:
    """Give a JSON document whose fractions become Decimal as written; ValueError when it is no JSON or holds NaN."""
    return _DECODER.decode(body.decode())


def to_decimal(value: object) -> Decimal | None:
    """Give the number in a JSON number or string, None when there is no finite one of sane size."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) <= LARGEST else None


def plain(number: Decimal) -> str:
    """Without exponent and without needless zeros: `10.50` is `10.5`, `1E+2` is `100`."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def rounded(number: Decimal, places: int) -> Decimal:
    """Round half up to that many decimals: what a screen shows, never what the books hold."""
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def decimals_of(number: Decimal) -> int:
    """How many digits stand after the point once needless zeros are gone."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
