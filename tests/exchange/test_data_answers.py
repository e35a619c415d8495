"""Market data and reference on the wire: fields, pages, and a refusal for everything that cannot be answered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.exchange.helpers import Ask, eventually
from tests.support.exchange import DEMO, ExchangeProcess

CALL, PUT = "AAPL271217C00200000", "AAPL271217P00200000"
MANY = ",".join(f"AAPL271217C{strike:08d}" for strike in range(1000, 102_000, 1000))
WEEK = "start=2026-11-02&end=2026-11-06"


BAR, STOCK_TRADE, STOCK_QUOTE = "t o h l c v n vw", "t x p s c i z", "t ax ap as bx bp bs c z"
OPTION_TRADE, OPTION_QUOTE = "t x p s c", "t ax ap as bx bp bs c"
SNAPSHOT = "latestTrade latestQuote minuteBar dailyBar prevDailyBar"
CONTRACT = """id symbol name status tradable expiration_date root_symbol underlying_symbol underlying_asset_id type
style strike_price multiplier size open_interest open_interest_date close_price close_price_date deliverables"""
ASSET = """id class exchange symbol name status tradable marginable maintenance_margin_requirement
margin_requirement_long margin_requirement_short shortable easy_to_borrow borrow_status fractionable attributes"""
MINUTE = "start=2026-11-05T14:30:00Z&end=2026-11-05T14:30:30Z"

FIELDS = [
    # a request, the way to one item of its answer, the fields that the item has
    (f"/v2/stocks/bars?symbols=KO&timeframe=1Day&{WEEK}", ("bars", "KO", 0), BAR),
    (f"/v2/stocks/KO/bars?timeframe=1Min&{WEEK}", ("bars", 0), BAR),
    (f"/v2/stocks/trades?symbols=KO&{MINUTE}", ("trades", "KO", 0), STOCK_TRADE),
    (f"/v2/stocks/quotes?symbols=KO&{MINUTE}", ("quotes", "KO", 0), STOCK_QUOTE),
    ("/v2/stocks/bars/latest?symbols=KO", ("bars", "KO"), BAR),
    ("/v2/stocks/KO/trades/latest", ("trade",), STOCK_TRADE),
    ("/v2/stocks/KO/quotes/latest", ("quote",), STOCK_QUOTE),
    ("/v2/stocks/snapshots?symbols=KO", ("KO",), SNAPSHOT),
    ("/v2/stocks/KO/snapshot", (), f"symbol {SNAPSHOT}"),
    (f"/v2/stocks/auctions?symbols=KO&{WEEK}", ("auctions", "KO", 0), "d o c"),
    (f"/v2/stocks/KO/auctions?{WEEK}", ("auctions", 0, "c", 0), "t x p s c"),
    (f"/v1beta1/options/bars?symbols={CALL}&timeframe=1Day&{WEEK}", ("bars", CALL, 0), BAR),
    (f"/v1beta1/options/trades?symbols={CALL}&{MINUTE}", ("trades", CALL, 0), OPTION_TRADE),
    (f"/v1beta1/options/quotes/latest?symbols={CALL}", ("quotes", CALL), OPTION_QUOTE),
    (f"/v1beta1/options/trades/latest?symbols={CALL}", ("trades", CALL), OPTION_TRADE),
    (f"/v1beta1/options/snapshots?symbols={CALL}", ("snapshots", CALL), f"{SNAPSHOT} greeks impliedVolatility"),
    ("/v1beta1/screener/stocks/most-actives", ("most_actives", 0), "symbol volume trade_count"),
    ("/v1beta1/screener/stocks/movers", ("gainers", 0), "symbol percent_change change price"),
    (f"/v2/options/contracts/{CALL}", (), CONTRACT),
    ("/v2/assets/KO", (), ASSET),
    ("/v2/calendar", (0,), "date open close session_open session_close settlement_date"),
    ("/v2/clock", (), "timestamp is_open next_open next_close"),
]


@pytest.mark.parametrize(("path", "way", "fields"), FIELDS, ids=[row[0].partition("?")[0] for row in FIELDS])
def test_an_item_has_exactly_the_documented_fields(
    ask: Ask, path: str, way: tuple[str | int, ...], fields: str
) -> None:
    status, item = ask(path)
    for step in way:
        item = item[step]
    assert (status, set(item)) == (200, set(fields.split()))


REFUSED = [
    # what is wrong, the request, the status, a part of the message
    ("no symbols", "/v2/stocks/bars?timeframe=1Day", 400, "symbols is required"),
    ("a symbol that is none", "/v2/stocks/quotes/latest?symbols=AAPL,$$", 400, "invalid symbol: $$"),
    ("a stock that is not listed", "/v2/stocks/NOPE/bars?timeframe=1Day", 400, "invalid symbol: NOPE"),
    ("no timeframe", "/v2/stocks/bars?symbols=KO", 400, "timeframe is required"),
    ("a wrong timeframe", "/v2/stocks/bars?symbols=KO&timeframe=2Day", 400, "invalid timeframe: 2Day"),
    ("a wrong start", "/v2/stocks/trades?symbols=KO&start=2026-13-01", 400, "invalid start: '2026-13-01'"),
    ("a start after the end", "/v2/stocks/trades?symbols=KO&start=2021-01-01&end=2020-01-01", 400, "before start"),
    ("a limit of nothing", "/v2/stocks/trades?symbols=KO&limit=0", 400, "invalid limit: must be between 1 and 10000"),
    ("a limit beyond the largest", "/v2/stocks/trades?symbols=KO&limit=10001", 400, "invalid limit"),
    ("a limit that is no number", "/v2/stocks/trades?symbols=KO&limit=1e3", 400, "invalid limit"),
    ("a wrong order", "/v2/stocks/trades?symbols=KO&sort=up", 400, "'up' is not one of asc, desc"),
    ("a wrong feed", "/v2/stocks/trades?symbols=KO&feed=opra", 400, "invalid feed"),
    ("a feed without auctions", "/v2/stocks/auctions?symbols=KO&feed=iex", 400, "invalid feed"),
    ("a wrong currency", "/v2/stocks/KO/quotes/latest?currency=EUR", 400, "invalid currency"),
    ("a wrong adjustment", "/v2/stocks/KO/bars?timeframe=1Day&adjustment=none", 400, "invalid adjustment"),
    ("a token that is none", "/v2/stocks/KO/trades?page_token=x", 400, "invalid page_token"),
    ("a token of other text", "/v2/stocks/KO/trades?page_token=bm90aGluZw==", 400, "invalid page_token"),
    ("no tape", "/v2/stocks/meta/conditions/trade", 400, "invalid tape"),
    ("a wrong ticktype", "/v1beta1/options/meta/conditions/bar", 400, "invalid ticktype"),
    ("too many options", f"/v1beta1/options/snapshots?symbols={MANY}", 400, "at most 100"),
    ("too many past options", f"/v1beta1/options/trades?symbols={MANY}", 400, "at most 100"),
    ("too many snapshots a page", "/v1beta1/options/snapshots/KO?limit=1001", 400, "between 1 and 1000"),
    ("a wrong right", "/v1beta1/options/snapshots/KO?type=both", 400, "neither call nor put"),
    ("a wrong strike", "/v1beta1/options/snapshots/KO?strike_price_gte=-1", 400, "invalid strike_price_gte"),
    ("a wrong expiry", "/v1beta1/options/snapshots/KO?expiration_date=soon", 400, "invalid expiration_date"),
    ("too many movers", "/v1beta1/screener/stocks/movers?top=51", 400, "between 1 and 50"),
    ("a wrong market", "/v1beta1/screener/bonds/movers", 400, "invalid market_type"),
    ("a wrong contract filter", "/v2/options/contracts?type=both", 422, "neither call nor put"),
    ("too many contracts a page", "/v2/options/contracts?limit=10001", 422, "between 1 and 10000"),
    ("a contract that is none", "/v2/options/contracts/AAPL", 404, "option contract AAPL not found"),
    ("an asset that is none", "/v2/assets/NOPE", 404, "asset not found for NOPE"),
    ("a wrong day", "/v2/calendar?start=soon", 400, "invalid start"),
    ("a time before the calendar", "/v3/clock?time=0001-01-01T00:00:00Z", 400, "invalid time"),
    ("a time after the calendar", "/v3/clock?time=2029-12-31", 400, "invalid time"),
    ("a market elsewhere", "/v3/calendar/LSE", 400, "invalid market: 'LSE'"),
    ("a wrong meaning of days", "/v2/calendar?date_type=BOTH", 400, "invalid date_type"),
]


@pytest.mark.parametrize(("path", "status", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_be_answered_is_refused_in_words(ask: Ask, path: str, status: int, said: str) -> None:
    answered, body = ask(path)
    assert answered == status
    assert said in body.get("message", "")


PAGED = [
    f"/v2/stocks/bars?symbols=KO,AAPL,NOPE&timeframe=1Hour&{WEEK}",
    f"/v2/stocks/trades?symbols=KO,AAPL&{MINUTE}",
    "/v2/stocks/quotes?symbols=KO,AAPL&start=2026-11-05T14:30:00Z&end=2026-11-05T14:36:00Z",
    f"/v2/stocks/auctions?symbols=KO,AAPL&{WEEK}",
    f"/v1beta1/options/bars?symbols={CALL},{PUT}&timeframe=1Day&{WEEK}",
]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("path", PAGED)
def test_pages_give_everything_once(ask: Ask, path: str, order: str) -> None:
    whole = _pages(ask, f"{path}&sort={order}", 10_000)
    parts = _pages(ask, f"{path}&sort={order}", 3)
    assert len(whole) == 1
    assert len(parts) > 1
    assert [sum(map(len, page.values())) for page in parts[:-1]] == [3] * (len(parts) - 1)
    assert {s: [item for page in parts for item in page.get(s, [])] for s in whole[0]} == whole[0]
    stamps = [[item.get("t") or item["d"] for item in items] for items in whole[0].values()]
    assert stamps == [sorted(times, reverse=order == "desc") for times in stamps]


def _pages(ask: Ask, path: str, limit: int) -> list[dict[str, list[dict[str, Any]]]]:
    pages: list[dict[str, list[dict[str, Any]]]] = []
    token: str | None = ""
    while token is not None:
        status, body = ask(f"{path}&limit={limit}&page_token={token}")
        assert status == 200
        token = body.pop("next_page_token")
        pages += body.values()
    return pages


def test_chains_and_contracts_come_in_pages(ask: Ask) -> None:
    chain: list[str] = []
    token: str | None = ""
    while token is not None:
        _, body = ask(f"/v1beta1/options/snapshots/KO?expiration_date=2027-12-17&limit=7&page_token={token}")
        chain += list(body["snapshots"])
        token = body["next_page_token"]
    _, listed = ask("/v2/options/contracts?underlying_symbols=KO&expiration_date=2027-12-17&limit=1000")
    assert chain == [contract["symbol"] for contract in listed["option_contracts"]]
    assert len(chain) > 7


def test_contracts_are_listed_until_the_next_weekend_unless_asked_further(ask: Ask) -> None:
    _, near = ask("/v2/options/contracts?underlying_symbols=BRK.B&limit=10000")
    today = datetime.now(UTC).date()  # noqa: TID251  the exchange's own day
    assert {c["root_symbol"] for c in near["option_contracts"]} <= {"BRKB"}  # none on a Friday that is a holiday
    assert all(c["expiration_date"] <= f"{today + timedelta(days=7)}" for c in near["option_contracts"])
    _, far = ask("/v2/options/contracts?underlying_symbols=BRK.B&expiration_date_gte=2027-06-01&type=put&limit=10000")
    assert {c["type"] for c in far["option_contracts"]} == {"put"}
    _, gone = ask("/v2/options/contracts?underlying_symbols=KO&status=inactive")
    assert {c["status"] for c in gone["option_contracts"]} == {"inactive"}
    assert ask("/v2/options/contracts?style=european")[1]["option_contracts"] == []


def test_the_calendar_is_new_yorks(ask: Ask) -> None:
    _, days = ask("/v2/calendar?start=2024-11-27&end=2024-12-02")
    assert [(day["date"], day["close"], day["session_close"], day["settlement_date"]) for day in days] == [
        ("2024-11-27", "16:00", "2000", "2024-11-29"),
        ("2024-11-29", "13:00", "1700", "2024-12-02"),
        ("2024-12-02", "16:00", "2000", "2024-12-03"),
    ]
    _, settled = ask("/v2/calendar?start=2024-12-02&end=2024-12-02&date_type=SETTLEMENT")
    assert [day["date"] for day in settled] == ["2024-11-29"]
    _, every = ask("/v2/calendar")
    assert (every[0]["date"], every[-1]["date"]) == ("1970-01-02", "2029-12-31")


@pytest.mark.parametrize(
    ("time", "phase", "until", "is_market_day"),
    [
        ("2026-11-27T08:59:59Z", "closed", "2026-11-27T04:00:00-05:00", True),
        ("2026-11-27T09:00:00Z", "pre", "2026-11-27T09:30:00-05:00", True),
        ("2026-11-27T14:30:00Z", "core", "2026-11-27T13:00:00-05:00", True),  # the day after Thanksgiving
        ("2026-11-27T18:00:00Z", "post", "2026-11-27T17:00:00-05:00", True),
        ("2026-11-27T22:00:00Z", "closed", "2026-11-30T04:00:00-05:00", True),
        ("2026-11-28T15:00:00Z", "closed", "2026-11-30T04:00:00-05:00", False),
    ],
)
def test_the_newer_clock_knows_the_phases(ask: Ask, time: str, phase: str, until: str, *, is_market_day: bool) -> None:
    _, body = ask(f"/v3/clock?markets=NYSE,XNAS&time={time}")
    assert [clock["market"]["mic"] for clock in body["clocks"]] == ["XNYS", "XNAS"]
    for clock in body["clocks"]:
        assert (clock["phase"], clock["phase_until"], clock["is_market_day"]) == (phase, until, is_market_day)


def test_the_newer_calendar_has_the_hours_around_a_session(ask: Ask) -> None:
    _, body = ask("/v3/calendar/NYSE?start=2026-11-26&end=2026-11-27&timezone=UTC")
    assert body["calendar"] == [
        {
            "date": "2026-11-27",
            "pre_start": "2026-11-27T09:00:00+00:00",
            "pre_end": "2026-11-27T14:30:00+00:00",
            "core_start": "2026-11-27T14:30:00+00:00",
            "core_end": "2026-11-27T18:00:00+00:00",
            "post_start": "2026-11-27T18:00:00+00:00",
            "post_end": "2026-11-27T22:00:00+00:00",
            "settlement_date": "2026-11-30",
        }
    ]


def test_a_script_moves_the_bar_of_now(exchange: ExchangeProcess, ask: Ask) -> None:
    exchange.set_price("INTC", "30")
    _, body = ask("/v2/stocks/snapshots?symbols=INTC")
    assert [body["INTC"][name]["c"] for name in ("minuteBar", "dailyBar")] == [30, 30]
    assert body["INTC"]["latestTrade"]["p"] == body["INTC"]["latestQuote"]["ap"] == 30
    _, bars = ask("/v2/stocks/bars?symbols=INTC&timeframe=1Min&sort=desc&limit=1")
    assert bars["bars"]["INTC"][0]["c"] == 30


@pytest.mark.parametrize(
    "path",
    [
        "/v2/stocks/KO/trades?start=0001-01-01&end=0001-01-02T00:00:00Z",
        "/v2/stocks/KO/bars?timeframe=12Month&start=0001-01-01T00:00:00Z&end=9999-12-31",
        "/v1beta1/options/snapshots?symbols=AAPL271217C00000000,AAPL271217C00000001,AAPL991231P99999999",
        "/v2/options/contracts/AAPL991231P99999999",
        "/v2/calendar?start=0001-01-01&end=9999-12-31&date_type=SETTLEMENT",
        "/v3/calendar/NYSE?start=0001-01-01&end=9999-12-30",
        "/v3/clock?time=1970-01-01",
        "/v3/clock?time=2029-11-30",
    ],
)
def test_the_ends_of_time_and_price_are_answered(ask: Ask, path: str) -> None:
    assert ask(path)[0] == 200


def test_the_past_outlives_a_restart(home: Any) -> None:
    path = "/v2/stocks/bars?symbols=AAPL,SNDL&timeframe=15Min&start=2026-10-01&end=2026-11-06&limit=10000"
    with ExchangeProcess(home) as exchange:
        exchange.set_price("AAPL", "205")
        before = _read(exchange, path), _read(exchange, "/v2/stocks/trades?symbols=AAPL&limit=2")
        exchange.kill()
        exchange.start()
        assert (_read(exchange, path), _read(exchange, "/v2/stocks/trades?symbols=AAPL&limit=2")) == before


def _read(exchange: ExchangeProcess, path: str) -> Any:
    keys = {"APCA-API-KEY-ID": DEMO["key_id"], "APCA-API-SECRET-KEY": DEMO["secret_key"]}
    return eventually(lambda: requests.get(exchange.url + path, headers=keys, timeout=20).json())
