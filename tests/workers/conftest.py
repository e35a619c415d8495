"""pytest-celery over local processes: its fixtures that are wanted, and those of ours that take the place of Docker's.

The plugin itself is off (pyproject.toml): loaded, it would shadow fixtures of every suite and multiply tests by the
brokers it knows. A Redis, its workers and the application that speaks to them are made anew for each test.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery
from pytest_celery import (
    CeleryTestWorker,
    RedisTestBroker,
    celery_broker_cluster,
    celery_broker_cluster_config,
    celery_setup,
    celery_setup_cls,
    celery_setup_config,
    celery_worker_cluster,
    celery_worker_cluster_config,
)

from config.celery import celery_settings
from stack.waiting import poll
from tests.workers.local import LocalRedis, LocalWorker

__all__ = [
    "celery_broker_cluster",
    "celery_broker_cluster_config",
    "celery_setup",
    "celery_setup_cls",
    "celery_setup_config",
    "celery_worker_cluster",
    "celery_worker_cluster_config",
]

SCRIPT = Path(__file__).with_name("slow_worker.py")
SLOW = "tests.slow"
"""Its task: a note for its output, seconds to sleep."""

StartSlow = Callable[..., CeleryTestWorker]


@pytest.fixture
def celery_broker(tmp_path: Path) -> Iterator[RedisTestBroker]:
    broker = RedisTestBroker(LocalRedis(tmp_path / "redis"))
    assert poll(broker.ready, seconds=10)
    yield broker
    broker.teardown()


@pytest.fixture
def celery_backend_cluster() -> None:
    """No results are kept: the row says what became of an order."""


@pytest.fixture
def celery_backend_cluster_config() -> None:
    """Likewise."""


@pytest.fixture
def celery_setup_app(celery_setup_config: dict[str, str]) -> Iterator[Celery]:
    app = Celery("opitios-test", set_as_current=False)
    app.conf.update(celery_settings(celery_setup_config["broker_url"], events=False))
    yield app
    app.close()


@pytest.fixture
def start_slow(tmp_path: Path, celery_broker: RedisTestBroker, celery_setup_app: Celery) -> Iterator[StartSlow]:
    """Start workers with a slow task; each is ended with the test."""
    started: list[LocalWorker] = []

    def start(name: str, queue: str, **environ: str) -> CeleryTestWorker:
        own = {"REDIS_URL": celery_broker.config()["url"], "OPITIOS_HOME": str(tmp_path), "OPITIOS_PROCESS": name}
        container = LocalWorker(name, [sys.executable, str(SCRIPT), name, queue], tmp_path, own | environ)
        started.append(container)
        return CeleryTestWorker(container, app=celery_setup_app)

    yield start
    for container in started:
        container.teardown()


@pytest.fixture
def celery_worker(start_slow: StartSlow) -> CeleryTestWorker:
    worker = start_slow("slow", "slow")
    assert worker.ready()
    return worker
