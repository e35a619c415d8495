"""What a start and the supervisor do about processes that were killed (R30)."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from config.home import Home
from stack.errors import StackError
from stack.orphans import reap
from stack.postgres import live_postmaster
from stack.processes import INFRASTRUCTURE, Process
from stack.runtime import Runtime
from stack.waiting import poll
from tests.support.stack import Harness, harness, stand_in_exchange


def with_sleeper(home: Home, runtime: Runtime) -> Sequence[Process]:
    return (stand_in_exchange(home, runtime), Process(name="relay", argv=("/bin/sleep", "600"), stop_seconds=5))


@pytest.fixture
def running() -> Iterator[Harness]:
    with harness(with_sleeper) as made:
        made.start()
        with made.connect() as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        yield made


def kept(made: Harness) -> int:
    with made.connect() as connection:
        row = connection.execute("SELECT answer FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def kill(pid: int | None) -> int:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


@pytest.mark.requirement("NFR-004")
def test_every_killed_process_comes_back_by_itself_and_a_committed_row_survives(running: Harness) -> None:
    for name in ("postgres", "redis", "exchange", "relay"):
        killed = kill(running.pid(name))

        assert running.answers_again(name, killed, seconds=4), f"{name} did not come back"
    assert kept(running) == 42


@pytest.mark.requirement("NFR-004")
def test_an_application_comes_back_however_often_it_dies(running: Harness) -> None:
    for _ in range(5):  # supervisord's own default is three starts
        killed = kill(running.pid("relay"))
        assert running.answers_again("relay", killed)


@pytest.mark.requirement("NFR-004")
def test_after_a_killed_supervisor_the_next_start_ends_its_processes_and_goes_on(running: Harness) -> None:
    orphans = [running.pid(name) for name in ("postgres", "redis", "exchange", "relay")]
    kill(running.supervisor_pid())
    assert poll(lambda: not running.stack().running(), seconds=5)
    assert live_postmaster(running.home.postgres) == orphans[0]

    ports = running.stack().runtime.ports
    stack = running.start()

    assert stack.runtime.ports == ports
    assert not [pid for pid in orphans if pid is not None and _lives(pid)]
    assert any("left behind" in line for line in running.said)
    assert kept(running) == 42
    assert "not properly shut down" not in (running.home.logs / "process" / "postgres.log").read_text(encoding="utf-8")


def test_stop_ends_what_a_killed_supervisor_left_behind(running: Harness) -> None:
    orphans = [running.pid(name) for name in ("postgres", "redis", "exchange", "relay")]
    kill(running.supervisor_pid())

    running.stack().stop()

    assert not [pid for pid in orphans if pid is not None and _lives(pid)]


def test_everything_killed_at_once_starts_again_over_stale_files(running: Harness) -> None:
    doomed = [running.supervisor_pid(), *(running.pid(name) for name in ("postgres", "redis", "exchange", "relay"))]
    for pid in doomed:
        kill(pid)
    assert (running.home.run / "supervisor.sock").exists()
    assert (running.home.postgres / "postmaster.pid").exists()

    running.start()

    assert kept(running) == 42


def test_a_stale_postmaster_file_with_a_foreign_live_pid_is_left_to_postgres(running: Harness) -> None:
    running.stack().stop()
    stale = running.home.postgres / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{running.home.postgres}\n1700000000\n1\n\n127.0.0.1\n", encoding="utf-8")
    if os.geteuid() == 0:
        owner = running.home.postgres.stat()
        os.chown(stale, owner.st_uid, owner.st_gid)

    assert live_postmaster(running.home.postgres) is None
    assert reap(running.home, running.said.append) == []


def test_another_home_is_never_touched_by_reaping(running: Harness) -> None:
    with harness() as other:
        assert reap(other.home, other.said.append) == []

    assert running.stack().running()
    assert kept(running) == 42


def test_a_server_that_ends_at_once_is_reported_with_its_last_words() -> None:
    def broken(home: Home, runtime: Runtime) -> Sequence[Process]:
        del runtime
        script = home.root / "broken.py"
        script.write_text("raise SystemExit('the exchange has no accounts')\n", encoding="utf-8")
        return (Process(name="exchange", argv=(sys.executable, str(script)), stage=INFRASTRUCTURE),)

    with harness(broken) as made:
        stack = made.stack()
        stack.prepare()
        with pytest.raises(StackError, match="the exchange has no accounts"):
            stack.start_infrastructure()

        assert not made.stack().running(), "a failed start leaves nothing behind"
        again = made.stack()
        again.prepare()
        again.close()


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
