"""A storm of orders on one account, from four workers: its limit holds over all of them, and exits go first."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.house import House, until
from tests.support.more_workers import more_workers
from tests.support.settings_file import settings_file

LIMIT = 60
THREADS = 8  # of each worker: so many requests may be on their way when the first is refused
WORKERS = [f"entries-{number}" for number in (2, 3, 4)]  # besides the house's own


@pytest.fixture(scope="module")
def crowded(running: House) -> Iterator[House]:
    """A house with four workers for entries."""
    with more_workers(running, WORKERS):
        yield running


@pytest.mark.requirement("US-SYSTEM-013")
def test_after_the_first_refusal_no_request_is_above_the_limit(crowded: House) -> None:
    account = crowded.account()
    crowded.ended(crowded.placed(account, qty="2"))
    crowded.exchange.change_account(account, rate_limit=LIMIT)  # the house believes in much more
    with ThreadPoolExecutor(THREADS) as callers:
        orders = list(callers.map(lambda _: crowded.placed(account, type="limit", limit_price="1"), range(120)))
    first = _arrived(crowded, account)
    assert first <= (len(WORKERS) + 2) * THREADS  # the workers of polls and balances ask too
    sell = crowded.placed(account, side="sell", qty="1")
    until(lambda: crowded.order(sell)["timeline"][-1]["reason_code"] == "rate_budget")
    until(lambda: sum(crowded.order(href)["status"] == "requested" for href in orders) > 10)
    assert refused(crowded, account) == first


@pytest.mark.requirement("US-SYSTEM-013")
def test_an_exit_behind_a_hundred_entries_leaves_before_them(crowded: House) -> None:
    account = crowded.account()
    crowded.ended(crowded.placed(account, qty="2"))
    with settings_file(crowded) as file:
        file.change_account(account, rate_limit_per_minute=LIMIT)
        words = f"accounts.{account}.rate_limit_per_minute: 100000 -> {LIMIT}"
        until(lambda: file.told(words) >= {f"worker-{name}" for name in ("exits", "entries", *WORKERS)}, 20)
        with ThreadPoolExecutor(THREADS) as callers:
            list(
                callers.map(lambda _: crowded.placed(account, symbol="MSFT", type="limit", limit_price="1"), range(100))
            )
        crowded.placed(account, side="sell", qty="1")
        left = until(lambda: "sell" in (sides := _sides(crowded, account)) and sides, 20)
        crowded.call("DELETE", f"/api/v1/orders?account={account}")  # what waits is not for the tests after this one
    assert left.count("buy") < 60  # a burst and one a second: the rest of the hundred stand behind it


def _sides(house: House, account: str) -> list[str]:
    return [entry["side"] for entry in house.exchange.ledger(account)["orders"]]


def _arrived(house: House, account: str) -> int:
    """Return how many were refused once all that was on its way has arrived: the count stands still for a second."""
    until(lambda: refused(house, account) > 0)
    while True:
        seen = refused(house, account)
        time.sleep(1)
        if refused(house, account) == seen:
            return seen


def refused(house: House, account: str) -> int:
    return sum(
        int(entry["count"])
        for entry in house.exchange.request_counts()
        if entry["account"] == account and entry["status"] == "429"
    )
