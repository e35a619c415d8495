"""Flower, the workers' page: `python -m tasks.flower`, behind a password and, unless asked otherwise, only to look at.

A module of ours starts it, because Flower would take its password from its command line, which every user of the
machine can read, or from FLOWER_* variables, of which one opens its API to anybody. It knows no task and no broker's
key: it listens to the events of the workers. docs/decisions/0014-flower-and-containers.md has the reasons.
"""

import hmac
import logging
import os
import signal
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from celery import Celery
from celery.events import EventReceiver
from flower.app import Flower
from flower.events import Events
from flower.options import options
from flower.urls import settings as flower_settings
from loguru import logger
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.web import OutputTransform, RequestHandler

from config.celery import celery_settings
from config.logging import setup_logging
from config.redaction import Redactor, secrets_in
from config.sections import FlowerSettings
from config.settings import ConfigError, load_settings
from events import kombu_guard

SHORTEST_PASSWORD = 16
OPEN_PATH = "/healthcheck"  # says OK and nothing else
_READS_BY_POST = "/tasks/datatable"  # the filters of the list of tasks
_LARGEST_BODY = 65536  # bytes
_FORGET_OFFLINE_S = 3600
_MOST_WORKERS = 100
_RETRY_S = 2
_NICENESS = 10  # a page yields to whatever trades
_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Gate:
    """Who is let in, and to do what: decided before any of Flower's pages, for its open ones too."""

    def __init__(self, flower: FlowerSettings) -> None:
        password = flower.password.get_secret_value()
        if len(password) < SHORTEST_PASSWORD:
            raise ConfigError(
                f"flower.password: {len(password)} characters; expected at least {SHORTEST_PASSWORD}. "
                "Set OPITIOS_FLOWER_PASSWORD, or flower.password in secrets.yml"
            )
        self.credentials = f"{flower.user}:{password}"
        self._expected = b"Basic " + b64encode(self.credentials.encode())
        self._read_only = flower.read_only

    def refusal(self, request: HTTPServerRequest) -> HTTPStatus | None:
        """Return what refuses a request: 401 without the password, 403 for a change; None lets it in.

        The comparison takes as long for a password that is nearly right.
        """
        if request.path == OPEN_PATH:
            return None
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._expected):
            return HTTPStatus.UNAUTHORIZED
        only_reads = request.method in {"GET", "HEAD"} or request.path == _READS_BY_POST
        return HTTPStatus.FORBIDDEN if self._read_only and not only_reads else None


class GuardedFlower(Flower):  # type: ignore[misc]  # Flower has no types
    """Flower with the gate before all of it."""

    def __init__(self, gate: Gate, **more: Any) -> None:
        super().__init__(**more)
        self._gate = gate
        self.add_transform(_Headers)

    def find_handler(self, request: HTTPServerRequest, **more: Any) -> Any:
        """Return who answers: Flower's own handler, or a refusal."""
        status = self._gate.refusal(request)
        if status is not None:
            return self.get_handler_delegate(request, _Refused, {"status": status})
        return super().find_handler(request, **more)


class _Refused(RequestHandler):
    def initialize(self, status: HTTPStatus) -> None:
        self.set_status(status)
        if status == HTTPStatus.UNAUTHORIZED:  # the browser asks for the password
            self.set_header("WWW-Authenticate", 'Basic realm="Flower of Opitios", charset="UTF-8"')

    def check_xsrf_cookie(self) -> None:
        """Let every refusal be the gate's own."""

    def prepare(self) -> None:
        self.finish(f"{self.get_status()} {self._reason}\n")


class _Headers(OutputTransform):
    def transform_first_chunk(
        self,
        status_code: int,
        headers: HTTPHeaders,
        chunk: bytes,
        finishing: bool,  # noqa: FBT001  Tornado hands it over by place
    ) -> tuple[int, HTTPHeaders, bytes]:
        del finishing
        for name, value in _HEADERS.items():
            headers[name] = value
        headers["Server"] = "Flower"
        return status_code, headers, chunk


class _Listener(Events):  # type: ignore[misc]  # likewise
    """Listens to the workers, also again after Redis was away.

    Flower's own doubles its pause for as long as Redis is away: after an hour it would sleep for another. What a task
    failed at, and what a stranger's message holds, passes the door that log lines leave by.
    """

    redact: Callable[[str], str] = str

    def on_event(self, event: dict[str, Any]) -> None:
        told = {key: self.redact(value) if isinstance(value, str) else value for key, value in event.items()}
        super().on_event(told)

    def run(self) -> None:
        while True:
            try:
                with self.capp.connection() as connection:
                    receiver = EventReceiver(connection, handlers={"*": self.on_event}, app=self.capp)
                    receiver.capture(limit=None, timeout=None, wakeup=True)
            except Exception as error:  # noqa: BLE001  whatever a message or a lost Redis brings, the page goes on
                logger.warning("No events, again in {} s: {}", _RETRY_S, error)
            time.sleep(_RETRY_S)


def make_flower(flower: FlowerSettings, redis_url: str, redact: Callable[[str], str]) -> GuardedFlower:
    """Return Flower, not yet listening. Raises ConfigError for a missing or short password.

    Flower reads its options where they are global to the process, so there is one of it a process.
    """
    gate = Gate(flower)
    options.basic_auth = [gate.credentials]
    options.read_only = flower.read_only
    options.purge_offline_workers = _FORGET_OFFLINE_S
    app = Celery("opitios-flower")
    app.conf.update(celery_settings(redis_url, events=False))
    listener = _Listener(
        app,
        io_loop=IOLoop.current(),
        enable_events=False,  # worker.events decides; it would switch them on in every worker, every five seconds
        max_tasks_in_memory=flower.max_tasks,
        max_workers_in_memory=_MOST_WORKERS,
    )
    listener.redact = redact
    return GuardedFlower(gate, capp=app, options=options, events=listener, **flower_settings)


def main() -> int:
    """Serve until SIGTERM; 1 and a sentence when it cannot."""
    settings = load_settings()
    setup_logging(settings)
    logging.getLogger("tornado.access").setLevel(logging.WARNING)  # refusals alone: the page asks every few seconds
    for name in [name for name in os.environ if name.startswith("FLOWER_")]:
        del os.environ[name]  # FLOWER_UNAUTHENTICATED_API and its like are no settings of ours
    kombu_guard.install()
    os.nice(_NICENESS)
    flower = settings.flower
    try:
        app = make_flower(flower, settings.redis_url.get_secret_value(), Redactor(secrets_in(settings)))
        app.listen(flower.port, flower.host, max_body_size=_LARGEST_BODY)
    except (ConfigError, OSError) as error:
        logger.error("Flower does not start at {}: {}", settings.flower_url, error)
        sys.stderr.write(f"flower: {settings.flower_url}: {error}\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: app.io_loop.add_callback_from_signal(app.stop))
    app.start()
    return 0


if __name__ == "__main__":
    sys.exit(main())
