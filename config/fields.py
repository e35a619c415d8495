"""Settings by their dotted names: what differs between two of them, and what of it a running process can take over."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel, SecretStr

from config.settings import Settings
from config.sources import dotted_name
from domain.orders import plain

LIVE = frozenset(
    {"trading", "breaker", "reconcile", "clock", "retention", "sell_module", "jwt_hours", "accounts"}
)  # all else was used up at the start
_EACH_ITS_OWN = frozenset({"home", "process", "boot_id"})
MASK = "***"

Scalar = str | int | bool
Fields = Mapping[str, Scalar | SecretStr]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; None where it has no value."""

    name: str
    old: Scalar | SecretStr | None
    new: Scalar | SecretStr | None

    def line(self) -> str:
        """Return it for the log; a secret says that it changed, no more."""
        return f"{self.name}: {shown(self.old)} -> {shown(self.new)}"


def flat(settings: Settings) -> dict[str, Scalar | SecretStr]:
    """Return every value by its dotted name, without what each process has for itself; durations in seconds."""
    found: dict[str, Scalar | SecretStr] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name == "accounts":
            for account in value:
                found |= _of_section(f"accounts.{account.name}", account)
        elif isinstance(value, BaseModel):
            found |= _of_section(name, value)
        elif name not in _EACH_ITS_OWN and _is_given(value):
            found[dotted_name(name)] = scalar(value)
    return found


def differing(old: Settings, new: Settings) -> list[Difference]:
    """Return what differs, by name."""
    before, after = flat(old), flat(new)
    names = sorted(before.keys() | after.keys())
    return [
        Difference(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    ]


def merged(running: Settings, new: Settings) -> tuple[Settings, tuple[str, ...]]:
    """Return the new settings as far as a running process can take them over, and the names that need a restart."""
    taken = running.model_copy(update={name: getattr(new, name) for name in LIVE})
    return taken, tuple(difference.name for difference in differing(taken, new))


def shown(value: Scalar | SecretStr | None) -> str:
    """Return a value as anybody may see it, in the words of YAML; a dash for none."""
    if value is None:
        return "-"
    return MASK if isinstance(value, SecretStr) else str(value).lower() if isinstance(value, bool) else str(value)


def _of_section(prefix: str, section: BaseModel) -> Iterator[tuple[str, Scalar | SecretStr]]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _of_section(f"{prefix}.{name}", value)
        elif isinstance(value, Mapping):
            yield from ((f"{prefix}.{name}.{key}", scalar(value[key])) for key in sorted(value))
        elif _is_given(value):
            yield f"{prefix}.{name}", scalar(value)


def _is_given(value: Any) -> bool:
    return value is not None and value != SecretStr("")


def scalar(value: Any) -> Scalar | SecretStr:
    """Return a field's value as text, number or switch: durations in seconds, decimals without exponent."""
    if isinstance(value, str) and "@" in value and "://" in value:
        return SecretStr(value)  # a URL with a password in it
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dt.timedelta):
        return plain(Decimal(str(value.total_seconds())))
    return value if isinstance(value, bool | int | SecretStr) else str(value)
