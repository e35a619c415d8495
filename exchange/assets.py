"""Stocks this exchange lists and the prices they open at: seeded, so that every run starts from the same market."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

_NAMESPACE = uuid.UUID("5f1d6f0e-6a53-4c0b-9d52-0f8f4d9d3c11")


@dataclass(frozen=True, slots=True)
class Asset:
    """One listed stock; `exchange` is a name of Alpaca's AssetExchange."""

    id: str
    symbol: str
    name: str
    exchange: str
    fractionable: bool = True
    shortable: bool = True
    marginable: bool = True


@dataclass(frozen=True, slots=True)
class Seed:
    """A stock's opening prices in USD."""

    bid: Decimal
    ask: Decimal
    last: Decimal


@lru_cache(maxsize=10_000)
def asset_id(symbol: str) -> str:
    """Give the same UUID for the same symbol on every machine; options have one as well."""
    return str(uuid.uuid5(_NAMESPACE, symbol))


_LISTING = """
AAPL  NASDAQ 189.98 190.02  190.00  Apple Inc. Common Stock
MSFT  NASDAQ 424.95 425.05  425.00  Microsoft Corporation Common Stock
TSLA  NASDAQ 249.95 250.05  250.00  Tesla, Inc. Common Stock
SPY   ARCA   549.99 550.01  550.00  SPDR S&P 500 ETF Trust
NVDA  NASDAQ 119.98 120.02  120.00  NVIDIA Corporation Common Stock
AMZN  NASDAQ 184.97 185.03  185.00  Amazon.com, Inc. Common Stock
GOOGL NASDAQ 164.97 165.03  165.00  Alphabet Inc. Class A Common Stock
META  NASDAQ 519.90 520.10  520.00  Meta Platforms, Inc. Class A Common Stock
QQQ   NASDAQ 474.98 475.02  475.00  Invesco QQQ Trust
IWM   ARCA   209.98 210.02  210.00  iShares Russell 2000 ETF
AMD   NASDAQ 149.97 150.03  150.00  Advanced Micro Devices, Inc. Common Stock
INTC  NASDAQ 21.99  22.01   22.00   Intel Corporation Common Stock
NFLX  NASDAQ 699.80 700.20  700.00  Netflix, Inc. Common Stock
JPM   NYSE   209.95 210.05  210.00  JPMorgan Chase & Co. Common Stock
BAC   NYSE   39.99  40.01   40.00   Bank of America Corporation Common Stock
XOM   NYSE   114.98 115.02  115.00  Exxon Mobil Corporation Common Stock
KO    NYSE   69.99  70.01   70.00   The Coca-Cola Company Common Stock
DIS   NYSE   94.98  95.02   95.00   The Walt Disney Company Common Stock
F     NYSE   10.99  11.01   11.00   Ford Motor Company Common Stock
BRK.B NYSE   459.90 460.10  460.00  Berkshire Hathaway Inc. Class B Common Stock
SNDL  NASDAQ 0.4990 0.5010  0.5000  SNDL Inc. Common Shares
"""

_NOT_FRACTIONABLE = frozenset({"SNDL"})


def _listed() -> tuple[dict[str, Asset], dict[str, Seed]]:
    assets: dict[str, Asset] = {}
    seeds: dict[str, Seed] = {}
    for line in _LISTING.strip().splitlines():
        symbol, venue, bid, ask, last, name = line.split(maxsplit=5)
        assets[symbol] = Asset(asset_id(symbol), symbol, name, venue, fractionable=symbol not in _NOT_FRACTIONABLE)
        seeds[symbol] = Seed(Decimal(bid), Decimal(ask), Decimal(last))
    return assets, seeds


ASSETS, SEEDS = _listed()
ASSETS_BY_ID = {asset.id: asset for asset in ASSETS.values()}
