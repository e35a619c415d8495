"""How old prices look: as young as the question, until the market closes or a script says otherwise."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.exchange.helpers import Ask, eventually
from tests.support.exchange import DEMO, ExchangeProcess

STOCK, CALL, PUT = "DIS", "DIS271217C00090000", "DIS271217P00090000"
OTHER = "KO271217C00080000"
OPTIONS, STOCKS = "/v1beta1/options", "/v2/stocks"
LATEST = [(STOCK, STOCKS), (CALL, OPTIONS)]
SECOND = timedelta(seconds=1)


def shown(ask: Ask, symbol: str, base: str) -> dict[str, dict[str, Any] | None]:
    """What each of the four places shows of a symbol."""
    snapshots = ask(f"{base}/snapshots?symbols={symbol}")[1]
    snapshot = snapshots.get("snapshots", snapshots).get(symbol, {})
    return {
        "quote": ask(f"{base}/quotes/latest?symbols={symbol}")[1]["quotes"].get(symbol),
        "trade": ask(f"{base}/trades/latest?symbols={symbol}")[1]["trades"].get(symbol),
        "latestQuote": snapshot.get("latestQuote"),
        "latestTrade": snapshot.get("latestTrade"),
    }


def stamps(ask: Ask, symbol: str, base: str) -> dict[str, datetime]:
    found = shown(ask, symbol, base)
    return {place: datetime.fromisoformat(item["t"]) for place, item in found.items() if item is not None}


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  the exchange's stamps are the real clock's


@pytest.mark.parametrize(("symbol", "base"), LATEST)
def test_an_open_market_quotes_at_the_moment_of_asking(
    exchange: ExchangeProcess, ask: Ask, symbol: str, base: str
) -> None:
    exchange.set_price(STOCK, "95")
    began = now()
    found = stamps(ask, symbol, base)
    assert set(found) == {"quote", "trade", "latestQuote", "latestTrade"}
    assert all(began <= at <= now() for at in found.values())


@pytest.mark.parametrize(("symbol", "base"), LATEST)
def test_a_scripted_age_stands_and_grows(exchange: ExchangeProcess, ask: Ask, symbol: str, base: str) -> None:
    began = now()
    exchange.set_price(symbol, age_ms=90_000)
    ended = now()
    first, second = stamps(ask, symbol, base), stamps(ask, symbol, base)
    assert first == second
    assert all(began - 90 * SECOND <= at <= ended - 90 * SECOND for at in first.values())
    exchange.set_price(symbol, bid="1")
    assert all(at >= ended for at in stamps(ask, symbol, base).values())


def test_a_stocks_age_is_not_its_options(exchange: ExchangeProcess, ask: Ask) -> None:
    exchange.set_price(STOCK, age_ms=90_000)
    began = now()
    assert stamps(ask, PUT, OPTIONS)["quote"] >= began - SECOND


@pytest.mark.parametrize(("symbol", "base"), LATEST)
def test_a_symbol_without_a_price_is_left_out_until_it_has_one(
    exchange: ExchangeProcess, ask: Ask, symbol: str, base: str
) -> None:
    exchange.set_price(symbol, missing=True)
    assert set(shown(ask, symbol, base).values()) == {None}
    exchange.set_price(symbol, last="7")
    assert None not in shown(ask, symbol, base).values()


@pytest.mark.parametrize("what", ["quotes/latest", "trades/latest", "snapshot"])
def test_the_price_of_one_stock_without_any_is_refused(exchange: ExchangeProcess, ask: Ask, what: str) -> None:
    exchange.set_price(STOCK, missing=True)
    assert ask(f"{STOCKS}/{STOCK}/{what}") == (400, {"code": 40010000, "message": f"no price for {STOCK}"})


@pytest.mark.parametrize(("bid", "ask_price"), [("9", "8"), ("0", "8"), ("9", "0"), ("0", "0")])
def test_crossed_and_one_sided_quotes_are_shown_as_scripted(
    exchange: ExchangeProcess, ask: Ask, bid: str, ask_price: str
) -> None:
    exchange.set_price(CALL, bid=bid, ask=ask_price, last="8.5")
    found = shown(ask, CALL, OPTIONS)
    for place in ("quote", "latestQuote"):
        quote = found[place] or {}
        assert (quote["bp"], quote["ap"]) == (float(bid), float(ask_price))


def test_a_closed_market_quotes_no_more(exchange: ExchangeProcess, ask: Ask) -> None:
    exchange.set_clock(is_open=False)
    closed = now()
    first = stamps(ask, CALL, OPTIONS)
    assert first == stamps(ask, CALL, OPTIONS)
    assert all(at <= closed for at in first.values())
    exchange.set_clock(is_open=False, is_extended=True)
    assert stamps(ask, CALL, OPTIONS)["quote"] > closed


def test_ages_outlive_a_restart(home: Path) -> None:
    path = f"{OPTIONS}/quotes/latest?symbols={CALL},{PUT}"
    with ExchangeProcess(home) as exchange:
        exchange.set_price(CALL, "3", age_ms=60_000)
        exchange.set_price(PUT, missing=True)
        before = _read(exchange, path)
        exchange.kill()
        exchange.start()
        assert _read(exchange, path) == before
        assert set(before["quotes"]) == {CALL}


def _read(exchange: ExchangeProcess, path: str) -> Any:
    keys = {"APCA-API-KEY-ID": DEMO["key_id"], "APCA-API-SECRET-KEY": DEMO["secret_key"]}
    return eventually(lambda: requests.get(exchange.url + path, headers=keys, timeout=20).json())


def test_an_options_whole_snapshot_moves_with_its_stock(exchange: ExchangeProcess, ask: Ask) -> None:
    def snapshot() -> Any:
        return ask(f"{OPTIONS}/snapshots?symbols={OTHER}")[1]["snapshots"][OTHER]

    exchange.set_price("KO", "70")
    before = snapshot()
    exchange.set_price("KO", "72")
    after = snapshot()
    for place, price in (("latestTrade", "p"), ("latestQuote", "bp"), ("minuteBar", "c"), ("dailyBar", "c")):
        assert after[place][price] > before[place][price]
    assert after["greeks"]["delta"] != before["greeks"]["delta"]


def test_what_a_script_freezes_leaves_the_past_as_it_is(exchange: ExchangeProcess, ask: Ask) -> None:
    exchange.set_price(STOCK, "41")
    exchange.set_price(STOCK, "42", age_ms=3_600_000)
    (bar,) = ask(f"{STOCKS}/{STOCK}/bars?timeframe=1Min&sort=desc&limit=1")[1]["bars"]
    assert (bar["c"], bar["h"]) == (42, max(bar["h"], 42))
    (quote,) = ask(f"{STOCKS}/{STOCK}/quotes?sort=desc&limit=1")[1]["quotes"]
    assert quote["ap"] == 42
    assert datetime.fromisoformat(quote["t"]) > now() - timedelta(minutes=5)


@pytest.mark.parametrize("kind", ["quotes/latest", "trades/latest", "snapshots"])
@pytest.mark.parametrize(("fault", "told"), [("502_before", 502), ("delay", 200), ("hang", None)])
def test_a_price_endpoint_breaks_alone(
    exchange: ExchangeProcess, account: dict[str, Any], kind: str, fault: str, told: int | None
) -> None:
    path, other = f"{OPTIONS}/{kind}", f"{OPTIONS}/meta/exchanges"
    exchange.add_fault(fault, path=f"^{path}$", account=account["name"], delay_ms=50)
    headers = {"APCA-API-KEY-ID": account["key_id"], "APCA-API-SECRET-KEY": account["secret_key"]}
    wanted = {"symbols": CALL}
    if told is None:
        with pytest.raises(requests.ReadTimeout):
            requests.get(exchange.url + path, wanted, headers=headers, timeout=0.3)
    else:
        assert requests.get(exchange.url + path, wanted, headers=headers, timeout=5).status_code == told
    assert requests.get(exchange.url + other, headers=headers, timeout=5).status_code == 200
    counted = {
        (c["path"], c["status"]): c["count"] for c in exchange.request_counts() if c["account"] == account["name"]
    }
    assert counted == {(path, fault if told is None else str(told)): 1, (other, "200"): 1}
