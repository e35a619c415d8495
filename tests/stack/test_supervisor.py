"""supervisord's file and socket: paths that are long, odd or somebody else's."""

import os
import stat
import sys
from pathlib import Path

import pytest

from config.home import Home
from stack.errors import StackError
from stack.ports import Ports
from stack.processes import house_processes
from stack.runtime import next_runtime
from stack.stack import Stack
from stack.supervisor import socket_path
from tests.support.stack import Harness, harness, own_environment, servers_only, temporary_home


def test_a_home_with_a_long_name_and_spaces_starts_and_stops() -> None:
    with temporary_home() as short:
        home = Home(short.root / ("a home " + "x" * 90))
        made = Harness(home, own_environment(home), servers_only)
        try:
            made.start()
            assert made.stack().running()
            socket = socket_path(home)
            assert home.root not in socket.parents
            assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        finally:
            made.stack().stop()
        assert not socket.exists()
        socket.parent.rmdir()


def test_a_foreign_directory_in_the_place_of_the_socket_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(Path("/nowhere/" + "x" * 120))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    directory = socket_path(home).parent
    directory.chmod(0o755)

    with pytest.raises(StackError, match="is not a private directory of this user"):
        socket_path(home)


@pytest.mark.parametrize("name", ["it's", 'a"b', "a;b", "a#b", "a\nb", "a$b", "100%"])
def test_a_home_that_no_configuration_file_can_name_is_refused(name: str) -> None:
    with temporary_home() as short:
        home = Home(short.root / name)
        with pytest.raises(StackError, match="choose a path without them"):
            Stack(home, {}, print).prepare()
        assert not home.root.exists()


def test_the_house_is_stopped_warm_and_started_without_secrets() -> None:
    home = Home(Path("/srv/opitios"))
    runtime = next_runtime({}, None, Ports())
    table = {process.name: process for process in house_processes(home, runtime)}

    workers = {"worker-entries", "worker-exits", "worker-sell", "worker-background"}
    assert set(table) == {"exchange", "api", *workers, "relay", "sealer", "streams", "beat", "flower"}
    assert table["worker-entries"].argv == (sys.executable, "-m", "tasks.worker", "entries")
    assert (table["worker-entries"].stop_signal, table["worker-entries"].stop_seconds) == ("TERM", 20)
    assert [name for name, process in table.items() if process.stage == "infrastructure"] == ["exchange"]
    for secret in (runtime.passwords.redis, runtime.passwords.flower):
        assert not any(secret in " ".join(process.argv) for process in table.values())


def test_a_home_in_a_directory_that_cannot_be_written_is_a_sentence() -> None:
    with temporary_home() as short:
        (short.root / "file").write_text("", encoding="utf-8")
        with pytest.raises(StackError, match="cannot be made"):
            Stack(Home(short.root / "file" / "home"), dict(os.environ), print).prepare()


def test_what_the_system_refuses_during_a_start_is_a_sentence_too() -> None:
    with harness() as made:
        made.home.redis.write_text("a file where a directory belongs", encoding="utf-8")

        with pytest.raises(StackError, match=rf"{made.home.redis}: File exists"):
            made.stack().prepare()


def test_the_order_of_the_steps_is_not_a_matter_of_taste() -> None:
    with harness() as made, pytest.raises(RuntimeError, match="after prepare"):
        made.stack().start_infrastructure()
