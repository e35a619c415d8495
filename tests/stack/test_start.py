"""A start from nothing, a stop, a start on the same data."""

import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from config.home import Home
from stack.errors import StackError
from stack.ports import LOOPBACK
from stack.processes import Process
from stack.runtime import Runtime
from tests.support.stack import Harness, command_lines, harness, servers_only, stand_in_exchange

READY = "my environment: "


def with_application(home: Home, runtime: Runtime) -> Sequence[Process]:
    script = home.root / "application.py"
    names = "'OPITIOS_HOME', 'OPITIOS_PROCESS', 'OPITIOS_CONFIG', 'PYTHONPATH'"
    script.write_text(
        f"import os, time\nprint('{READY}' + '|'.join(os.environ.get(n, '') for n in ({names})))\ntime.sleep(600)\n",
        encoding="utf-8",
    )
    return (stand_in_exchange(home, runtime), Process(name="api", argv=(sys.executable, str(script)), stop_seconds=5))


@pytest.fixture(scope="module")
def running() -> Iterator[Harness]:
    with harness(with_application, OPITIOS_CONFIG="secrets.yml") as made:
        made.start()
        yield made


def test_everything_of_the_table_runs_after_a_start(running: Harness) -> None:
    rows = {row.name: row for row in running.stack().status()}

    assert set(rows) == {"postgres", "redis", "exchange", "api"}
    assert {row.state for row in rows.values()} == {"running"}
    assert all(row.pid and row.uptime_s is not None and row.uptime_s >= 0 for row in rows.values())
    assert running.stack().running()


def test_postgres_takes_the_generated_password_and_the_safe_settings(running: Harness) -> None:
    with running.connect() as connection:
        shown = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            for name in ("data_checksums", "listen_addresses", "max_prepared_transactions", "server_encoding")
        }

    assert {name: row[0] for name, row in shown.items() if row} == {
        "data_checksums": "on",
        "listen_addresses": "127.0.0.1",
        "max_prepared_transactions": "0",
        "server_encoding": "UTF8",
    }


def test_postgres_refuses_a_wrong_password_even_on_this_machine(running: Harness) -> None:
    runtime = running.stack().runtime
    environ = {
        **running.environ,
        "DATABASE_URL": f"postgresql://opitios:wrong@{LOOPBACK}:{runtime.ports.postgres}/opitios",
    }
    with harness(servers_only, **{key: environ[key] for key in ("DATABASE_URL",)}) as second:
        stack = second.stack()
        stack.prepare()
        with pytest.raises(StackError, match="refuses the migrations' login") as refused:
            stack.start_infrastructure()

    assert "wrong" not in str(refused.value)
    assert not second.stack().running()


def test_redis_wants_its_password(running: Harness) -> None:
    with socket.create_connection((LOOPBACK, running.stack().runtime.ports.redis), timeout=3) as stranger:
        stranger.sendall(b"PING\r\n")
        assert stranger.recv(100).startswith(b"-NOAUTH")
    with running.broker() as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_process_is_told_its_home_its_name_and_the_settings_by_absolute_path(running: Harness) -> None:
    log = (running.home.logs / "process" / "api.log").read_text(encoding="utf-8")

    home, name, config, path = log.partition(READY)[2].splitlines()[0].split("|")
    assert (home, name) == (str(running.home.root), "api")
    assert config == str(Path("secrets.yml").resolve())
    assert path.split(":")[0] == str(Path(__file__).resolve().parents[2])


@pytest.mark.requirement("QUA-001")
def test_no_password_is_visible_in_a_command_line_or_the_supervisors_file(running: Harness) -> None:
    runtime = running.stack().runtime
    passwords = runtime.passwords
    hidden = {passwords.postgres, passwords.app, passwords.compliance, passwords.redis, runtime.jwt_secret}
    public = "\n".join(command_lines()) + (running.home.run / "supervisord.conf").read_text(encoding="utf-8")
    logs = "\n".join(path.read_text(encoding="utf-8") for path in (running.home.logs / "process").iterdir())

    assert not [word for word in hidden if word in public + logs + repr(runtime) + "\n".join(running.said)]


def test_files_are_for_their_owner_alone(running: Harness) -> None:
    open_ones = [
        path
        for path in running.home.root.rglob("*")
        if "pgsql" not in path.parts and not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077
        if path.name != "application.py"  # the test's own
    ]

    assert open_ones == []
    assert stat.S_IMODE(running.home.root.stat().st_mode) & 0o066 == 0


def test_a_second_start_is_told_that_the_first_one_runs(running: Harness) -> None:
    with pytest.raises(StackError, match="already runs"):
        running.stack().prepare()

    assert running.stack().running()


def test_a_second_command_during_a_start_is_turned_away() -> None:
    with harness() as made:
        first = made.stack()
        first.prepare()

        with pytest.raises(StackError, match="is at work"):
            made.stack().prepare()
        with pytest.raises(StackError, match="is at work"):
            made.stack().stop()
        first.close()


@pytest.mark.requirement("FR-003")
def test_a_row_and_a_key_survive_stop_and_start() -> None:
    with harness(with_application) as made:
        stack = made.start()
        before = stack.runtime
        with made.connect() as connection, made.broker() as client:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            client.set("kept", "42")
        stack.stop()
        assert not stack.running()
        assert stack.status() == []
        assert not _alive_in(made.home)
        log = (made.home.logs / "process" / "supervisord.log").read_text(encoding="utf-8")
        assert log.index("stopped: api") < log.index("stopped: postgres")

        after = made.start().runtime

        with made.connect() as connection, made.broker() as client:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
            assert client.get("kept") == "42"
    assert after.ports == before.ports
    assert after.passwords == before.passwords
    assert after.jwt_secret == before.jwt_secret
    assert after.boot_id != before.boot_id


def test_an_external_database_and_redis_replace_the_embedded_ones(running: Harness) -> None:
    theirs = running.stack().runtime
    urls = {"DATABASE_URL": theirs.migrations_database_url.replace("+psycopg", ""), "REDIS_URL": theirs.redis_url}
    with harness(with_application, **urls) as made:
        made.home.secrets.write_text("accounts: {}\n", encoding="utf-8")
        ours = made.start().runtime

        assert {row.name for row in made.stack().status()} == {"api"}
        assert not made.home.postgres.exists()
        assert not made.home.redis.exists()
        assert ours.migrations_database_url == theirs.migrations_database_url
        assert ours.redis_url == theirs.redis_url
        app = f"postgresql+psycopg://opitios_app:{ours.passwords.app}@{LOOPBACK}:{theirs.ports.postgres}/opitios"
        assert ours.app_database_url == app


def test_an_external_server_that_does_not_answer_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.stack._EXTERNAL_SECONDS", 0.2)
    with harness(DATABASE_URL="postgresql://me:hidden@127.0.0.1:1/db") as made:
        stack = made.stack()
        stack.prepare()
        with pytest.raises(StackError, match="The server of DATABASE_URL does not answer") as silent:
            stack.start_infrastructure()

    assert "hidden" not in str(silent.value)


def test_health_is_waited_for_with_words_and_not_for_ever() -> None:
    with harness() as made:
        stack = made.stack()
        answers = iter(["the api", "the api", "a worker", None])
        stack.wait_healthy(lambda: next(answers), timeout_s=5)
        assert made.said[:2] == ["waiting for the api", "waiting for a worker"]

        with pytest.raises(StackError, match="still waiting for a miracle"):
            stack.wait_healthy(lambda: "a miracle", timeout_s=0.1)


def test_stopping_where_nothing_ever_ran_is_no_error() -> None:
    with harness() as made:
        made.stack().stop()

        assert list(made.home.root.iterdir()) == []
        with pytest.raises(StackError, match="Nothing was ever started"):
            _ = made.stack().runtime


def test_a_caller_in_the_foreground_waits_until_somebody_stops_it() -> None:
    with harness() as made:
        stack = made.start()
        waiting = threading.Thread(target=stack.wait_stopped, daemon=True)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()

        made.stack().stop()

        waiting.join(3)
        assert not waiting.is_alive()


def _alive_in(home: Home) -> list[str]:
    shown = subprocess.run(["ps", "-eo", "stat,args"], check=True, capture_output=True, text=True)  # noqa: S607  the system's
    return [line for line in shown.stdout.splitlines() if str(home.root) in line and not line.startswith("Z")]
