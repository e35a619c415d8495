"""The outside world outlives its own process: kill -9, torn journals, second starts, stops."""

import json
import socket
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.exchange.helpers import eventually, filled, limit_order, market_order, refusal, submit
from tests.support.exchange import DEMO, ExchangeProcess


def test_kill_9_loses_no_accepted_order(home: Path, connect: Any) -> None:
    with ExchangeProcess(home) as exchange:
        client = connect(exchange, DEMO)
        done = filled(client, submit(client, market_order("AAPL", 3, client_order_id="done")))
        exchange.set_fills(never=True)
        resting = submit(client, market_order("TSLA", 2, client_order_id="resting"))
        client.cancel_order_by_id(submit(client, limit_order(price=1, client_order_id="gone")).id)
        refusal(lambda: submit(client, market_order("AAPL", 10**6, client_order_id="refused")))
        before = exchange.ledger()
        exchange.kill()
        exchange.start()
        assert exchange.ledger() == before
        assert client.get_order_by_client_id("done") == client.get_order_by_id(done.id)
        assert refusal(lambda: submit(client, market_order(client_order_id="gone")))[0] == 422
        exchange.set_fills(never=None)
        assert filled(client, resting).filled_qty == "2"


def test_orders_left_open_by_kill_9_fill_after_the_restart(home: Path, connect: Any) -> None:
    with ExchangeProcess(home) as exchange:
        client = connect(exchange, DEMO)
        exchange.set_fills(delay_ms=200)
        order = submit(client, market_order("KO"))
        exchange.kill()
        exchange.start()
        filled(client, order)


def test_scripted_prices_accounts_and_sessions_survive(home: Path, connect: Any) -> None:
    with ExchangeProcess(home) as exchange:
        exchange.set_price("KO", "12.34")
        exchange.set_clock(is_open=False)
        made = exchange.add_account("made", cash="5")
        exchange.change_account("made", account_number="PA3CHANGED01", rate_limit=7)
        exchange.kill()
        exchange.start()
        assert exchange.control("GET", "/prices/KO").json() == {"bid": "12.34", "ask": "12.34", "last": "12.34"}
        client = connect(exchange, made)
        assert (client.get_account().account_number, client.get_account().cash) == ("PA3CHANGED01", "5")
        assert not client.get_clock().is_open


def test_a_torn_last_line_is_cut_off(home: Path, connect: Any) -> None:
    with ExchangeProcess(home) as exchange:
        client = connect(exchange, DEMO)
        submit(client, limit_order(price=1, client_order_id="whole"))
        exchange.kill()
        with exchange.journal.open("ab") as journal:
            journal.write(b'{"event":"order","id":"half')
        exchange.start()
        submit(client, limit_order(price=1, client_order_id="after"))
        exchange.kill()
        exchange.start()
        assert [o["client_order_id"] for o in exchange.ledger()["orders"]] == ["whole", "after"]
        assert all(json.loads(line) for line in exchange.journal.read_text().splitlines())


def test_a_damaged_line_in_the_middle_is_refused_in_one_line(home: Path) -> None:
    with ExchangeProcess(home) as exchange:
        exchange.add_account("second")
        exchange.kill()
        exchange.journal.write_text("rubbish\n" + exchange.journal.read_text())
        assert_refused(exchange, "line 1 is damaged")


def test_a_journal_of_another_version_is_refused_in_one_line(home: Path) -> None:
    with ExchangeProcess(home) as exchange:
        exchange.kill()
        exchange.journal.write_text('{"event":"merger"}\n' + exchange.journal.read_text())
        assert_refused(exchange, "the journal is of another version: 'merger'")


def test_a_journal_from_before_stops_and_replacements_is_read(home: Path, connect: Any) -> None:
    account = {"name": "old", "key_id": "PKOLD", "secret_key": "old-secret", "account_number": "PA3OLD", "cash": "1000"}
    order = {
        "account": "old",
        "id": str(uuid.UUID(int=7)),
        "client_order_id": "before",
        "symbol": "DIS",
        "asset_class": "us_equity",
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "qty": "2",
        "limit_price": "90",
        "extended_hours": False,
        "position_intent": "buy_to_open",
        "multiplier": "1",
        "received_us": 1_000_000,
        "reserve": "180",
        "hold": "0",
    }
    lines: list[dict[str, Any]] = [
        {"event": "account", "at_ns": 1, "id": "a", "rate_limit": 200, "shorting_enabled": False, **account},
        {"event": "fill_rule", "at_ns": 2, "symbol": None, "changes": {"delay_ms": 5}},
        {"event": "order", "at_ns": 3, **order},
    ]
    journal = home / "data" / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with ExchangeProcess(home) as process:
        shown = connect(process, account).get_order_by_client_id("before")
        assert (shown.status.value, shown.stop_price, shown.notional, shown.replaces) == ("new", None, None, None)
        assert process.ledger("old")["reserved"] == "180"


def test_a_second_exchange_on_the_same_data_is_refused_in_one_line(home: Path) -> None:
    with ExchangeProcess(home) as exchange:
        second = ExchangeProcess(home)
        second.log = home / "second.log"
        assert_refused(second, f"another exchange is using {exchange.journal.parent}")
        assert exchange.control("GET", "/health").ok


def test_a_taken_port_is_refused_in_one_line(home: Path) -> None:
    exchange = ExchangeProcess(home)
    with socket.create_server(("127.0.0.1", exchange.port)):
        assert_refused(exchange, f"cannot listen on 127.0.0.1:{exchange.port}")


def test_a_wrong_accounts_file_is_refused_in_one_line(home: Path) -> None:
    assert_refused(ExchangeProcess(home, [{"name": "no-keys"}]), "key_id: is required")


def assert_refused(exchange: ExchangeProcess, message: str) -> None:
    exchange.launch()
    assert exchange.wait() == 1
    said = exchange.log.read_text().splitlines()[-1]
    assert said.startswith("exchange: ")
    assert message in said
    assert "Traceback" not in exchange.log.read_text()


def test_changed_keys_in_the_accounts_file_replace_the_old_ones(home: Path, connect: Any) -> None:
    with ExchangeProcess(home) as exchange:
        filled(connect(exchange, DEMO), submit(connect(exchange, DEMO), market_order()))
        exchange.kill()
    renewed = DEMO | {"secret_key": "renewed", "cash": "1"}
    with ExchangeProcess(home, [renewed]) as exchange:
        assert connect(exchange, renewed).get_account().cash == "99809.98"
        assert refusal(connect(exchange, DEMO).get_account)[0] == 401


@pytest.mark.parametrize("kind", ["hang", "delay", "trickle"])
def test_a_stop_signal_ends_it_whatever_hangs(home: Path, kind: str) -> None:
    with ExchangeProcess(home) as exchange:
        exchange.add_fault(kind, delay_ms=60_000)
        with socket.create_connection(("127.0.0.1", exchange.port)) as client:
            keys = f"APCA-API-KEY-ID: {DEMO['key_id']}\r\nAPCA-API-SECRET-KEY: {DEMO['secret_key']}\r\n"
            client.sendall(f"GET /v2/account HTTP/1.1\r\nHost: x\r\n{keys}\r\n".encode())
            eventually(lambda: exchange.faults()[0]["fired"])
            began = time.monotonic()  # noqa: TID251  a real stop is measured
            assert exchange.stop() == 0
            assert time.monotonic() - began < 10  # noqa: TID251  far below the minute it would hang
        log = exchange.log.read_text()
        assert [line.split(" exchange ")[1].split()[1] for line in log.splitlines()] == ["started", "stopped"]


def test_a_stop_signal_does_not_wait_for_a_long_question(home: Path) -> None:
    question = "/v2/stocks/bars?symbols=AAPL,KO,F,SPY&timeframe=23Hour&start=2016-01-04&limit=10000"
    with ExchangeProcess(home) as exchange, socket.create_connection(("127.0.0.1", exchange.port)) as client:
        keys = f"APCA-API-KEY-ID: {DEMO['key_id']}\r\nAPCA-API-SECRET-KEY: {DEMO['secret_key']}\r\n"
        client.sendall(f"GET {question} HTTP/1.1\r\nHost: x\r\n{keys}\r\n".encode())
        time.sleep(0.2)
        began = time.monotonic()  # noqa: TID251  a real stop is measured
        assert exchange.stop() == 0
        assert time.monotonic() - began < 5  # noqa: TID251  the question takes longer
        assert "Traceback" not in exchange.log.read_text()


def test_no_key_is_ever_logged(home: Path, connect: Any) -> None:
    with ExchangeProcess(home) as exchange:
        refusal(connect(exchange, DEMO | {"secret_key": "wrong-secret"}).get_account)
        filled(connect(exchange, DEMO), submit(connect(exchange, DEMO), market_order()))
        exchange.stop()
        log = exchange.log.read_text()
    assert not [word for word in (DEMO["secret_key"], DEMO["key_id"], "wrong-secret") if word in log]
    assert exchange.journal.stat().st_mode & 0o077 == 0
