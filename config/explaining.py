"""Wrong and useless settings in words: file, field, value and what was expected; never a secret (CFG-001)."""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.sections import AccountSettings, Section
from config.sources import JWT_FIELDS, SECTIONS, Sources

UNKNOWN = "unknown key"
_SECRET_WORDS = ("key", "secret", "url", "password")
_ACCOUNT = re.compile(r"accounts\.[^\n]+?(?=(\.\w+)?: )")
_DETAIL = re.compile(r"( \(value: |;).*$", re.MULTILINE)

# what the predecessor's file holds and nobody here reads: why it has no effect, or what to use instead
_BY_ENVIRONMENT = "connections come from the environment: DATABASE_URL, OPITIOS_APP_DATABASE_URL, REDIS_URL"
_NO_SWITCH = "there is no such mode: data are always the broker's own, errors are never swallowed"
_NOT_YET = "what it would set does not exist yet"
_POOL = "each account has one client a process"
UNUSED: Mapping[str, str] = {
    "database.url": _BY_ENVIRONMENT,
    "redis": _BY_ENVIRONMENT,
    "jwt.algorithm": "tokens are signed and verified with HS256 alone",
    "app": "there is no debug mode, and no other origin may call with credentials",
    "allowed_external_ips": "no address is trusted for where it comes from",
    "trading.real_data_only": _NO_SWITCH,
    "trading.enable_mock_data": _NO_SWITCH,
    "trading.strict_error_handling": _NO_SWITCH,
    "trading.max_option_symbols_per_request": _NOT_YET,
    "market": "the market's own calendar is known; see sell_module.market_hours",
    "rate_limit": "requests to a broker are limited by accounts.<name>.rate_limit_per_minute",
    "discord": _NOT_YET,
    "alpaca": "keys stand under accounts.<name>",
    "accounts.*.region": _POOL,
    "accounts.*.tier": _POOL,
    "accounts.*.max_connections": _POOL,
}


def explain(error: ValidationError, sources: Sources) -> str:
    """Return a line for each wrong value."""
    lines = []
    for item in error.errors(include_url=False, include_context=False):
        field = ".".join(map(str, item["loc"]))
        hidden = any(word in field for word in _SECRET_WORDS) or isinstance(item["input"], dict | list | tuple)
        value = "" if hidden else f" (value: {item['input']!r})"
        lines.append(f"{sources.place(item['loc'])}: {item['msg'].removeprefix('Value error, ')}{value}")
    return "\n".join(lines)


def for_everybody(sentence: str, file: Path | None) -> str:
    """Return a complaint without what strangers need not know: directories, values, names of accounts."""
    named = sentence if file is None else sentence.replace(str(file), file.name)
    return _DETAIL.sub("", _ACCOUNT.sub("accounts.*", named))


def useless_keys(tree: Mapping[str, Any]) -> Iterator[str]:
    """Name every key of the file that changes nothing: why, or the known key that was probably meant."""
    top = [*SECTIONS, "accounts", "jwt", *(name for name in UNUSED if "." not in name)]
    for key, found in tree.items():
        if key in UNUSED:
            yield f"{key}: without effect: {UNUSED[key]}"
        elif key == "accounts":
            for name, entry in (found or {}).items():
                yield from _within(f"accounts.{name}", "accounts.*", entry, [*AccountSettings.model_fields])
        elif key == "jwt":
            yield from _within("jwt", "jwt", found, [*JWT_FIELDS])
        elif key in SECTIONS:
            yield from _within(key, key, found, [*SECTIONS[key].model_fields])
            yield from _nested(key, SECTIONS[key], found or {})
        else:
            yield _unknown(str(key), str(key), top)


def _within(place: str, pattern: str, found: Mapping[str, Any] | None, known: list[str]) -> Iterator[str]:
    unused = [name.removeprefix(f"{pattern}.") for name in UNUSED if name.startswith(f"{pattern}.")]
    for key in found or {}:
        if key in unused:
            yield f"{place}.{key}: without effect: {UNUSED[f'{pattern}.{key}']}"
        elif key not in known:
            yield _unknown(f"{place}.{key}", str(key), known)


def _nested(place: str, model: type[Section], found: Mapping[str, Any]) -> Iterator[str]:
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, Section) and isinstance(found.get(name), Mapping):
            yield from _within(f"{place}.{name}", f"{place}.{name}", found[name], [*inner.model_fields])


def _unknown(place: str, key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    meant = f"; did you mean {near[0]}?" if near else f"; expected one of {', '.join(sorted(known))}"
    return f"{place}: {UNKNOWN}, without effect{meant}"
