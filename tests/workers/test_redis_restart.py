"""Redis goes away under a running task: the guarded worker goes on, and the guard is still needed."""

import pytest
from pytest_celery import CeleryTestSetup, CeleryTestWorker, CeleryWorkerCluster

from stack.waiting import poll
from tests.workers.conftest import SLOW, StartSlow

LONGER_THAN_THE_RESTART_S = "6"


@pytest.fixture
def celery_worker_cluster(start_slow: StartSlow) -> CeleryWorkerCluster:
    return CeleryWorkerCluster(
        start_slow("guarded", "guarded"), start_slow("unguarded", "unguarded", OPITIOS_TEST_UNGUARDED="yes")
    )


def test_a_worker_outlives_redis_under_its_task_and_dies_without_the_guard(celery_setup: CeleryTestSetup) -> None:
    assert celery_setup.ready()
    guarded, unguarded = celery_setup.worker_cluster
    for queue in ("guarded", "unguarded"):
        celery_setup.app.send_task(SLOW, (f"first {queue}", LONGER_THAN_THE_RESTART_S), queue=queue)
    for worker in (guarded, unguarded):
        worker.wait_for_log("begins", timeout=10)

    celery_setup.broker.restart()

    assert poll(lambda: ended(unguarded), seconds=15), "kombu needs its guard no longer: remove events/kombu_guard.py"
    unguarded.assert_log_exists("Unrecoverable error: AttributeError", timeout=1)
    guarded.assert_log_exists("first guarded ends", timeout=10)
    celery_setup.app.send_task(SLOW, ("second", "0"), queue="guarded")
    guarded.assert_log_exists("second ends", timeout=15)
    assert not ended(guarded)


def ended(worker: CeleryTestWorker) -> bool:
    return worker.container.process.exit_code is not None
