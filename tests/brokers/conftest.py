"""One exchange a module of tests, and a desk with a fresh account for each test that asks."""

import itertools
from collections.abc import Iterator

import pytest

from tests.brokers.desk import Desk, new_broker
from tests.support.exchange import ExchangeProcess

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    with ExchangeProcess(tmp_path_factory.mktemp("exchange")) as process:
        yield process


@pytest.fixture
def desk(running: ExchangeProcess) -> Iterator[Desk]:
    account = running.add_account(f"desk-{next(_NUMBERS)}", account_number="PA3DESK00001")
    broker = new_broker(running.url, (account["key_id"], account["secret_key"]))
    yield Desk(running, account["name"], broker)
    broker.close()
    running.remove_faults()
    running.set_fills(delay_ms=None, never=None, partial=None)
