"""What holds, whatever dies: killed, stopped, emptied, doubled; the exchange's own ledger is the judge (DESIGN 3)."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from config.redis_names import SYSTEM_STATUS
from domain.system_status import OPERATIONAL
from stack.processes import PROJECT_ROOT
from tests.support.callers import Answer, Callers, Intent, at_once, p95
from tests.support.house import House, house, until
from tests.support.ports import free_ports
from tests.support.stopped import stopped

ACCOUNTS = 4
_UNFILLED = """
SELECT o.status, o.due_at - now() AS due_in, o.lease_until - now() AS lease_for, e.stage, e.event_type, e.reason_code,
       now() - e.occurred_at AS ago, e.process
  FROM trading.orders o JOIN trading.accounts a USING (account_id) JOIN audit.order_events e USING (order_id)
 WHERE a.name = ANY(%s) AND o.status <> 'filled' ORDER BY o.order_id, e.occurred_at
"""


@dataclass
class Crew:
    """A house with a second API and a second entries worker, and callers that know both APIs."""

    house: House
    second_worker: int
    callers: Callers
    _names: Iterator[int] = field(default_factory=count)

    def intents(self, number: int, accounts: int = ACCOUNTS, **terms: str) -> list[Intent]:
        """Return so many wishes over fresh accounts."""
        names = [self.house.account() for _ in range(accounts)]
        wanted = {"symbol": "F", "side": "buy", "qty": "1"} | terms
        return [Intent(f"intent-{next(self._names)}", names[n % accounts], wanted) for n in range(number)]

    def rows(self, statement: str, intents: Sequence[Intent]) -> list[Any]:
        """Return rows about the orders of these accounts (`%s`), as the database's owner sees them."""
        names = sorted({intent.account for intent in intents})
        with self.house.servers.connect() as connection:
            return connection.execute(statement.encode(), (names,)).fetchall()

    def statuses(self, intents: Sequence[Intent]) -> Counter[str]:
        """Count the orders of these accounts by status."""
        found = self.rows(
            "SELECT o.status, count(*) FROM trading.orders o JOIN trading.accounts a USING (account_id) "
            "WHERE a.name = ANY(%s) GROUP BY o.status",
            intents,
        )
        return Counter({str(status): int(number) for status, number in found})

    def events(self, intents: Sequence[Intent]) -> Counter[str]:
        """Count the audit events of these accounts by kind."""
        found = self.rows(
            "SELECT e.event_type, count(*) FROM audit.order_events e JOIN trading.accounts a USING (account_id) "
            "WHERE a.name = ANY(%s) GROUP BY e.event_type",
            intents,
        )
        return Counter({str(kind): int(number) for kind, number in found})

    def held_by(self, process: str, intents: Sequence[Intent]) -> int:
        """Count the orders of these accounts that a worker has in its hands."""
        found = self.rows(
            "SELECT o.lease_owner FROM trading.orders o JOIN trading.accounts a USING (account_id) "
            "WHERE a.name = ANY(%s) AND o.status = 'submitting'",
            intents,
        )
        return sum(owner == process for (owner,) in found)

    def all_filled(self, intents: Sequence[Intent], seconds: float = 90) -> None:
        """Wait until every wish is a filled order; AssertionError that tells of those that are not."""
        try:
            until(lambda: self.statuses(intents) == {"filled": len(intents)} or None, seconds)
        except AssertionError as late:
            late.add_note("\n".join(str(row) for row in self.rows(_UNFILLED, intents)))
            raise

    def judge(self, intents: Sequence[Intent]) -> None:
        """Hold our record against the exchange's: each wish one order there, filled once, and no order besides."""
        ours = self.rows(
            "SELECT o.broker_client_id, o.filled_qty, (SELECT sum(f.qty) FROM trading.fills f "
            "WHERE f.order_id = o.order_id) FROM trading.orders o JOIN trading.accounts a USING (account_id) "
            "WHERE a.name = ANY(%s)",
            intents,
        )
        theirs: list[dict[str, Any]] = []
        for name in {intent.account for intent in intents}:
            theirs += self.house.exchange.ledger(name)["orders"]
        assert len(theirs) == len(intents)
        assert {order["client_order_id"] for order in theirs} == {row[0] for row in ours}
        assert {order["filled_qty"] for order in theirs} == {"1"}
        assert {(row[1], row[2]) for row in ours} == {(1, 1)}


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    with house() as made:
        (port,) = free_ports(1)
        environ = made.servers.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
        api = _run(environ | {"OPITIOS_PROCESS": "api-2", "OPITIOS_API_PORT": str(port)}, "api")
        worker = _run(environ | {"OPITIOS_PROCESS": "worker-entries-2"}, "tasks.worker", "entries")
        callers = Callers(made.token, [made.settings.api_port, port])
        try:
            until(lambda: callers.post(Intent("ready", "nobody"), 1), 30)
            yield Crew(made, worker.pid, callers)
        finally:
            callers.close()
            for process in (api, worker):
                process.send_signal(signal.SIGCONT)
                process.terminate()
                process.wait(20)


def _run(environ: dict[str, str], *words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", *words], env=environ, cwd=PROJECT_ROOT)


def pid_of(crew: Crew, name: str) -> int:
    return int(until(lambda: crew.house.servers.pid(name), 20))


def ids(answers: Sequence[Answer]) -> list[str]:
    assert {answer.status for answer in answers} == {202}
    return [answer.body["order_id"] for answer in answers]


@pytest.mark.requirement("TRD-001", "FR-005")
def test_killed_workers_and_apis_lose_and_double_nothing(crew: Crew) -> None:
    intents = crew.intents(200)
    crew.house.exchange.add_fault("delay", method="POST", path="/v2/orders", times=None, delay_ms=250)
    done = count(1)

    def insist(intent: Intent) -> Answer:
        answer = crew.callers.insist(intent, first=int(intent.key.rpartition("-")[2]))
        if next(done) in {60, 130}:  # in the midst of it
            os.kill(pid_of(crew, "worker-entries"), signal.SIGKILL)
            os.kill(pid_of(crew, "api"), signal.SIGKILL)
        return answer

    answers = at_once(insist, intents)
    assert len(set(ids(answers))) == 200
    assert max(answer.requests for answer in answers) > 1  # a caller was cut off, and asked again
    crew.all_filled(intents)
    crew.house.exchange.remove_faults()
    assert crew.events(intents)["lease_expired"] > 0  # a worker died with orders in its hands
    crew.judge(intents)


@pytest.mark.requirement("TRD-001")
def test_a_worker_stopped_beyond_its_lease_changes_nothing(crew: Crew) -> None:
    intents = crew.intents(60)
    crew.house.exchange.add_fault("delay", method="POST", path="/v2/orders", times=None, delay_ms=800)
    worker = pid_of(crew, "worker-entries")
    ids(at_once(crew.callers.insist, intents))
    until(lambda: crew.held_by(f"worker-entries:{worker}", intents) >= 2)
    with stopped(worker):
        crew.all_filled(intents)
        before = crew.rows(
            "SELECT o.order_id, o.status, o.fence, o.filled_qty, o.reserved, o.spent FROM trading.orders o "
            "JOIN trading.accounts a USING (account_id) WHERE a.name = ANY(%s) ORDER BY 1",
            intents,
        )
    until(lambda: crew.events(intents)["late_result"], 20)  # it goes on, and what it brings is too late
    crew.house.exchange.remove_faults()
    after = crew.rows(
        "SELECT o.order_id, o.status, o.fence, o.filled_qty, o.reserved, o.spent FROM trading.orders o "
        "JOIN trading.accounts a USING (account_id) WHERE a.name = ANY(%s) ORDER BY 1",
        intents,
    )
    assert [row[:4] for row in after] == [row[:4] for row in before]
    crew.judge(intents)


@pytest.mark.requirement("TRD-001")
def test_orders_that_wait_survive_a_flushed_redis(crew: Crew) -> None:
    intents = crew.intents(100)
    broker = crew.house.servers.broker()
    with stopped(pid_of(crew, "worker-entries"), crew.second_worker):
        ids(at_once(crew.callers.insist, intents))
        until(lambda: int(broker.llen("orders.entry")) >= 50)
        broker.flushall()
        assert crew.statuses(intents) == {"requested": 100}
    broker.close()
    crew.all_filled(intents)
    crew.judge(intents)


@pytest.mark.requirement("TRD-001")
def test_a_hung_redis_does_not_slow_the_answers(crew: Crew) -> None:
    healthy, hung = crew.intents(100), crew.intents(100)
    workers = {name: pid_of(crew, name) for name in ("worker-entries", "worker-exits", "worker-background", "relay")}
    log = crew.house.servers.home.logs / "app" / "relay.log"
    usual = [answer.took_ms for answer in at_once(crew.callers.insist, healthy)]
    crew.all_filled(healthy)
    with stopped(pid_of(crew, "redis")):
        answers = at_once(crew.callers.insist, hung)
        assert crew.statuses(hung) == {"requested": 100}
        until(lambda: "Redis connection lost" in log.read_text(), 20)
    slow = [answer.took_ms for answer in answers]
    assert p95(slow) <= 3 * p95(usual) + 20, (p95(slow), p95(usual))
    assert max(slow) < 2000
    crew.all_filled(hung)
    crew.judge(healthy + hung)
    until(lambda: "Redis connection restored" in log.read_text(), 20)
    told = "SELECT resolved_at FROM trading.notifications WHERE kind = 'redis_unavailable'"
    with crew.house.servers.connect() as connection:
        until(lambda: (rows := connection.execute(told).fetchall()) and all(row[0] for row in rows), 20)
    broker = crew.house.servers.broker()
    assert json.loads(broker.hget(SYSTEM_STATUS, "event") or "{}")["message"] == OPERATIONAL
    broker.close()
    assert workers == {name: pid_of(crew, name) for name in workers}  # nobody died of it


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_thousand_wishes_asked_for_five_times_are_a_thousand_orders(crew: Crew) -> None:
    intents = crew.intents(1000, accounts=10)
    asked = [intent for intent in intents for _ in range(5)]  # the five of one wish stand together: they race
    turn = count()
    answers = at_once(lambda intent: crew.callers.insist(intent, first=next(turn)), asked)
    named: dict[str, set[str]] = {}
    for intent, order_id in zip(asked, ids(answers), strict=True):
        named.setdefault(intent.key, set()).add(order_id)
    assert {len(found) for found in named.values()} == {1}
    assert len(set().union(*named.values())) == 1000
    crew.all_filled(intents)
    crew.judge(intents)


@pytest.mark.requirement("ACC-002", "FR-002")
@pytest.mark.parametrize("late_ms", [500, 3000], ids=["told before our poll", "told after it"])
def test_a_fill_during_a_balance_read_never_frees_money_twice(crew: Crew, late_ms: int) -> None:
    exchange, account = crew.house.exchange, crew.house.account()
    exchange.change_account(account, cash="10500")
    until(lambda: crew.house.cash(account) == "10500", 30)
    href = crew.house.placed(account, symbol="SPY", qty="12", type="limit", limit_price="500")  # 6,000 of it
    until(lambda: crew.house.order(href)["status"] == "accepted")
    late = exchange.add_fault("late", account=account, path="^/v2/account$", delay_ms=late_ms)
    exchange.add_fault("504_before", account=account, path="^/v2/account$", times=None)  # and nobody tells it better
    until(lambda: next(entry["fired"] for entry in exchange.faults() if entry["id"] == late), 30)
    told_before = crew.house.call("GET", f"/api/v1/accounts/{account}").json()["balance_read_at"]
    exchange.release(account=account)  # the cash that is being told as 10,500 is 4,500 now
    if late_ms > 1000:  # so late that we are to know of the fill before
        crew.house.sql("UPDATE trading.orders SET due_at = now() WHERE order_id = %s", href.rpartition("/")[2])
    with watched(crew, account) as figures:
        assert crew.house.ended(href)["status"] == "filled"
        until(lambda: figures and figures[-1]["balance_read_at"] != told_before, 30)
        assert figures[-1]["cash"] == "10500"
        early = crew.house.ended(crew.house.placed(account, symbol="KO", qty="1"))
        exchange.remove_faults()
        until(lambda: (figures[-1]["cash"], figures[-1]["available"]) == ("4500", "4500"), 30)
        later = crew.house.ended(crew.house.placed(account, symbol="KO", qty="1"))
    assert max(Decimal(entry["available"]) for entry in figures) == 4500  # the money was never there twice
    for refused in (early, later):
        assert (refused["status"], refused["reason_code"]) == ("rejected", "insufficient_balance")
    seen = [order["timeline"][-1]["detail"]["checks"]["minimum_balance"] for order in (early, later)]
    assert [(numbers["available"], numbers["reserved"]) for numbers in seen] == [("4500", "6000"), ("4500", "0")]


@contextmanager
def watched(crew: Crew, account: str) -> Iterator[list[dict[str, Any]]]:
    """Read the account's figures all the while."""
    figures: list[dict[str, Any]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.03):
            figures.append(crew.house.call("GET", f"/api/v1/accounts/{account}").json())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield figures
    finally:
        over.set()
        watcher.join()
