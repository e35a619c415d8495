"""One exchange a module of tests, cleaned between tests, and the unmodified clients that talk to it."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from alpaca.trading.client import TradingClient

from tests.exchange.helpers import Ask
from tests.support.exchange import DEMO, ExchangeProcess

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    with ExchangeProcess(tmp_path_factory.mktemp("exchange")) as process:
        yield process
    assert "Traceback" not in process.log.read_text()


@pytest.fixture(scope="module")
def ask(running: ExchangeProcess) -> Iterator[Ask]:
    """Give what answers a GET: status and body."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update({"APCA-API-KEY-ID": DEMO["key_id"], "APCA-API-SECRET-KEY": DEMO["secret_key"]})

        def asked(path: str) -> tuple[int, Any]:
            answer = session.get(running.url + path, timeout=20)
            return answer.status_code, answer.json()

        yield asked


@pytest.fixture
def exchange(running: ExchangeProcess) -> Iterator[ExchangeProcess]:
    """The module's exchange with default fills, no faults, an open market and the right time."""
    yield running
    running.remove_faults()
    running.set_fills(delay_ms=None, never=None, partial=None, cancel_delay_ms=None)
    running.set_clock(is_open=True)
    running.set_clock_offset(0)
    running.set_price("DIS", bid="94.98", ask="95.02", last="95")  # the one that tests move


@pytest.fixture
def account(exchange: ExchangeProcess) -> dict[str, Any]:
    """A fresh account with 100,000 USD, so that no test sees another's orders."""
    return exchange.add_account(f"account-{next(_NUMBERS)}")


ClientMaker = Callable[..., TradingClient]


@pytest.fixture
def connect() -> Iterator[ClientMaker]:
    """Make trading clients whose sockets are closed at the end; `patient=False` switches their retries off."""
    made: list[TradingClient] = []

    def connect_to(exchange: ExchangeProcess, account: dict[str, Any], *, patient: bool = False) -> TradingClient:
        client = TradingClient(account["key_id"], account["secret_key"], url_override=exchange.url)
        client._session.trust_env = False
        if not patient:
            client._retry = 0
        made.append(client)
        return client

    yield connect_to
    for client in made:
        client._session.close()


@pytest.fixture
def client(exchange: ExchangeProcess, account: dict[str, Any], connect: ClientMaker) -> TradingClient:
    return connect(exchange, account)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "exchange"
