"""`opitios admin sell`: the switch, how the seller is, and the positions it may sell (FR-006)."""

import re

import psycopg
import pytest

from config.ids import SYSTEM_IDS
from stack.runtime import Runtime
from tests.cli.conftest import House
from tests.support.commands import Answer

pytestmark = pytest.mark.requirement("FR-006")


def sell(house: House, *words: str) -> Answer:
    """Run a command with the admin's password on stdin."""
    return house.terminal.opitios("admin", "sell", *words, text=f"{house.password}\n")


def test_it_is_started_shown_and_stopped(house: House) -> None:
    assert "The sell module was restarted by admin" in sell(house, "restart").said
    shown = sell(house, "status")
    assert shown.code == 0, shown.said
    assert re.search(r"state (never_ran|running|stale), since \S+ \S+ by admin", shown.said)
    assert "0 attempted, 0 succeeded, 0 failed, 0 open" in shown.said
    assert "The sell module was stopped by admin" in sell(house, "stop").said


def test_an_open_position_is_listed_and_its_sale_forbidden(house: House) -> None:
    open_lot(house, "demo-2", "MSFT")
    assert "Position MSFT of demo-2: auto-sell off" in sell(house, "auto-sell", "demo-2", "msft", "off").said
    assert re.search(r"demo-2 MSFT 3 10 - - - off user:admin", sell(house, "positions").said)


def open_lot(house: House, account: str, symbol: str) -> None:
    runtime = Runtime.load(house.terminal.home.runtime)
    assert runtime is not None
    url = runtime.migrations_database_url.replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO trading.lots (lot_id, account_id, symbol, qty, entry_price, moves, opened_at, "
            "auto_sell_enabled, auto_sell_by) SELECT %s, account_id, %s, 3, 10, 1, now(), true, 'order' "
            "FROM trading.accounts WHERE name = %s",
            (SYSTEM_IDS.new(), symbol, account),
        )
