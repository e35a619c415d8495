"""Query parameters read the way Alpaca reads them, refusing what is malformed with its name."""

from typing import Any

from aiohttp import web

from exchange import errors
from exchange.clock import parse_moment
from exchange.decimals import parse_json


async def body(request: web.Request) -> Any:
    """Read the parsed body; ApiError 400 when it is no JSON."""
    try:
        return parse_json(await request.read())
    except (ValueError, RecursionError):
        raise errors.bad_request("request body format is invalid") from None


def flag(request: web.Request, name: str) -> bool:
    """Read true or false in any case, false when absent; ApiError 422 otherwise."""
    value = request.query.get(name, "false").lower()
    if value not in {"true", "false"}:
        raise errors.invalid(f"{name} must be true or false")
    return value == "true"


def whole(request: web.Request, name: str, *, default: int, largest: int) -> int:
    """Read a count between 1 and `largest`; ApiError 422 otherwise."""
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:10]) <= largest:
        raise errors.invalid(f"{name} must be between 1 and {largest}")
    return int(text)


def choice(request: web.Request, name: str, allowed: tuple[str, ...]) -> str:
    """One of `allowed`, the first when absent; ApiError 422 otherwise."""
    value = request.query.get(name, allowed[0])
    if value not in allowed:
        raise errors.invalid(f"invalid {name}: must be {' or '.join(word for word in allowed if word)}")
    return value


def moment(request: web.Request, name: str, *, default: int) -> int:
    """Read a moment in ns since the epoch; ApiError 422 when it is no RFC 3339 time or date."""
    text = request.query.get(name)
    if not text:
        return default
    # A `+` of an offset that was not percent-encoded arrives as a space.
    try:
        return parse_moment(text.replace(" ", "+") if "T" in text else text)
    except (ValueError, OverflowError):
        raise errors.invalid(f"{name} must be an RFC 3339 time or a date") from None


def symbols(request: web.Request) -> list[str]:
    """Read the comma-separated symbols, empty when absent."""
    return words(request, "symbols")


def words(request: web.Request, name: str) -> list[str]:
    """Read comma-separated words, empty when absent."""
    return [word for word in request.query.get(name, "").split(",") if word]
