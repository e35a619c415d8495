"""Market data in Alpaca's JSON: one-letter keys, and numbers where the trading API has strings."""

from decimal import Decimal
from typing import Any

from exchange.assets import ASSETS
from exchange.bars import TICKS, Bar, Trade
from exchange.clock import rfc3339
from exchange.decimals import plain
from exchange.quotes import Quote
from exchange.sessions import Session

_AVERAGE_DECIMALS = 6
_TAPES = {"NYSE": "A", "NASDAQ": "C"}
_AUCTION_VENUES = {"NYSE": "N", "NASDAQ": "Q"}
_STOCK_VENUE, _OPTION_VENUE = "V", "C"


def bar_json(bar: Bar) -> dict[str, Any]:
    """Show a bar of a stock or option."""
    return {
        "t": f"{rfc3339(bar.at_ns)[:19]}Z",
        "o": bar.open / TICKS,
        "h": bar.high / TICKS,
        "l": bar.low / TICKS,
        "c": bar.close / TICKS,
        "v": bar.volume,
        "n": bar.trades,
        "vw": round(bar.value / bar.volume / TICKS, _AVERAGE_DECIMALS),
    }


def quote_json(symbol: str, quote: Quote) -> dict[str, Any]:
    """Show a quote; 0 means the side is empty."""
    stock = symbol in ASSETS
    venue = _STOCK_VENUE if stock else _OPTION_VENUE
    shown: dict[str, Any] = {
        "ap": float(quote.ask),
        "as": 400,
        "ax": venue,
        "bp": float(quote.bid),
        "bs": 300,
        "bx": venue,
        "c": ["R"] if stock else "A",
        "t": rfc3339(quote.at_ns),
    }
    return {**shown, "z": tape(symbol)} if stock else shown


def trade_json(symbol: str, trade: Trade) -> dict[str, Any]:
    """Show a trade; `i` is different for every trade of a symbol."""
    shown: dict[str, Any] = {"p": trade.price / TICKS, "s": trade.size, "t": rfc3339(trade.at_ns)}
    if symbol in ASSETS:
        return {**shown, "x": _STOCK_VENUE, "c": ["@"], "i": trade.at_ns // 1_000_000, "z": tape(symbol)}
    return {**shown, "x": _OPTION_VENUE, "c": "I"}


def auctions_json(symbol: str, session: Session, held: list[Trade]) -> dict[str, Any]:
    """Show a session's auctions at the exchange that lists the stock: the opening one, then the closing one."""
    venue = _AUCTION_VENUES.get(ASSETS[symbol].exchange, "P")
    shown = [
        {"t": rfc3339(trade.at_ns), "x": venue, "p": trade.price / TICKS, "s": trade.size, "c": condition}
        for trade, condition in zip(held, ("O", "6"), strict=False)
    ]
    return {"d": session.day.isoformat(), "o": shown[:1], "c": shown[1:]}


def price_text(ticks: int) -> str:
    """Give a price of the past as the decimal string in USD that the trading API has."""
    return plain(Decimal(ticks) / TICKS)


def tape(symbol: str) -> str:
    """Give the consolidated tape on which a stock is reported, by where it is listed."""
    return _TAPES.get(ASSETS[symbol].exchange, "B")
