"""Which endpoints may be traded unarmed: anything that is not known for sure is live."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.venue import EndpointKind, classify_endpoint

EXCHANGE = "http://127.0.0.1:8092"


@pytest.mark.parametrize(
    "url",
    [
        "https://paper-api.alpaca.markets",
        "https://paper-api.alpaca.markets/",
        "https://paper-api.alpaca.markets:443/v2",
        "https://PAPER-API.Alpaca.Markets",
        "https://demo-fapi.binance.com",
        "https://testnet.binancefuture.com",
    ],
)
def test_a_known_paper_host_is_paper(url: str) -> None:
    assert classify_endpoint(url, None) is EndpointKind.PAPER


@pytest.mark.parametrize("url", [EXCHANGE, EXCHANGE + "/", EXCHANGE + "/v2/orders", "HTTP://127.0.0.1:8092"])
def test_the_simulated_exchange_is_simulated(url: str) -> None:
    assert classify_endpoint(url, EXCHANGE) is EndpointKind.SIMULATED


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize(
    "url",
    [
        "https://api.alpaca.markets",
        "http://paper-api.alpaca.markets",  # not encrypted
        "https://paper-api.alpaca.markets:8443",  # another port
        "https://paper-api.alpaca.markets:80443",  # no port at all
        "https://paper-api.alpaca.markets:abc",
        "https://paper-api.alpaca.markets.",  # a trailing dot: another certificate, maybe another host
        "https://paper-api.alpaca.markets@evil.example/",  # a user name
        "https://paper-api.alpaca.markets:443@evil.example/",
        "https://user:pw@paper-api.alpaca.markets",  # nothing of ours writes it like this
        "https://paper-api.alpaca.markets.evil.example",
        "https://evil.example/paper-api.alpaca.markets",
        "https://evil.example?https://paper-api.alpaca.markets",
        "https://evil.example#@paper-api.alpaca.markets",
        "https://evil.example\\@paper-api.alpaca.markets",  # urlsplit reads the paper host, urllib3 the other one
        "https://paper-api.alpaca.markets\\@evil.example",
        "https://xpaper-api.alpaca.markets",
        "paper-api.alpaca.markets",  # no scheme
        "//paper-api.alpaca.markets",
        "https://[paper-api.alpaca.markets",
        "http://127.0.0.1:8093",  # loopback, but another port: it may be a tunnel
        "http://127.0.0.1",
        "https://127.0.0.1:8092",
        "http://localhost:8092",  # by another name than the exchange's own
        "http://[::1]:8092",
        "http://127.0.0.1:8092@evil.example",
        "http://evil.example\\@127.0.0.1:8092",
        "http://0.0.0.0:8092",
        "",
        "http://",
        "\x00",
    ],
)
def test_everything_else_is_live(url: str) -> None:
    assert classify_endpoint(url, EXCHANGE) is EndpointKind.LIVE


@pytest.mark.parametrize("exchange", [None, "", "127.0.0.1:8092", "http://"])
@pytest.mark.parametrize("url", [EXCHANGE, "127.0.0.1:8092", "127.0.0.1:9999", "", "http://"])
def test_without_a_simulated_exchange_no_address_counts_as_one(url: str, exchange: str | None) -> None:
    assert classify_endpoint(url, exchange) is EndpointKind.LIVE


@given(st.text(max_size=60))
def test_no_text_makes_the_classification_fail(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}@paper-api.alpaca.markets", f"https://[{text}"):
        assert classify_endpoint(url, EXCHANGE) in EndpointKind


@given(st.text(min_size=1, max_size=20).filter(lambda text: not set(text) & set("/?#\t\r\n") and text != ":443"))
def test_nothing_may_be_added_to_a_paper_host(text: str) -> None:
    for url in (f"https://{text}paper-api.alpaca.markets", f"https://paper-api.alpaca.markets{text}"):
        assert classify_endpoint(url.lstrip(), None) is EndpointKind.LIVE
