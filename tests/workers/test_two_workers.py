"""Two workers on one queue: what a killed one had in hand comes to the other."""

import pytest
from pytest_celery import CeleryTestSetup, CeleryWorkerCluster

from stack.waiting import poll
from tests.workers.conftest import SLOW, StartSlow


@pytest.fixture
def celery_worker_cluster(start_slow: StartSlow) -> CeleryWorkerCluster:
    return CeleryWorkerCluster(start_slow("one", "shared"), start_slow("two", "shared"))


def test_the_task_of_a_killed_worker_is_done_by_the_other(celery_setup: CeleryTestSetup) -> None:
    assert celery_setup.ready(control=True)
    workers = list(celery_setup.worker_cluster)
    celery_setup.app.send_task(SLOW, ("the task", "2"), queue="shared")
    assert poll(lambda: any("the task begins" in worker.logs() for worker in workers), seconds=10)
    (first,) = (worker for worker in workers if "the task begins" in worker.logs())
    (other,) = (worker for worker in workers if worker is not first)

    first.kill()

    other.assert_log_exists("the task ends", timeout=15)
    assert "the task ends" not in first.logs()
