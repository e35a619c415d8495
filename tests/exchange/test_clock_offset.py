"""An exchange whose clock is ahead or behind: everything it says of the time is off by the same, while it runs."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests
from alpaca.trading.client import TradingClient

from tests.exchange.helpers import limit_order, market_order, submit
from tests.exchange.listening import RawStream
from tests.support.exchange import ExchangeProcess

if TYPE_CHECKING:
    from alpaca.trading.models import Order

HOUR_MS = 3_600_000
CLOSE = timedelta(minutes=10)
"""Nothing here takes that long, and every offset is an hour."""


def now_there(exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient) -> list[datetime]:
    """Give the moment as every part of the exchange tells it."""
    keys = {"APCA-API-KEY-ID": account["key_id"], "APCA-API-SECRET-KEY": account["secret_key"]}
    with RawStream(exchange.url) as raw:
        raw.authenticate(account)
        raw.listen("trade_updates")
        order = submit(client, limit_order(price=1))
        (update,) = raw.updates(1)
        clock = requests.get(f"{exchange.url}/v2/clock", headers=keys, timeout=30)  # the first loads a calendar
        (stream,) = exchange.streams()
    booked = exchange.order(order.client_order_id, account["name"])
    assert booked is not None
    return [
        parsedate_to_datetime(clock.headers["Date"]),
        datetime.fromisoformat(clock.json()["timestamp"]),
        order.created_at,
        datetime.fromisoformat(update["timestamp"]),
        datetime.fromisoformat(stream["since"]),
        datetime.fromtimestamp(booked["received_at"], tz=order.created_at.tzinfo),
    ]


@pytest.mark.parametrize("offset_ms", [HOUR_MS, -HOUR_MS])
def test_all_that_is_said_of_the_time_is_off(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient, offset_ms: int
) -> None:
    right = submit(client, limit_order(price=1)).created_at
    exchange.set_clock_offset(offset_ms)
    off = timedelta(milliseconds=offset_ms)
    for moment in now_there(exchange, account, client):
        assert abs(moment - right - off) < CLOSE


def test_a_clock_put_right_again_is_right_at_once_and_what_was_stamped_stays(
    exchange: ExchangeProcess, client: TradingClient
) -> None:
    before = submit(client, limit_order(price=1))
    exchange.set_clock_offset(HOUR_MS)
    ahead = submit(client, limit_order(price=1))
    exchange.set_clock_offset(0)
    after = submit(client, limit_order(price=1))
    assert before.created_at < after.created_at < ahead.created_at
    assert cast("Order", client.get_order_by_id(ahead.id)).created_at == ahead.created_at


def test_trading_goes_on_in_a_clock_put_back(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient
) -> None:
    submit(client, market_order("KO"))
    exchange.set_clock_offset(-HOUR_MS)
    exchange.set_fills(delay_ms=0)
    submit(client, market_order("KO"))
    exchange.release(account=account["name"])
    assert [each["status"] for each in exchange.ledger(account["name"])["orders"]] == ["filled", "filled"]


def test_an_accounts_minute_begins_anew_in_a_clock_put_back(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient
) -> None:
    exchange.set_clock_offset(HOUR_MS)
    client.get("/account")
    exchange.change_account(account["name"], rate_limit=1)
    exchange.set_clock_offset(0)
    client.get("/account")
