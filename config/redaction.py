"""The one door of every line: what is secret never leaves in a log, whoever wrote it, tracebacks included.

Two nets. The values this process knows to be secret are replaced wherever they stand, in each spelling a program gives
them. What merely looks like a secret (a header, `password=`, a URL with a password, a token) is replaced by its form.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from pydantic import BaseModel, SecretStr

MASK = "***"
SHORTEST = 6  # a shorter value would blacken words that are no secret; the forms below still hide it
_NAMES = (
    r"pass(?:word|wd|phrase)|pwd|secret|api[_-]?key|apca-api-key-id|(?:access|bearer|control)[_-]?token|authorization"
)
_FORMS = (
    re.compile(r"(://[^\s:/@\"']*:)[^\s\"'<>]+(?=@)"),
    re.compile(r"()\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),
    re.compile(r"((?i:\b(?:bearer|basic)\s+))[\w.~+/=-]{8,}"),
    re.compile(
        rf"((?i:{_NAMES})[\w-]*[\"']?\s*(?:[=:]\s*|,\s*b?(?=[\"'])|\s(?='))(?:(?i:bearer|basic)\s+)?)"
        r"(?:b?\"[^\"]*\"|b?'[^']*'|[^\s\"',;|}\])]+)"
    ),
)
# one of these stands in every text that a form fits: ten times quicker to look for than the forms themselves
_HINTS = ("://", "eyj", "bearer", "basic", "pass", "pwd", "secret", "apca", "key", "token", "authorization")
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)


class Redactor:
    """Replaces secrets in texts; `values` are those this process knows."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: list[str] = []
        self.learn(values)

    def learn(self, values: Iterable[str]) -> None:
        """Know more values from now on; none is forgotten, since an old key may still stand in an error."""
        spellings = {form for value in values if len(value) >= SHORTEST for form in _spellings(value)}
        self._values = sorted(spellings.union(self._values), key=len, reverse=True)  # a value may hold another

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        for value in self._values:
            if value in text:
                text = text.replace(value, MASK)
        lowered = text.lower()
        if any(hint in lowered for hint in _HINTS):
            for form in _FORMS:
                text = form.sub(rf"\g<1>{MASK}", text)
        return text


def names_a_secret(field: str) -> bool:
    """Tell whether a field of this name is likely to hold a secret: its value is not shown."""
    return _SECRET_NAME.search(field) is not None


def secrets_in(settings: BaseModel) -> Iterator[str]:
    """Yield every secret value of the settings; of a URL its password too, as written and as meant."""
    for _, value in settings:
        yield from _secrets_in(value)


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        if "://" not in text:
            yield text
        elif (password := urlsplit(text).password) is not None:
            yield from (text, password, unquote(password))
    elif isinstance(value, BaseModel):
        yield from secrets_in(value)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _secrets_in(item)


def _spellings(value: str) -> set[str]:
    return {value, repr(value)[1:-1], json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value)}
