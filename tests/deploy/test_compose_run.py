"""The services' own commands and environments, run here: migrated, signed in, an order placed and filled."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from stack.waiting import poll
from tests.deploy.compose import LocalCompose, local_compose, services
from tests.support.house import ENDED, until
from tests.support.stack import command_lines, harness

ASKED = ("api", "worker-entries", "worker-exits", "worker-background", "relay", "sealer", "streams", "beat", "flower")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCompose]:
    """Everything of docker-compose.yml, Postgres apart: a server of ours stands for its image."""
    directory = tmp_path_factory.mktemp("compose")
    with harness() as servers:
        url = servers.start().runtime.migrations_database_url
        with local_compose(directory, url) as made:
            for name in ("redis", "exchange", *ASKED):  # nobody waits for the migrations: each waits by itself
                made.start(name)
            assert made.start("migrate").wait(60) == 0, made.processes["migrate"].logs().decode()
            yield made


@pytest.fixture(scope="module")
def token(house: LocalCompose) -> str:
    """Of the admin, whose password was given as deploy/README.md says."""
    reset = house.run("reset", "admin", "reset-password", like="migrate")
    assert reset.wait(30) == 0
    body = {"username": "admin", "password": reset.logs().decode().split()[-1]}
    answer = until(lambda: _posted(house, body), 30)
    return str(answer.json()["access_token"])


@pytest.mark.requirement("CARD")
def test_an_order_is_placed_and_filled(house: LocalCompose, token: str) -> None:
    try:
        until(lambda: _health(house)["status"] == "healthy", 40)
    except AssertionError as late:
        late.add_note(json.dumps(_health(house)))
        raise
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "the-first", "Prefer": "wait=10"}
    body = {"account": "demo-1", "symbol": "AAPL", "side": "buy", "qty": "10"}
    placed = requests.post(_url(house, "/api/v1/orders"), json=body, headers=headers, timeout=30)
    assert placed.status_code in {200, 202}, placed.text

    order = until(lambda: _ended(house, placed.headers["Location"], headers), 20)

    assert (order["status"], order["filled_qty"], order["account_type"]) == ("filled", "10", "paper")


def test_flower_sees_every_worker(house: LocalCompose) -> None:
    assert poll(lambda: _seen_by_flower(house) == {"entries", "exits", "background"}, seconds=20)


def test_every_health_check_says_what_is_true(house: LocalCompose, token: str) -> None:
    assert token
    for name in ASKED:
        assert services()[name]["healthcheck"]["test"] == ["CMD", "opitios", "alive"]
        until(lambda: _alive(house, name) == 0, 30)  # noqa: B023  asked within the loop

    house.processes["flower"].kill("SIGTERM")
    assert _alive(house, "flower") == 1
    house.start("flower")


def test_no_secret_stands_in_a_command_line(house: LocalCompose) -> None:
    lines = command_lines()
    for name, value in house.variables.items():
        if "PASSWORD" in name or "SECRET" in name:
            assert [line for line in lines if value in line] == []


def test_every_service_ends_politely_within_its_time(house: LocalCompose, token: str) -> None:
    assert token
    for name in ASKED:
        house.processes[name].send("SIGTERM")
    for name in ASKED:
        seconds = int(services()[name]["stop_grace_period"].removesuffix("s"))
        assert house.processes[name].wait(seconds) in {0, -15}, name  # uvicorn ends by the signal itself


def _seen_by_flower(house: LocalCompose) -> set[str]:
    auth = ("opitios", house.variables["OPITIOS_FLOWER_PASSWORD"])
    answer = requests.get(f"http://127.0.0.1:{house.ports['flower']}/workers?json=1", auth=auth, timeout=10)
    return {row["hostname"].partition("@")[0] for row in answer.json()["data"]}


def _url(house: LocalCompose, path: str) -> str:
    return f"http://127.0.0.1:{house.ports['api']}{path}"


def _health(house: LocalCompose) -> dict[str, Any]:
    health: dict[str, Any] = requests.get(_url(house, "/health"), timeout=5).json()
    return health


def _posted(house: LocalCompose, body: dict[str, str]) -> requests.Response | None:
    try:
        return requests.post(_url(house, "/api/v1/auth/login"), json=body, timeout=10)
    except requests.ConnectionError:
        return None


def _ended(house: LocalCompose, href: str, headers: dict[str, str]) -> dict[str, str] | None:
    order: dict[str, str] = requests.get(_url(house, href), headers=headers, timeout=10).json()
    return order if order["status"] in ENDED else None


def _alive(house: LocalCompose, name: str) -> int:
    return house.run(f"alive-{name}", "alive", like=name).wait(20)
