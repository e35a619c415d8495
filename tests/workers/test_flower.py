"""Flower as it runs in the house: it sees every worker and task, shows no secret, and changes nothing."""

import inspect
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from celery import Celery
from flower.urls import handlers
from pytest_celery import RedisTestBroker
from tornado.routing import URLSpec
from tornado.web import RequestHandler

import tasks.flower
from config.celery import WORKER_QUEUES, celery_settings
from stack.waiting import poll
from tests.support.house import House, until
from tests.support.ports import free_port
from tests.support.stack import command_lines
from tests.workers.local import LocalProcess

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "sixteen-letters."


class Page:
    """Flower as a browser asks it, with the password or without."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url, self._auth = url, (user, password)

    def __call__(self, path: str, method: str = "GET", *, known: bool = True, **more: Any) -> requests.Response:
        auth = self._auth if known else None
        return requests.request(method, self._url + path, auth=auth, timeout=20, allow_redirects=False, **more)

    def workers(self) -> dict[str, Any]:
        """Return the workers that it counts as online, by their own name."""
        found = self("/workers?json=1").json()["data"]
        return {one["hostname"].partition("@")[0]: one for one in found if one["status"]}

    def tasks(self, **filters: str) -> dict[str, Any]:
        """Return the tasks that it knows, by id."""
        found: dict[str, Any] = self("/api/tasks", params=filters).json()
        return found


@pytest.fixture(scope="module")
def page(running: House) -> Page:
    """The house's Flower, which has seen a heartbeat of every worker."""
    flower = running.settings.flower
    made = Page(running.settings.flower_url, flower.user, flower.password.get_secret_value())
    until(lambda: made.workers().keys() == WORKER_QUEUES.keys(), 20)
    return made


def changing_paths() -> list[str]:
    """Return every path of Flower that takes a POST, with something in the place of names."""
    found = []
    for handler in handlers:
        pattern, kind = (
            (handler.regex.pattern, handler.handler_class) if isinstance(handler, URLSpec) else tuple(handler[:2])
        )
        if inspect.isclass(kind) and issubclass(kind, RequestHandler) and kind.post is not RequestHandler.post:
            found.append(pattern.removesuffix("$").replace("(.+)", "background@nowhere").replace("(.*)", "x"))
    return [path for path in found if path not in {".*", "/tasks/datatable"}]


@pytest.mark.requirement("CARD")
def test_it_sees_every_worker_and_a_finished_task(running: House, page: Page) -> None:
    order = running.ended(running.placed(running.account()))

    seen = until(lambda: [task for task in page.tasks().values() if order["order_id"] in str(task["args"])], 10)
    done = until(lambda: [task for task in page.tasks(state="SUCCESS").values() if task["name"] == "orders.place"], 10)

    assert page.workers().keys() == WORKER_QUEUES.keys()
    assert {task["name"] for task in seen} <= {"orders.place", "orders.settle"}
    assert any(order["order_id"] in str(task["args"]) for task in done)
    assert all(task["worker"].startswith("entries@") for task in done)
    assert page("/api/workers", params={"refresh": "1"}).json().keys() == {
        one["hostname"] for one in page.workers().values()
    }


@pytest.mark.parametrize(
    "path", ["/", "/tasks", "/broker", "/api/workers", "/api/tasks", "/metrics", "/static/js/flower.js", "/nothing"]
)
def test_nothing_is_shown_without_the_password(page: Page, path: str) -> None:
    answer = page(path, known=False)

    assert (answer.status_code, answer.text) == (401, "401 Unauthorized\n")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_password_that_is_wrong_is_none(running: House, page: Page) -> None:
    flower = running.settings.flower
    password = flower.password.get_secret_value()
    for user, wrong in [(flower.user, password[:-1]), (flower.user, password + "x"), ("admin", password), ("", "é")]:
        assert Page(running.settings.flower_url, user, wrong)("/").status_code == 401
    assert page("/", known=False, headers={"Authorization": f"Bearer {password}"}).status_code == 401
    assert page("/healthcheck", known=False).text == "OK"


@pytest.mark.parametrize("path", changing_paths())
def test_it_changes_nothing(page: Page, path: str) -> None:
    form = {"workername": "x", "queue": "x", "n": "1"}

    assert page(path, "POST", known=False, data=form).status_code == 401
    assert page(path, "POST", data=form).status_code == 403


def test_its_changing_paths_are_those_that_were_looked_at() -> None:
    words = {
        "shutdown",
        "pool",
        "queue",
        "apply",
        "async-apply",
        "send-task",
        "abort",
        "timeout",
        "rate-limit",
        "revoke",
    }

    assert {path.split("/")[3] for path in changing_paths()} == words


def test_a_worker_that_is_told_to_shut_down_goes_on(running: House, page: Page) -> None:
    worker = page.workers()["background"]["hostname"]
    before = running.servers.pid("worker-background")

    assert page(f"/api/worker/shutdown/{worker}", "POST").status_code == 403
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        assert page("/api/workers", method).status_code == 403
    running.ended(running.placed(running.account()))
    assert running.servers.pid("worker-background") == before


def test_no_page_shows_a_secret(running: House, page: Page) -> None:
    order = running.ended(running.placed(running.account()))
    task = until(lambda: [one for one, task in page.tasks().items() if order["order_id"] in str(task["args"])], 10)[0]
    worker = page.workers()["entries"]["hostname"]
    paths = ["/", "/workers?refresh=1", "/workers?json=1", f"/worker/{worker}", "/tasks", f"/task/{task}", "/broker"]
    paths += ["/metrics", "/api/workers?refresh=1", "/api/tasks", "/api/task/types", f"/api/task/info/{task}"]
    paths += ["/api/queues/length", f"/api/task/result/{task}", "/nothing"]
    rows = {"draw": "1", "start": "0", "length": "1000", "search[value]": order["order_id"], "order[0][column]": "0"}
    rows |= {"columns[0][data]": "name", "order[0][dir]": "asc"}
    answers = [page(path) for path in paths] + [page("/tasks/datatable", "POST", data=rows)]

    assert {answer.status_code for answer in answers} <= {200, 404, 503}  # 503: no results are kept
    assert order["order_id"] in answers[-1].text
    assert "redis://:**@" in page("/broker").text
    assert "broker_transport_options" in page(f"/worker/{worker}").text  # it does show the configuration
    for secret in secrets(running):
        assert [answer.url for answer in answers if secret in answer.text] == []


def secrets(running: House) -> list[str]:
    """Return what must be shown nowhere: generated passwords, the signing key, the brokers' keys."""
    runtime = json.loads(running.servers.home.runtime.read_text(encoding="utf-8"))
    keys = [account.secret_key.get_secret_value() for account in running.settings.accounts]
    found = [*runtime["passwords"].values(), runtime["jwt_secret"], *keys]
    assert len(found) > 8
    return found


def test_its_password_stands_in_no_command_line(running: House, page: Page) -> None:
    assert page("/healthcheck").ok
    for secret in secrets(running):
        assert [line for line in command_lines() if secret in line] == []


def test_it_yields_to_what_trades(running: House, page: Page) -> None:
    assert page("/healthcheck").ok
    pid = running.servers.pid("flower")

    assert pid is not None
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10


def test_its_pause_does_not_grow_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 20:
            raise SystemExit

    monkeypatch.setattr(tasks.flower, "time", SimpleNamespace(sleep=sleep))
    with Celery("test", broker="redis://127.0.0.1:1/0", set_as_current=False) as app:
        app.conf.broker_transport_options = {"max_retries": 0}
        listener = tasks.flower._Listener(app, io_loop=None, max_tasks_in_memory=1)
        with pytest.raises(SystemExit):
            listener.run()

    assert set(pauses) == {2}


def test_a_browser_may_not_frame_it_or_keep_it(page: Page) -> None:
    headers = page("/").headers

    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")


def start(directory: Path, port: int, **environ: str) -> LocalProcess:
    own = {"PYTHONPATH": str(ROOT), "OPITIOS_HOME": str(directory), "OPITIOS_PROCESS": "flower"}
    own |= {"OPITIOS_FLOWER_PORT": str(port), "PATH": ""}
    return LocalProcess("flower", [sys.executable, "-m", "tasks.flower"], directory, own | environ)


@pytest.mark.parametrize("password", ["", "short"])
def test_it_does_not_start_without_a_password_worth_the_name(tmp_path: Path, password: str) -> None:
    process = start(tmp_path, free_port(), OPITIOS_FLOWER_PASSWORD=password, FLOWER_UNAUTHENTICATED_API="true")

    assert process.wait() == 1
    said = process.logs().decode()
    assert f"flower.password: {len(password)} characters; expected at least 16" in said
    assert "OPITIOS_FLOWER_PASSWORD" in said
    assert "short" not in said.replace("shorter", "")


def test_a_taken_port_is_said_in_words(running: House, page: Page, tmp_path: Path) -> None:
    assert page("/healthcheck").ok
    process = start(tmp_path, running.settings.flower.port, OPITIOS_FLOWER_PASSWORD=PASSWORD)

    assert process.wait() == 1
    said = process.logs().decode()
    assert "Address already in use" in said
    assert "Traceback" not in said


def test_it_listens_again_after_redis_was_away_and_ends_at_once(tmp_path: Path, celery_broker: RedisTestBroker) -> None:
    url, port = celery_broker.config()["url"], free_port()
    process = start(tmp_path, port, OPITIOS_FLOWER_PASSWORD=PASSWORD, REDIS_URL=url, FLOWER_UNAUTHENTICATED_API="1")
    page = Page(f"http://127.0.0.1:{port}", "opitios", PASSWORD)
    try:
        assert poll(lambda: answers(page), seconds=20)
        assert page("/api/workers", known=False).status_code == 401
        assert poll(lambda: sees(page, url, "before"), seconds=10)

        celery_broker.container.process.kill()
        assert page("/").status_code == 200
        celery_broker.restart()

        assert poll(lambda: sees(page, url, "after"), seconds=30)
        assert page.workers().keys() == {"before", "after"}
        assert process.exit_code is None
    finally:
        process.send("SIGTERM")
        assert process.wait(5) == 0


def test_it_forgets_what_is_more_than_it_may_hold(tmp_path: Path, celery_broker: RedisTestBroker) -> None:
    url, port = celery_broker.config()["url"], free_port()
    (tmp_path / "secrets.yml").write_text("flower: {max_tasks: 3}\n", encoding="utf-8")
    process = start(tmp_path, port, OPITIOS_FLOWER_PASSWORD=PASSWORD, REDIS_URL=url)
    page = Page(f"http://127.0.0.1:{port}", "opitios", PASSWORD)
    try:
        assert poll(lambda: answers(page), seconds=20)
        assert poll(lambda: sees(page, url, "there"), seconds=10)
        with Celery("test", set_as_current=False) as app, app.connection_for_write(url) as connection:
            dispatcher = app.events.Dispatcher(connection, hostname="there@test")
            for number in range(20):
                dispatcher.send("task-succeeded", uuid=f"task-{number}", result="None", runtime=0.1)
            dispatcher.close()

        assert poll(lambda: "task-19" in page.tasks(), seconds=10)
        assert page.tasks().keys() == {"task-17", "task-18", "task-19"}
        assert {path.name for path in tmp_path.iterdir()} <= {"secrets.yml", "logs", "flower.out", "redis"}
    finally:
        process.kill()


def answers(page: Page) -> bool:
    try:
        return page("/healthcheck").ok
    except requests.ConnectionError:
        return False


def sees(page: Page, redis_url: str, worker: str) -> bool:
    """Send a worker's heartbeat and tell whether Flower knows it."""
    with Celery("test", set_as_current=False) as app:
        app.conf.update(celery_settings(redis_url, events=True))
        with app.connection_for_write() as connection:
            dispatcher = app.events.Dispatcher(connection, hostname=f"{worker}@test")
            dispatcher.send("worker-heartbeat", freq=60)
            dispatcher.close()
    return worker in page.workers()
