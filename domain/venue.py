"""Which endpoints may be traded without arming: locks follow the endpoint, not the label (R24)."""

from enum import StrEnum
from urllib.parse import urlsplit


class EndpointKind(StrEnum):
    """What an account's base URL reaches."""

    PAPER = "paper"
    SIMULATED = "simulated"
    LIVE = "live"


PAPER_HOSTS = frozenset({"paper-api.alpaca.markets", "demo-fapi.binance.com", "testnet.binancefuture.com"})


def classify_endpoint(url: str, simulated_exchange: str | None) -> EndpointKind:
    """Return what `url` reaches; whatever is neither a known paper host nor our simulated exchange is live.

    A loopback address other than the exchange's is live too: it may be a tunnel.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname in PAPER_HOSTS and parts.port in {None, 443}:
        return EndpointKind.PAPER
    if simulated_exchange and _origin(url) == _origin(simulated_exchange):
        return EndpointKind.SIMULATED
    return EndpointKind.LIVE


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
