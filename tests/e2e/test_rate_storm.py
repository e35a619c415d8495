"""A storm of orders on one account: after a refusal nobody asks more until the broker's minute is over."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.house import House, until

LIMIT = 60
THREADS = 8  # of the entries worker: so many requests may be on their way when the first is refused


@pytest.mark.requirement("US-SYSTEM-013")
def test_after_the_first_refusal_no_request_is_above_the_limit(running: House) -> None:
    account = running.account()
    running.ended(running.placed(account, qty="2"))
    running.exchange.change_account(account, rate_limit=LIMIT)  # the house believes in much more
    with ThreadPoolExecutor(THREADS) as callers:
        orders = list(callers.map(lambda _: running.placed(account, type="limit", limit_price="1"), range(120)))
    first = _arrived(running, account)
    assert first <= THREADS + 2
    sell = running.placed(account, side="sell", qty="1")
    until(lambda: running.order(sell)["timeline"][-1]["reason_code"] == "rate_budget")
    until(lambda: sum(running.order(href)["status"] == "requested" for href in orders) > 10)
    assert refused(running, account) == first


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
