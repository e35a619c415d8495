"""Orders and activities by every documented filter, in pages, and the history that adds up to them."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from alpaca.trading.client import TradingClient

from tests.exchange.helpers import filled, limit_order, market_order, refusal, submit
from tests.support.exchange import ExchangeProcess

OPTION = "AAPL271217C00200000"
HISTORY = "/account/portfolio/history"
ALWAYS = {"timeframe": "1Min", "period": "1D", "intraday_reporting": "continuous"}
UNKNOWN = "904837e3-3b76-47ec-b432-046db621571b"


def listed(client: TradingClient, path: str, **query: Any) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", client.get(path, query))


@pytest.fixture
def three(client: TradingClient) -> list[str]:
    """The ids of three orders, a stock's, an option's and another stock's."""
    orders = [limit_order("AAPL", price=1), limit_order(OPTION, price=1), limit_order("KO", price=1)]
    return [str(submit(client, order).id) for order in orders]


def ids(client: TradingClient, **query: Any) -> list[str]:
    return [order["id"] for order in listed(client, "/orders", direction="asc", **query)]


def test_orders_are_found_by_asset_class(client: TradingClient, three: list[str]) -> None:
    stock, option, other = three
    assert ids(client, asset_class="us_option") == [option]
    assert ids(client, asset_class="us_equity") == [stock, other]
    assert ids(client, asset_class="us_equity,us_option") == ids(client, asset_class="all") == three
    assert ids(client, asset_class="crypto") == []


def test_option_orders_are_found_by_their_stock(client: TradingClient, three: list[str]) -> None:
    assert ids(client, asset_class="us_option", symbols="AAPL") == [three[1]]
    assert ids(client, symbols="AAPL") == [three[0]]


def test_orders_are_found_before_and_after_another(client: TradingClient, three: list[str]) -> None:
    assert ids(client, before_order_id=three[1]) == three[:1]
    assert ids(client, after_order_id=three[1]) == three[2:]
    assert ids(client, after_order_id=three[0], limit=1) == three[1:2]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"before_order_id": UNKNOWN}, 404),
        ({"before_order_id": "x"}, 422),
        ({"before_order_id": UNKNOWN, "after_order_id": UNKNOWN}, 422),
        ({"asset_class": "gold"}, 422),
        ({"nested": "maybe"}, 422),
        ({"limit": 0}, 422),
        ({"side": "hold"}, 422),
        ({"status": "lost"}, 422),
    ],
)
def test_a_filter_that_means_nothing_is_refused(client: TradingClient, query: dict[str, Any], status: int) -> None:
    assert refusal(lambda: listed(client, "/orders", **query))[0] == status


@pytest.fixture
def busy(exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient) -> list[dict[str, Any]]:
    """A deposit, a buy, a withdrawal and an exercised option: the account's activities, oldest first."""
    exchange.change_account(account["name"], cash="150000")
    filled(client, submit(client, market_order(OPTION)))
    exchange.change_account(account["name"], cash="100000")
    client.exercise_options_position(OPTION)
    return listed(client, "/account/activities", direction="asc")


def test_activities_tell_what_moved_money_and_holdings(busy: list[dict[str, Any]]) -> None:
    assert [activity["activity_type"] for activity in busy] == ["CSD", "FILL", "CSW", "OPEXC", "OPTRD"]
    deposit, fill, _, gone, come = busy
    assert (deposit["net_amount"], deposit["status"]) == ("50000", "executed")
    assert (fill["symbol"], gone["symbol"], gone["qty"], gone["net_amount"]) == (OPTION, OPTION, "-1", "0")
    assert (come["symbol"], come["qty"], come["net_amount"]) == ("AAPL", "100", "-20000")


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ({"activity_types": "TRANS"}, ["CSD", "CSW"]),
        ({"activity_types": "MISC"}, ["OPEXC", "OPTRD"]),
        ({"activity_types": "CSD,FILL"}, ["CSD", "FILL"]),
        ({"category": "trade_activity"}, ["FILL"]),
        ({"category": "non_trade_activity"}, ["CSD", "CSW", "OPEXC", "OPTRD"]),
        ({"activity_types": "DIV"}, []),
        ({"date": "2020-01-01"}, []),
    ],
)
@pytest.mark.usefixtures("busy")
def test_activities_are_found_by_type_and_day(client: TradingClient, query: dict[str, Any], types: list[str]) -> None:
    found = listed(client, "/account/activities", direction="asc", **query)
    assert [activity["activity_type"] for activity in found] == types


def test_activities_are_found_by_their_day_and_moment(client: TradingClient, busy: list[dict[str, Any]]) -> None:
    day = busy[0]["created_at"][:10]
    assert listed(client, "/account/activities", direction="asc", date=day) == busy
    assert listed(client, "/account/activities", direction="asc", after=busy[1]["transaction_time"]) == busy[1:]
    assert listed(client, "/account/activities", until=busy[0]["created_at"][:26] + "Z") == []


def test_activities_of_all_kinds_share_their_pages(client: TradingClient, busy: list[dict[str, Any]]) -> None:
    first = listed(client, "/account/activities", page_size=2)
    second = listed(client, "/account/activities", page_size=2, page_token=first[-1]["id"])
    assert [*first, *second] == busy[:0:-1]
    assert listed(client, "/account/activities/CSD", page_token=second[-1]["id"]) == busy[:1]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/account/activities", {"activity_types": "GIFT"}),
        ("/account/activities/GIFT", {}),
        ("/account/activities", {"category": "gifts"}),
        ("/account/activities", {"category": "trade_activity", "activity_types": "FILL"}),
        ("/account/activities", {"date": "someday"}),
    ],
)
def test_activities_of_no_kind_are_refused(client: TradingClient, path: str, query: dict[str, Any]) -> None:
    assert refusal(lambda: listed(client, path, **query))[0] == 422


@pytest.mark.usefixtures("busy")
def test_the_history_ends_where_the_account_stands(exchange: ExchangeProcess, client: TradingClient) -> None:
    account: Any = client.get("/account")
    history: Any = client.get(HISTORY, {**ALWAYS, "cashflow_types": "ALL"})
    assert history["equity"][-1] == float(account["equity"])
    assert (history["base_value"], history["cashflow"]["CSD"][-1]) == (100_000, 50_000)
    paid_in = history["cashflow"]["CSD"][-1] + history["cashflow"]["CSW"][-1]
    assert history["profit_loss"][-1] == round(history["equity"][-1] - 100_000 - paid_in, 2)
    assert history["timestamp"] == sorted(set(history["timestamp"]))
    exchange.set_price("AAPL", "250")
    risen: Any = client.get(HISTORY, ALWAYS)
    exchange.set_price("AAPL", bid="189.98", ask="190.02", last="190")
    assert risen["equity"][-1] - history["equity"][-1] == 6_000


def test_a_history_of_days_has_one_value_a_day(client: TradingClient) -> None:
    history: Any = client.get(HISTORY, {"timeframe": "1D"})
    assert (history["timeframe"], history["equity"]) == ("1D", [100_000])
    weekend = {"timeframe": "1H", "start": "2026-11-14T00:00:00-05:00", "end": "2026-11-15T23:00:00-05:00"}
    closed: Any = client.get(HISTORY, weekend)
    assert closed["timestamp"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"period": "1D", "start": "2026-01-01", "end": "2026-01-02"},
        {"period": "0D"},
        {"period": "1Y"},
        {"period": "2M", "timeframe": "1H"},
        {"timeframe": "2Min"},
        {"intraday_reporting": "sometimes"},
        {"pnl_reset": "never"},
        {"start": "2126-01-01"},
    ],
)
def test_a_history_of_no_span_is_refused(client: TradingClient, query: dict[str, str]) -> None:
    assert refusal(lambda: client.get(HISTORY, query))[0] == 422


def test_an_order_expires_with_its_time_in_force(client: TradingClient) -> None:
    day, long = (submit(client, limit_order(price=1, tif=tif)) for tif in ("day", "gtc"))
    now = datetime.now(UTC)  # noqa: TID251  the exchange runs on the real clock
    assert now < cast("datetime", day.expires_at) < now + timedelta(days=4)
    assert timedelta(days=89) < cast("datetime", long.expires_at) - now < timedelta(days=91)
