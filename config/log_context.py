"""What rides on every line of one request or task: trace id, order, account, filled in as they become known.

The fields are one dictionary that threads and callbacks of the same request share, so that whoever learns the account
says it once, and lines written later by others carry it too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FIELDS: ContextVar[dict[str, str] | None] = ContextVar("opitios_log_fields", default=None)


@contextmanager
def scope(**fields: str) -> Iterator[None]:
    """Begin with these fields and nothing else; at the end of the block all are gone."""
    token = _FIELDS.set(dict(fields))
    try:
        yield
    finally:
        _FIELDS.reset(token)


def begin(**fields: str) -> None:
    """Begin where no block can be (signals of Celery); `end` belongs to it."""
    _FIELDS.set(dict(fields))


def end() -> None:
    """Forget the fields."""
    _FIELDS.set(None)


def add(**fields: str) -> None:
    """Put more on every later line of the request or task at work; without one, nothing."""
    found = _FIELDS.get()
    if found is not None:
        found.update(fields)


def current() -> dict[str, str]:
    """Return a copy of the fields of the request or task at work."""
    return dict(_FIELDS.get() or {})
