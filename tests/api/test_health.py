"""Health answers while a part of the house hangs, and shows every process's connections (MON-001, US-SYSTEM-020)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.main import create_app
from config.clock import SYSTEM_CLOCK
from config.settings import Settings
from domain.breaker import BreakerRules
from tests.api.conftest import SECRET
from tests.support.house import Bed
from tests.support.serving import Caller, serve
from tests.support.stopped import stopped


@pytest.fixture
def settings(quiet: Bed) -> Settings:
    return quiet.context().settings.model_copy(update={"jwt_secret": SecretStr(SECRET), "process": "api"})


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[Caller]:
    with serve(app, "nobody") as made:
        yield made


def timed(client: Caller) -> tuple[int, dict[str, object], float]:
    """Return status, body and the ms it took."""
    began = SYSTEM_CLOCK.monotonic_ms()
    answer = client.get("/health")
    return answer.status_code, answer.json(), SYSTEM_CLOCK.monotonic_ms() - began


@pytest.mark.parametrize(("part", "status", "code"), [("redis", "degraded", 200), ("postgres", "down", 503)])
def test_a_part_that_hangs_is_named_in_time(quiet: Bed, client: Caller, part: str, status: str, code: int) -> None:
    assert timed(client)[1]["parts"]["redis"]["state"] == "healthy"  # type: ignore[index]
    pid = quiet.servers.pid(part)
    assert pid is not None
    with stopped(pid):
        answers = [timed(client) for _ in range(2)]
    for answered, said, took_ms in answers:
        assert (answered, said["status"]) == (code, status)
        assert said["parts"]["redis" if part == "redis" else "database"]["state"] == "down"  # type: ignore[index]
        assert took_ms < 2500
    assert timed(client)[0] == 200


@pytest.mark.requirement("US-SYSTEM-020")
def test_a_caller_is_refused_in_time_while_every_connection_is_taken(app: FastAPI) -> None:
    state = app.state.opitios
    held, go = Barrier(state.settings.database.pool_max + 1), Event()

    def hold(_: int) -> None:
        with state.database.statement():
            held.wait(5)
            go.wait(10)

    with serve(app, "nobody") as client, ThreadPoolExecutor(state.settings.database.pool_max) as threads:
        threads.map(hold, range(state.settings.database.pool_max))
        held.wait(5)
        began = SYSTEM_CLOCK.monotonic_ms()
        answer = client.post("/api/v1/auth/login", json={"username": "admin", "password": "a password of test"})
        took_ms = SYSTEM_CLOCK.monotonic_ms() - began
        go.set()
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/store_unavailable")
    assert answer.headers["Retry-After"]
    assert took_ms < 2500


@pytest.mark.requirement("US-SYSTEM-020")
def test_the_connections_of_every_process_are_shown(quiet: Bed, app: FastAPI, client: Caller) -> None:
    ctx = quiet.context()
    ctx._report(ctx.database.stats())
    state = app.state.opitios
    state.report(state.database.stats())
    said = timed(client)[1]
    shown = {gauges["process"].partition(":")[0]: gauges for gauges in said["processes"]}  # type: ignore[attr-defined]
    assert {"api", "worker-test"} <= shown.keys()
    for gauges in shown.values():
        assert gauges["pool"].keys() == {
            "limit", "active", "idle", "waiting", "borrowed", "waited_ms", "errors", "replaced"
        }  # fmt: skip
        assert gauges["seconds_ago"] < 30
    own = said["parts"]["database"]["pool"]  # type: ignore[index]
    assert (own["limit"], own["waiting"]) == (10, 0)


def test_a_broker_that_does_not_work_is_counted_and_not_named(quiet: Bed, settings: Settings, client: Caller) -> None:
    name = settings.accounts[0].name
    ctx = next(made for made in quiet._contexts if made.settings.accounts[0].name == name)
    assert timed(client)[1]["parts"]["brokers"] == {"state": "healthy", "closed": 1, "open": 0, "half_open": 0}  # type: ignore[index]
    ctx.breaker.follow(BreakerRules(failures=1, window_ms=30_000, pause_ms=60_000))
    ctx.breaker.met(name, "timeout")
    said = timed(client)[1]
    assert (said["status"], said["parts"]["brokers"]["open"]) == ("degraded", 1)  # type: ignore[index]
    assert name not in str(said["parts"]["brokers"])  # type: ignore[index]
    ctx.breaker.met(name, None)
    assert timed(client)[1]["parts"]["brokers"]["closed"] == 1  # type: ignore[index]
