"""Fifty buys at once over real workers: exactly as many are placed as the account can pay for (ACC-002)."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stack.processes import PROJECT_ROOT
from tests.support.house import House, exchange_accounts, house, until

ROUNDS, BUYS = 5, 50
TAKEN = ("accepted", "partially_filled", "filled")


@pytest.fixture(scope="module")
def desk() -> Iterator[House]:
    """A house of its own, with a second entries worker, whose accounts judge by either rule."""
    rules: dict[str, dict[str, Any]] = {
        entry["name"]: {"balance_rule": "before" if number < ROUNDS else "after", "cash": "11000"}
        for number, entry in enumerate(exchange_accounts()[: 2 * ROUNDS])
    }
    rules |= {"acc-20": {"on_balance_error": "allow"}, "acc-21": {"on_balance_error": "deny"}}
    with house(overrides=rules) as made:
        made.exchange.set_fills(never=True)
        environ = made.servers.environ | {"OPITIOS_PROCESS": "worker-entries-2", "PYTHONPATH": str(PROJECT_ROOT)}
        second = subprocess.Popen([sys.executable, "-m", "tasks.worker", "entries"], env=environ, cwd=PROJECT_ROOT)
        try:
            yield made
        finally:
            os.kill(second.pid, signal.SIGTERM)
            second.wait(20)


def settled(desk: House, href: str) -> dict[str, Any]:
    """Return the order once the claim and the broker have spoken."""
    return until(lambda: (found := desk.order(href))["status"] in {"rejected", *TAKEN} and found, 40)  # type: ignore[no-any-return]


@pytest.mark.requirement("ACC-002", "FR-002")
@pytest.mark.parametrize(("rule", "fitting"), [("before", 4), ("after", 3)])
def test_exactly_as_many_buys_are_placed_as_fit(desk: House, rule: str, fitting: int) -> None:
    first = 0 if rule == "before" else ROUNDS
    for number in range(first, first + ROUNDS):
        account = f"acc-{number}"
        with ThreadPoolExecutor(10) as pool:
            hrefs = list(
                pool.map(lambda _, a=account: desk.placed(a, qty="20", type="limit", limit_price="100"), range(BUYS))
            )
            orders = list(pool.map(lambda href: settled(desk, href), hrefs))
        placed = [order for order in orders if order["status"] in TAKEN]
        refused = [order for order in orders if order["status"] == "rejected"]
        assert (len(placed), len(refused)) == (fitting, BUYS - fitting)
        assert len(desk.exchange.ledger(account)["orders"]) == fitting
        numbers = refused[-1]["timeline"][-1]["detail"]["checks"]["minimum_balance"]
        assert numbers["order_cost"] == "2000"
        assert numbers["minimum"] == "5000"
        assert (numbers["available"], numbers["reserved"]) == (str(11000 - 2000 * fitting), str(2000 * fitting))


@pytest.mark.requirement("ACC-002", "FR-002")
@pytest.mark.parametrize(("account", "status"), [("acc-20", "accepted"), ("acc-21", "rejected")])
def test_without_a_balance_the_account_decides(desk: House, account: str, status: str) -> None:
    desk.exchange.add_fault("504_before", account=account, path="/v2/account", times=None)
    desk.sql(
        "UPDATE trading.balances SET read_at = now() - interval '10 minutes' "
        "WHERE account_id = (SELECT account_id FROM trading.accounts WHERE name = %s)",
        account,
    )
    order = settled(desk, desk.placed(account, type="limit", limit_price="100"))
    assert order["status"] == status
    claim = order["timeline"][1]
    assert claim["detail"]["checks"]["minimum_balance"]["reason_code"] == "balance_unavailable"
    assert claim["detail"]["warnings"] == (["balance_unavailable"] if status == "accepted" else [])
