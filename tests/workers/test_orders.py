"""The real worker of entries, its Redis and its own end: what becomes of the order it has in hand."""

import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from pytest_celery import CeleryTestSetup, CeleryTestWorker, CeleryWorkerCluster, RedisTestBroker

from config.celery import PLACE_ENTRY
from tasks.context import Context
from tasks.settling import settle_order
from tests.support.house import Bed, kinds, make_due, order, plain, request, until
from tests.workers.local import LocalWorker

StartEntries = Callable[[str], CeleryTestWorker]


@pytest.fixture
def ctx(quiet: Bed) -> Iterator[Context]:
    yield quiet.context()
    quiet.exchange.remove_faults()


@pytest.fixture
def start_entries(ctx: Context, quiet: Bed, celery_broker: RedisTestBroker, tmp_path: Path) -> Iterator[StartEntries]:
    """Start workers of entries on the test's own Redis; each is ended with the test."""
    account = ctx.settings.accounts[0]
    secrets = tmp_path / "secrets.yml"
    secrets.write_text(yaml.safe_dump({"accounts": {account.name: plain(account)}}), encoding="utf-8")
    environ = {
        "OPITIOS_HOME": str(tmp_path),
        "OPITIOS_CONFIG": str(secrets),
        "OPITIOS_APP_DATABASE_URL": ctx.settings.app_database_url.get_secret_value(),
        "OPITIOS_EXCHANGE_URL": quiet.exchange.url,
        "REDIS_URL": celery_broker.config()["url"],
    }
    started: list[LocalWorker] = []

    def start(name: str) -> CeleryTestWorker:
        argv = [sys.executable, "-m", "tasks.worker", "entries"]
        log = tmp_path / "logs" / "app" / f"{name}.log"
        container = LocalWorker(name, argv, tmp_path, environ | {"OPITIOS_PROCESS": name}, log=log)
        started.append(container)
        return CeleryTestWorker(container, app=None)

    yield start
    for container in started:
        container.teardown()


@pytest.fixture
def celery_worker_cluster(start_entries: StartEntries) -> CeleryWorkerCluster:
    return CeleryWorkerCluster(start_entries("first"), start_entries("second"))


def hinted(setup: CeleryTestSetup, ctx: Context) -> uuid.UUID:
    order_id = request(ctx)
    setup.app.send_task(PLACE_ENTRY, (str(order_id),))
    return order_id


def by_hand(setup: CeleryTestSetup, ctx: Context, order_id: uuid.UUID) -> tuple[CeleryTestWorker, CeleryTestWorker]:
    """Return the worker that has the order in hand, and the other."""
    owner = str(order(ctx, order_id).lease_owner)
    first, second = setup.worker_cluster
    return (first, second) if owner.startswith(first.name()) else (second, first)


def status(ctx: Context, order_id: uuid.UUID) -> str:
    return str(order(ctx, order_id).status)


def test_what_has_begun_is_finished_by_a_worker_that_is_told_to_end(
    celery_setup: CeleryTestSetup, ctx: Context, quiet: Bed
) -> None:
    assert celery_setup.ready()
    quiet.exchange.add_fault("delay", account=ctx.settings.accounts[0].name, method="POST", delay_ms=1500)
    order_id = hinted(celery_setup, ctx)
    until(lambda: status(ctx, order_id) == "submitting")

    for worker in celery_setup.worker_cluster:
        worker.container.process.send(signal.SIGTERM)

    assert [worker.container.process.wait() for worker in celery_setup.worker_cluster] == [0, 0]
    assert status(ctx, order_id) == "accepted"
    assert kinds(ctx, order_id) == ["requested", "submitting", "accepted"]


def test_a_restart_of_redis_under_an_order_costs_neither_the_order_nor_its_worker(
    celery_setup: CeleryTestSetup, ctx: Context, quiet: Bed
) -> None:
    assert celery_setup.ready()
    quiet.exchange.add_fault("delay", account=ctx.settings.accounts[0].name, method="POST", delay_ms=3000)
    order_id = hinted(celery_setup, ctx)
    until(lambda: status(ctx, order_id) == "submitting")

    owner, other = by_hand(celery_setup, ctx, order_id)
    other.kill()
    celery_setup.broker.restart()

    until(lambda: status(ctx, order_id) == "accepted")
    after = hinted(celery_setup, ctx)
    until(lambda: status(ctx, after) == "accepted", 20)
    assert owner.container.process.status == "running"


def test_the_order_of_a_killed_worker_is_settled_once_while_the_other_goes_on(
    celery_setup: CeleryTestSetup, ctx: Context, quiet: Bed
) -> None:
    assert celery_setup.ready()
    account = ctx.settings.accounts[0].name
    quiet.exchange.add_fault("hang_after", account=account, method="POST")
    order_id = hinted(celery_setup, ctx)
    until(lambda: quiet.exchange.ledger(account)["orders"])

    killed, other = by_hand(celery_setup, ctx, order_id)
    killed.kill()

    after = hinted(celery_setup, ctx)
    until(lambda: status(ctx, after) == "accepted")
    assert status(ctx, order_id) == "submitting"
    make_due(ctx, order_id)
    settle_order(ctx, order_id)
    assert kinds(ctx, order_id) == ["requested", "submitting", "lease_expired", "unknown", "accepted"]
    assert len(quiet.exchange.ledger(account)["orders"]) == 2
    assert other.container.process.status == "running"
