"""`run`, `status`, `stop`, `migrate` and `admin`: what an operator sees."""

import re
import signal
import stat
from contextlib import suppress

import psycopg
import pytest

from cli.run import said_until_interrupted
from stack.runtime import Runtime
from tests.cli.conftest import House
from tests.support.commands import Terminal, printed_password
from tests.support.stack import command_lines

WORKERS = {"worker-entries", "worker-exits", "worker-sell", "worker-background"}
PROCESSES = {"postgres", "redis", "exchange", "api", *WORKERS, "relay", "sealer", "streams", "beat", "flower"}


@pytest.mark.requirement("CARD")
def test_a_first_start_says_where_everything_is_and_what_to_try(house: House) -> None:
    said, terminal = house.first_start.said, house.terminal

    assert house.first_start.code == 0
    assert f"API http://127.0.0.1:{terminal.environ['OPITIOS_API_PORT']}" in said
    assert f"data {terminal.home.root}" in said
    assert "accounts demo-1, demo-2" in said
    assert "user admin, password" in said
    three = re.findall(r"cli\.main (login|order|report)", said)
    assert three == ["login", "order", "report"]


def test_a_start_while_it_runs_repeats_the_way_in_but_no_password(house: House) -> None:
    again = house.terminal.opitios("run")

    assert again.code == 0
    assert "already runs" in again.said
    assert printed_password(again) is None
    assert house.password not in again.said
    assert "admin reset-password" in again.said


@pytest.mark.requirement("CARD")
def test_status_shows_every_process_running(house: House) -> None:
    shown = house.terminal.opitios("status")

    rows = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in shown.out.splitlines() if "│" in line}
    assert shown.code == 0
    assert rows == dict.fromkeys(PROCESSES, "running")


def test_migrating_again_changes_nothing(house: House) -> None:
    for _ in range(2):
        answer = house.terminal.opitios("migrate")
        assert answer.code == 0
        assert "at the newest revision" in answer.said


def test_what_the_commands_keep_is_for_its_owner_alone(desk: Terminal) -> None:
    home = desk.home

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home.session, home.runtime, home.secrets)}
    assert modes == {"session.json": 0o600, "runtime.json": 0o600, "secrets.yml": 0o600}


def test_the_password_stands_in_no_file_and_no_command_line(desk: Terminal, house: House) -> None:
    files = [path for path in desk.home.root.rglob("*") if path.is_file() and path.parts[-2] != "postgres"]

    assert any(path.suffix == ".log" for path in files)
    assert [str(path) for path in files if house.password.encode() in path.read_bytes()] == []
    assert [line for line in command_lines() if house.password in line] == []


def test_the_token_stands_in_no_log(desk: Terminal) -> None:
    token = re.findall(r'"token": "(.+?)"', desk.home.session.read_text(encoding="utf-8"))[0]

    assert [path for path in desk.home.logs.rglob("*.log") if token in path.read_text(encoding="utf-8")] == []


def test_after_a_stop_everything_says_so_and_a_start_goes_on_with_the_same_data(desk: Terminal, house: House) -> None:
    stopped = [desk.opitios("stop"), desk.opitios("stop")]
    assert [answer.code for answer in stopped] == [0, 0]
    assert "Stopped." in stopped[0].said
    assert desk.opitios("status").refused("Nothing runs")
    assert desk.opitios("order", "buy", "AAPL", "1", "--account", "demo-1").refused("does not answer", "make run")
    assert desk.opitios("login", "--password-stdin", text="x\n").refused("does not answer", "make run")
    assert desk.opitios("report", "order-timing").refused("does not answer", "make run")
    assert desk.opitios("admin", "reset-password").refused("Connection refused", "make run")
    assert desk.opitios("migrate").refused("Connection refused", "make run")

    started = desk.opitios("run")

    assert started.code == 0
    assert printed_password(started) is None
    told = told_of_the_stack(desk)
    assert [what for what, _ in told] == ["stack_started", "stack_stopped", "stack_started"]
    assert {actor.partition(":")[0] for _, actor in told} == {"os"}
    assert house.log_in().code == 0
    assert "the-first" in desk.opitios("report", "order-timing", "--format", "csv").out


def told_of_the_stack(desk: Terminal) -> list[tuple[str, str]]:
    """Return the starts and stops on record, with who did it."""
    runtime = Runtime.load(desk.home.runtime)
    assert runtime is not None
    url = runtime.migrations_database_url.replace("+psycopg", "", 1)
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT operation, actor FROM audit.operations WHERE operation LIKE 'stack_%' ORDER BY recorded_at"
        ).fetchall()


def test_a_new_password_ends_the_old_one_and_every_session(desk: Terminal, house: House) -> None:
    answer = desk.opitios("admin", "reset-password")
    old, house.password = house.password, answer.out.split()[-1]

    assert answer.code == 0
    assert desk.opitios("order", "buy", "AAPL", "1", "--account", "demo-1").refused("session has ended", "login")
    wrong = desk.opitios("login", "--password-stdin", text=f"{old}\n")
    assert wrong.refused("password is wrong", "admin reset-password")
    assert house.log_in().code == 0


def test_nobody_gets_a_password_who_is_no_user(house: House) -> None:
    assert house.terminal.opitios("admin", "reset-password", "nobody").refused("no user 'nobody'")


def test_ctrl_c_in_the_middle_of_a_start_leaves_nothing_behind(stranger: Terminal) -> None:
    start = stranger.begin("run")
    assert start.stdout is not None
    with start.stdout as said:
        while "postgres answers" not in (line := said.readline()):
            assert line, "it ended before Postgres was there"
        start.send_signal(signal.SIGINT)
        rest = said.read()

    assert start.wait(30) == 130, rest
    assert "stopped" in rest
    assert "Traceback" not in rest
    assert stranger.opitios("status").refused("Nothing runs")
    assert [line for line in command_lines() if str(stranger.home.root) in line] == []


def test_a_ctrl_c_that_a_destructor_swallowed_ends_the_start_at_its_next_step() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        say = said_until_interrupted()
        say("a step")
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            say("the next step")
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_start_says_how_to_get_flowers_password_and_the_command_prints_it(house: House) -> None:
    assert "Flower http://127.0.0.1:" in house.first_start.said
    user, password = house.terminal.opitios("admin", "flower-password").out.split()

    assert user == "opitios"
    assert len(password) >= 32
    assert password not in house.first_start.said
    assert password not in "".join(path.read_text(encoding="utf-8") for path in house.terminal.home.logs.rglob("*.log"))


def test_flowers_password_is_asked_for_where_none_is_known(stranger: Terminal) -> None:
    assert stranger.opitios("admin", "flower-password").refused("not known here", "OPITIOS_FLOWER_PASSWORD")
