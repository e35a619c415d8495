"""Input of the control port and the accounts file, read field by field, so that every refusal names its field."""

from decimal import Decimal
from typing import Any

from aiohttp import web

from exchange.decimals import parse_json, plain, to_decimal

_MISSING = object()
_LARGEST_COUNT = 10**9


class FieldError(ValueError):
    """One field is wrong; `field` is its name."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class Fields:
    """A JSON object that is taken apart; what nobody asked for is refused by `done`."""

    def __init__(self, given: object, name: str = "body") -> None:
        if not isinstance(given, dict):
            raise FieldError(name, "must be a JSON object")
        self._left: dict[str, Any] = dict(given)
        self._present = frozenset(given)

    def __contains__(self, name: str) -> bool:
        return name in self._present

    def text(self, name: str, default: Any = _MISSING) -> Any:
        """Read a non-empty string; null gives the default."""
        value = self._take(name, default)
        if value is default:
            return default
        if not isinstance(value, str) or not value:
            raise FieldError(name, "must be a non-empty string")
        return value

    def count(self, name: str, default: Any = _MISSING, *, least: int = 0) -> Any:
        """Read a whole number of at least `least`; null gives the default."""
        value = self._take(name, default)
        if value is default:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _LARGEST_COUNT:
            raise FieldError(name, f"must be a whole number of at least {least}")
        return value

    def signed(self, name: str) -> int:
        """Read a whole number, below zero too."""
        value = self._take(name, _MISSING)
        if isinstance(value, bool) or not isinstance(value, int) or not -_LARGEST_COUNT <= value <= _LARGEST_COUNT:
            raise FieldError(name, f"must be a whole number of {-_LARGEST_COUNT} to {_LARGEST_COUNT}")
        return value

    def flag(self, name: str, default: Any = _MISSING) -> Any:
        """Read true or false; null gives the default."""
        value = self._take(name, default)
        if value is default:
            return default
        if not isinstance(value, bool):
            raise FieldError(name, "must be true or false")
        return value

    def number(self, name: str, default: Any = _MISSING, *, above_zero: bool = False) -> Any:
        """Read a Decimal from a JSON number or string, not negative; null gives the default."""
        value = self._take(name, default)
        if value is default:
            return default
        number = to_decimal(value)
        if number is None or number < 0 or (above_zero and not number):
            raise FieldError(name, f"must be a number {'above' if above_zero else 'of at least'} 0")
        return number

    def change(self, name: str) -> Decimal:
        """Read a Decimal from a JSON number or string, below zero too but not zero."""
        number = to_decimal(self._take(name, _MISSING))
        if not number:
            raise FieldError(name, "must be a number other than 0")
        return number

    def money(self, name: str, default: Any = _MISSING) -> str:
        """Read a decimal string in USD, not negative."""
        value = self.number(name, default)
        return plain(value) if isinstance(value, Decimal) else value

    def several(self, name: str, most: int) -> list[Any]:
        """Read a list of at least one and at most `most` things."""
        value = self._take(name, _MISSING)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise FieldError(name, f"must be a list of 1 to {most}")
        return value

    def done(self) -> None:
        """Refuse what was given and not read."""
        for name in self._left:
            raise FieldError(name, "is not a field here")

    def _take(self, name: str, default: Any) -> Any:
        value = self._left.pop(name, None)
        if value is not None:
            return value
        if default is _MISSING:
            raise FieldError(name, "is required")
        return default


async def json_body(request: web.Request) -> Any:
    """Read a request's body; FieldError when it is no JSON."""
    try:
        return parse_json(await request.read())
    except (ValueError, RecursionError) as error:
        raise FieldError("body", "is not JSON") from error
