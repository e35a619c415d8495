"""Which endpoints may be traded without arming: locks follow the endpoint, not the label (R24)."""

from enum import StrEnum
from urllib.parse import urlsplit


class EndpointKind(StrEnum):
    """What an account's base URL reaches."""

    PAPER = "paper"
    SIMULATED = "simulated"
    LIVE = "live"


PAPER_HOSTS = frozenset({"paper-api.alpaca.markets", "demo-fapi.binance.com", "testnet.binancefuture.com"})
_PAPER_ORIGINS = frozenset(("https", host + port) for host in PAPER_HOSTS for port in ("", ":443"))


def classify_endpoint(url: str, simulated_exchange: str | None) -> EndpointKind:
    r"""Return what `url` reaches; whatever is neither a known paper host nor our simulated exchange is live.

    A loopback address other than the exchange's is live too: it may be a tunnel. The whole authority is compared, as
    text: HTTP clients and `urlsplit` read `https://evil.example\@paper-api.alpaca.markets` as different hosts.
    """
    origin = _origin(url)
    if origin in _PAPER_ORIGINS:
        return EndpointKind.PAPER
    if simulated_exchange and origin is not None and origin == _origin(simulated_exchange):
        return EndpointKind.SIMULATED
    return EndpointKind.LIVE


def _origin(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return (parts.scheme, parts.netloc.lower()) if parts.netloc else None
