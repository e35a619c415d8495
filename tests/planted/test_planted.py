"""The planted bugs are real: each has its place in today's code, each is caught, and a house has one when asked to."""

import ast
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from config.home import Home
from stack.processes import common_environment
from tests.planted.__main__ import main
from tests.planted.bugs import BUGS
from tests.planted.planted import ROOT, VARIABLE, Planted
from tests.planted.table import Measured, cells, read_table, write_table
from tests.support.stack import own_environment

QUICK = ("exits-behind-entries", "gateway-timeout-rejects")
LANES = "from config.celery import placing_task; from domain.orders import Lane; print(placing_task(Lane.EXIT))"


@pytest.fixture(params=BUGS.values(), ids=list(BUGS))
def bug(request: pytest.FixtureRequest) -> Planted:
    made: Planted = request.param
    return made


def test_it_has_its_place_in_todays_code_and_what_it_makes_is_code(bug: Planted) -> None:
    whole = bug.path.read_text(encoding="utf-8")
    broken = bug.into(whole)
    assert ast.dump(ast.parse(broken)) != ast.dump(ast.parse(whole))


def test_the_tests_that_must_see_it_exist(bug: Planted) -> None:
    assert bug.caught_by
    for test in bug.caught_by:
        file, _, name = test.partition("::")
        assert name in functions(file)


def test_a_place_that_is_gone_is_named() -> None:
    found = BUGS["exits-behind-entries"]
    with pytest.raises(ValueError, match=r"config/celery.py holds 'return PLACE_EXIT.*' 0 times, expected once"):
        found.into("def placing_task() -> None: ...")


def test_the_document_tells_of_every_bug_as_it_is() -> None:
    told = {name: row[: len(cells(BUGS[name]))] for name, row in read_table().items()}
    assert told == {name: cells(found) for name, found in BUGS.items()}, "run: python -m tests.planted --write"


def test_what_was_not_run_anew_keeps_its_figures(tmp_path: Path) -> None:
    document = tmp_path / "planted-bugs.md"
    document.write_text(
        "# Before\n\n| bug | rule | what is broken | in | caught by | runs | seconds | crucible |\n\nAfter\n"
    )
    first, second = list(BUGS)[:2]
    write_table({first: Measured("1", "5"), second: Measured("2", "7")}, document)
    write_table({second: Measured(crucible="seed 1")}, document)
    rows = read_table(document)
    assert (rows[first][-3:], rows[second][-3:]) == (["1", "5", "-"], ["2", "7", "seed 1"])
    assert document.read_text().startswith("# Before\n\n| bug")
    assert document.read_text().endswith("|\n\nAfter\n")


def test_a_process_of_the_stack_has_the_bug_and_no_other_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lane_of_exits(tmp_path) == "orders.place_exit"
    for name, value in BUGS["exits-behind-entries"].environment().items():
        monkeypatch.setenv(name, value)
    assert lane_of_exits(tmp_path) == "orders.place"


def test_a_bug_nobody_knows_stops_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BUGS["exits-behind-entries"].environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(VARIABLE, "none-such")
    done = subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, text=True, check=False)
    assert (done.returncode != 0, done.stdout) == (True, "")
    assert "'none-such', expected one of acknowledged-early" in done.stderr


def test_quick_ones_are_caught(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(list(QUICK)) == 0
    assert "2 of 2 bugs caught" in capsys.readouterr().out


@lru_cache
def functions(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def lane_of_exits(home: Path) -> str:
    """Return the task that a process started as the supervisor does it would place an exit by."""
    environ = own_environment(Home(home))
    environ |= common_environment(Home(home), environ)
    answer = subprocess.run([sys.executable, "-c", LANES], env=environ, capture_output=True, text=True, check=True)
    return answer.stdout.strip()
