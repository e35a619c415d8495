"""Alpaca's market data in batches: the last quotes, the last trades, and snapshots.

https://docs.alpaca.markets/reference/optionlatestquotes, optionlatesttrades, optionsnapshots, and the same of stocks. A
symbol whose part of the answer cannot be read is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from brokers.alpaca.parse import decimal, stamp
from brokers.protocol import BrokerUnavailable
from domain.money import ZERO
from domain.prices import QuoteReading, SnapshotReading, TradeReading

T = TypeVar("T")
Get = Callable[[str, Mapping[str, str]], Any]
"""One bounded GET of the market data API: path and query."""


def quotes(get: Get, symbols: Sequence[str]) -> Mapping[str, QuoteReading]:
    """Return the last quotes."""
    return _each(_named(get("/quotes/latest", _wanted(symbols)), "quotes"), _quote)


def trades(get: Get, symbols: Sequence[str]) -> Mapping[str, TradeReading]:
    """Return the last trades."""
    return _each(_named(get("/trades/latest", _wanted(symbols)), "trades"), _trade)


def snapshots(get: Get, symbols: Sequence[str]) -> Mapping[str, SnapshotReading]:
    """Return the snapshots; those of stocks stand at the top of the answer."""
    answer = get("/snapshots", _wanted(symbols))
    found = answer.get("snapshots", answer) if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise BrokerUnavailable("unreadable_answer", "the broker's snapshots could not be read")
    return _each(found, _snapshot)


def _wanted(symbols: Sequence[str]) -> Mapping[str, str]:
    return {"symbols": ",".join(symbols)}


def _named(answer: Any, name: str) -> dict[str, Any]:
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise BrokerUnavailable("unreadable_answer", f"the broker's {name} could not be read")
    return found


def _each(found: Mapping[str, Any], read: Callable[[Any], T | None]) -> dict[str, T]:
    return {symbol: one for symbol, raw in found.items() if (one := read(raw)) is not None}


def _quote(raw: Any) -> QuoteReading | None:
    if not isinstance(raw, dict) or (at := stamp(raw.get("t"))) is None:
        return None
    bid, ask = decimal(raw.get("bp")), decimal(raw.get("ap"))
    return QuoteReading(bid or ZERO, ask or ZERO, at)


def _trade(raw: Any) -> TradeReading | None:
    if not isinstance(raw, dict) or (at := stamp(raw.get("t"))) is None:
        return None
    price = decimal(raw.get("p"))
    return None if price is None or price <= 0 else TradeReading(price, at)


def _snapshot(raw: Any) -> SnapshotReading | None:
    if not isinstance(raw, dict):
        return None
    return SnapshotReading(_quote(raw.get("latestQuote")), _trade(raw.get("latestTrade")))
