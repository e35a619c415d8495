"""Section `logging` of the settings: where lines go, in which form, and how long they stay (QUA-002, FR-004)."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ByteSize, Field

from config.sections import Section

_LEAST_FILE = 1000
_LEAST_AGE = dt.timedelta(minutes=1)
_SWITCH = {"auto": None, "true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _spelled(pattern: str, expected: str) -> Callable[[Any], Any]:
    """Refuse what does not read as `pattern`: nobody can tell whether a bare 14 are days or seconds."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(pattern, value.strip(), re.IGNORECASE):
            raise ValueError(f"expected {expected}")
        if not isinstance(value, str | dt.timedelta):
            raise ValueError(f"expected {expected}")  # noqa: TRY004  pydantic reports ValueError alone
        return value

    return check


def _switch(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if str(value).lower() not in _SWITCH:
        message = "expected auto, true or false"
        raise ValueError(message)
    return _SWITCH[str(value).lower()]


Size = Annotated[ByteSize, BeforeValidator(_spelled(r"[0-9.]+ ?[kmg]i?b", "a size with its unit, such as '50 MB'"))]
Age = Annotated[
    dt.timedelta,
    BeforeValidator(_spelled(r"[0-9]+ (day|hour|minute)s?", "a number with its unit, such as '14 days'")),
    Field(ge=_LEAST_AGE),
]


class LoggingSettings(Section):
    """What `setup_logging` does; the environment names each field as OPITIOS_LOG_<FIELD>.

    `console` None (auto) means: where stderr is a terminal. `rotation` is in bytes.
    """

    to: Literal["files", "stdout"] = "files"
    format: Literal["text", "json"] = "text"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    console: Annotated[bool | None, BeforeValidator(_switch)] = None
    rotation: Size = Field(default=ByteSize(50_000_000), ge=_LEAST_FILE)
    compression: Literal["gz"] = "gz"
    retention_app: Age = dt.timedelta(days=14)
    retention_errors: Age = dt.timedelta(days=60)
