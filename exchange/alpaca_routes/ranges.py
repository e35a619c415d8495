"""What a question about the past asks for, and the pages in which its answer leaves; all refusals are 400."""

import base64
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import query
from exchange.clock import now_ns, parse_moment
from exchange.sessions import midnight_ns, new_york_day

_DEFAULT_LIMIT, LARGEST_LIMIT = 1000, 10_000
_SYMBOL = re.compile(r"[A-Z0-9.]{1,21}")
_CURRENCIES = ("", "USD")
_TOKEN = re.compile(r"([A-Z0-9.]{1,21})\|(\d{1,19})", re.ASCII)
Item = tuple[int, dict[str, Any]]
"""A stamp in ns since the epoch, and what is shown at it."""
Source = Callable[["Range", str], Iterator[Item]]


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of time (ns since the epoch, both ends included) of some symbols; `limit` counts over all of them."""

    symbols: tuple[str, ...]
    start_ns: int
    end_ns: int
    limit: int
    newest_first: bool
    after: tuple[str, int] | None
    """The last item of the page before."""


def read_range(request: web.Request, symbols: list[str], largest: int = LARGEST_LIMIT) -> Range:
    """Read start, end, limit, sort and page_token of a request for `symbols`."""
    now = now_ns()
    start, end = moment(request, "start", midnight_ns(new_york_day(now))), moment(request, "end", now)
    if start > end:
        raise errors.bad_request("end should not be before start")
    return Range(
        symbols=tuple(sorted(set(symbols))),
        start_ns=max(start, 0),  # nothing is older than 1970, and years that calendars cannot hold need no answer
        end_ns=max(min(end, now), 0),
        limit=count(request, "limit", min(_DEFAULT_LIMIT, largest), largest),
        newest_first=one_of(request, "sort", ("asc", "desc")) == "desc",
        after=_read_token(request.query.get("page_token")),
    )


def page(asked: Range, source: Source) -> tuple[dict[str, list[dict[str, Any]]], str | None]:
    """Give one page by symbol, and the token of the next one, None when nothing is left."""
    found: dict[str, list[dict[str, Any]]] = {}
    last: tuple[str, int] | None = None
    for symbol, (at_ns, shown) in itertools.islice(_items(asked, source), asked.limit + 1):
        if sum(map(len, found.values())) == asked.limit:
            return found, None if last is None else token(*last)
        found.setdefault(symbol, []).append(shown)
        last = symbol, at_ns
    return found, None


def _items(asked: Range, source: Source) -> Iterator[tuple[str, Item]]:
    for symbol in asked.symbols:
        wanted = asked
        if asked.after is not None:
            reached, at_ns = asked.after
            if symbol < reached:
                continue
            if symbol == reached:
                wanted = replace(asked, end_ns=at_ns - 1) if asked.newest_first else replace(asked, start_ns=at_ns + 1)
        yield from ((symbol, item) for item in source(wanted, symbol))


def token(symbol: str, at_ns: int = 0) -> str:
    """Give the token that continues behind an item; to clients it means nothing."""
    return base64.urlsafe_b64encode(f"{symbol}|{at_ns}".encode()).decode()


def _read_token(text: str | None) -> tuple[str, int] | None:
    if not text:
        return None
    try:
        match = _TOKEN.fullmatch(base64.b64decode(text, altchars=b"-_", validate=True).decode())
    except ValueError:
        match = None
    if match is None:
        raise errors.bad_request("invalid page_token")
    return match[1], int(match[2])


def after_token(request: web.Request) -> str:
    """Read the symbol behind which a list continues, empty without a page_token."""
    reached = _read_token(request.query.get("page_token"))
    return "" if reached is None else reached[0]


def symbols_of(request: web.Request, most: int | None = None) -> list[str]:
    """Read the symbols, at least one and at most `most`; whether they are listed is another matter."""
    symbols = query.symbols(request)
    if not symbols:
        raise errors.bad_request("symbols is required")
    if most is not None and len(symbols) > most:
        raise errors.bad_request(f"too many symbols: at most {most} are allowed")
    for symbol in symbols:
        if not _SYMBOL.fullmatch(symbol):
            raise errors.bad_request(f"invalid symbol: {symbol}")
    return symbols


def moment(request: web.Request, name: str, default: int) -> int:
    """Read an RFC 3339 moment, or a date, which begins at midnight in New York; ns since the epoch."""
    text = request.query.get(name)
    if not text:
        return default
    try:
        # A `+` of an offset that was not percent-encoded arrives as a space.
        return parse_moment(text.replace(" ", "+")) if "T" in text else midnight_ns(date.fromisoformat(text))
    except (ValueError, OverflowError):
        raise errors.bad_request(f"invalid {name}: {text!r} is neither an RFC 3339 time nor a date") from None


def count(request: web.Request, name: str, default: int, largest: int) -> int:
    """Read a count from 1 to `largest`."""
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:10]) <= largest:
        raise errors.bad_request(f"invalid {name}: must be between 1 and {largest}")
    return int(text)


def one_of(request: web.Request, name: str, allowed: tuple[str, ...]) -> str:
    """Read one of `allowed`, the first when absent."""
    value = request.query.get(name, allowed[0])
    if value not in allowed:
        raise errors.bad_request(f"invalid {name}: {value!r} is not one of {', '.join(filter(None, allowed))}")
    return value


def currency(request: web.Request) -> dict[str, str]:
    """Read the currency of all prices; this exchange quotes in USD alone. Give what the answer says of it."""
    given = one_of(request, "currency", _CURRENCIES)
    return {"currency": given} if given else {}
