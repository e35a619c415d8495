"""What a customer may set about an account, field by field, as PATCH /v2/account/configurations takes it."""

from collections.abc import Callable
from typing import Any

from exchange import errors

_OPTIONS_LEVELS = range(4)
Check = Callable[[object], bool]


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _level(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int) and value in _OPTIONS_LEVELS


_FIELDS: dict[str, tuple[Check, str]] = {
    "disable_overnight_trading": (_flag, "true or false"),
    "fractional_trading": (_flag, "true or false"),
    "max_margin_multiplier": (lambda value: value in {"1", "2", "4"}, "1, 2 or 4"),
    "max_options_trading_level": (_level, "0, 1, 2 or 3"),
    "no_shorting": (_flag, "true or false"),
    "ptp_no_exception_entry": (_flag, "true or false"),
    "suspend_trade": (_flag, "true or false"),
    "trade_confirm_email": (lambda value: value in {"all", "none"}, "all or none"),
}
_GONE = frozenset({"dtbp_check", "pdt_check"})
"""Fields that Alpaca dropped on 2026-07-06 and clients still send; they are read over."""


def read_configurations(given: object) -> dict[str, Any]:
    """Read the changes in a parsed body; null changes nothing. ApiError 400 or 422 naming the field."""
    if not isinstance(given, dict):
        raise errors.bad_request("request body format is invalid")
    changes = {name: value for name, value in given.items() if value is not None and name not in _GONE}
    for name, value in changes.items():
        if name not in _FIELDS:
            raise errors.invalid(f"{name} is not an account configuration")
        check, expected = _FIELDS[name]
        if isinstance(value, (list, dict)) or not check(value):
            raise errors.invalid(f"invalid {name}: must be {expected}")
    return changes
