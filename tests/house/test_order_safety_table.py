"""The table of the order rules is whole, and speaks of code and tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs" / "order-safety.md").read_text(encoding="utf-8")
ROWS = {
    int(number): (where, tests) for number, where, tests in re.findall(r"(?m)^\| R(\d+) \|.*\| (.+) \| (.+) \|$", TABLE)
}


def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_rule_has_one_row() -> None:
    assert re.findall(r"(?m)^\| R(\d+) \|", TABLE) == [str(number) for number in range(1, 32)]
    assert list(ROWS) == list(range(1, 32))


@pytest.mark.parametrize("number", ROWS, ids=lambda number: f"R{number}")
def test_a_rule_names_code_and_tests_that_exist_or_when_they_come(number: int) -> None:
    where, tests = ROWS[number]
    if where == tests:
        assert re.fullmatch(r"with (issue \d+|a later issue)", where)
        return
    named = re.findall(r"`([^`]+)`", tests)
    assert named
    assert [path for path in re.findall(r"`([^`]+)`", where) if not (ROOT / path).is_file()] == []
    assert [test for test in named if test.partition("::")[2] not in functions(test.partition("::")[0])] == []
