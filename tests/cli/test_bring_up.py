"""What a start says while it waits, and what it refuses before anything of ours runs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr

from cli.bring_up import _missing
from cli.database import prepare_database
from config.home import Home
from config.settings import ConfigError, DatabaseSettings, Settings, WorkerSettings
from tests.support.house import Bed


@contextmanager
def answering(status: int, body: str) -> Iterator[int]:
    """Serve one answer to everything; give the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, '{"type": "/problems/internal"}'), (200, "[]"), (200, '"ok"'), (404, "<html>"), (200, '{"parts": {}}')],
)
def test_an_answer_that_is_no_report_of_health_is_said_to_be_none(tmp_path: Path, status: int, body: str) -> None:
    with answering(status, body) as port:
        said = _missing(Settings(home=Home(tmp_path), api_port=port), set)
    told = f"HTTP {status} at http://127.0.0.1:{port}/health"
    assert said == f"the API ({told} is no report of health: see its log, or who has the port)"


def test_a_report_of_health_names_the_part_that_is_down(tmp_path: Path) -> None:
    body = json.dumps({"parts": {"database": {"state": "down"}, "redis": {"state": "healthy"}}})
    with answering(503, body) as port:
        assert _missing(Settings(home=Home(tmp_path), api_port=port), set) == "database"


@pytest.mark.requirement("US-SYSTEM-020")
def test_a_server_that_lets_too_few_connections_in_is_refused(quiet: Bed) -> None:
    runtime = quiet.runtime
    settings = Settings(
        home=quiet.servers.home,
        app_database_url=SecretStr(runtime.app_database_url),
        migrations_database_url=SecretStr(runtime.migrations_database_url),
        compliance_database_url=SecretStr(runtime.compliance_database_url),
    )
    prepare_database(settings)
    greedy = settings.model_copy(
        update={"database": DatabaseSettings(pool_max=100), "worker": WorkerSettings(threads=40)}
    )
    with pytest.raises(
        ConfigError,
        match="expected at least 283, which API, workers, relay, sealer, beat and streams may hold together",
    ):
        prepare_database(greedy)


def test_a_migration_without_the_processes_login_says_what_it_expects(quiet: Bed) -> None:
    url = SecretStr(quiet.runtime.migrations_database_url)
    with pytest.raises(ConfigError, match="OPITIOS_APP_DATABASE_URL is not set: expected postgresql://opitios_app:"):
        prepare_database(Settings(home=quiet.servers.home, migrations_database_url=url))


def test_a_migration_needs_no_login_for_readers(quiet: Bed) -> None:
    prepare_database(
        Settings(
            home=quiet.servers.home,
            migrations_database_url=SecretStr(quiet.runtime.migrations_database_url),
            app_database_url=SecretStr(quiet.runtime.app_database_url),
        )
    )
