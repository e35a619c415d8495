"""What everything costs now: still until a script moves it, because a fault test must know its prices beforehand.

Still in value alone: a market quotes all the time, so what the data API shows is as young as the question, until the
market closes or a script says how old a symbol's price is.
"""

from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter

from exchange.assets import SEEDS
from exchange.options import Contract, fair_prices, parse_contract


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid, best ask and last trade in USD a share; 0 means that side is empty. `at_ns` is its age's origin."""

    bid: Decimal
    ask: Decimal
    last: Decimal
    at_ns: int


_MOST_DERIVED = 20_000


class Market:
    """Quotes by symbol: scripted ones first, else the seed's, else an option's derived from its stock."""

    def __init__(self, opened_ns: int) -> None:
        self._quotes: dict[str, Quote] = {}
        self._prints: dict[str, list[Quote]] = {}
        self._derived: dict[str, tuple[Quote, Quote]] = {}
        """Options' quotes, each with the stock's quote that it follows from."""
        self._frozen: dict[str, int | None] = {}
        """Since when (ns since the epoch) a symbol's price stands, None where it has none to show."""
        self.closed_ns: int | None = None
        """When the market closed (ns since the epoch), None while it is open."""
        self.open(opened_ns)

    def open(self, opened_ns: int) -> None:
        """Begin with the listed prices, as old as the exchange is (ns since the epoch)."""
        self._quotes = {symbol: Quote(seed.bid, seed.ask, seed.last, opened_ns) for symbol, seed in SEEDS.items()}
        self._prints = {symbol: [quote] for symbol, quote in self._quotes.items()}

    def set(self, symbol: str, quote: Quote) -> None:
        """Script a symbol's quote; it stays until the next one, and is quoted anew all the time."""
        self._quotes[symbol] = quote
        self._prints.setdefault(symbol, []).append(quote)
        self._frozen.pop(symbol, None)

    def freeze(self, symbol: str, since_ns: int | None) -> None:
        """Let the data API show a scripted quote as one of that moment (ns since the epoch), or not at all (None)."""
        self._frozen[symbol] = since_ns

    def shown(self, symbol: str, now_ns: int) -> Quote | None:
        """Give the quote as the data API shows it at a moment, None when it shows none."""
        quote = self.quote(symbol)
        if quote is None:
            return None
        # not before it was set: after the close, or by a clock that has been put back since
        latest_ns = max(quote.at_ns, now_ns if self.closed_ns is None else self.closed_ns)
        at_ns = self._frozen.get(symbol, latest_ns)
        return None if at_ns is None else Quote(quote.bid, quote.ask, quote.last, at_ns)

    def prints(self, symbol: str) -> list[Quote]:
        """Give every quote that a listed symbol had since the opening, oldest first."""
        own = self._prints.get(symbol, [])
        contract = parse_contract(symbol)
        if contract is None:
            return list(own)
        stock = (q for q in self._prints[contract.underlying] if not own or q.at_ns < own[0].at_ns)
        return [*(Quote(*fair_prices(contract, quote.last), quote.at_ns) for quote in stock), *own]

    def last_at(self, symbol: str, at_ns: int) -> Decimal:
        """Give the last trade (USD a share) of a listed symbol as it stood at a moment."""
        own = self._prints.get(symbol, [])
        seen = bisect_right(own, at_ns, key=attrgetter("at_ns"))
        if seen:
            return own[seen - 1].last
        if symbol in SEEDS:
            return SEEDS[symbol].last
        contract = parse_contract(symbol)
        if contract is None:
            raise KeyError(symbol)
        _, _, last = fair_prices(contract, self.last_at(contract.underlying, at_ns))
        return last

    def quote(self, symbol: str) -> Quote | None:
        """Give the quote of a stock or option, None when nothing by that name is listed."""
        known = self._quotes.get(symbol)
        if known is not None:
            return known
        contract = parse_contract(symbol)
        if contract is None:
            return None
        return self._of_stock(contract)

    def _of_stock(self, contract: Contract) -> Quote:
        """Derive an option's quote, once for every quote of its stock."""
        stock = self._quotes[contract.underlying]
        source, derived = self._derived.get(contract.symbol, (None, stock))
        if source is not stock:
            derived = Quote(*fair_prices(contract, stock.last), stock.at_ns)
            if len(self._derived) >= _MOST_DERIVED:
                self._derived.clear()
            self._derived[contract.symbol] = (stock, derived)
        return derived
