"""`make check` says which check failed and shows its output."""

import sys

import pytest

from tools.check import CHECKS, Check, main

PASSES = Check("calm", (sys.executable, "-c", "print('quiet words')"))
FAILS = Check("storm", (sys.executable, "-c", "print('loud words'); raise SystemExit(3)"))


def test_it_passes_when_all_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([PASSES, PASSES]) == 0
    assert "2 of 2 checks passed" in capsys.readouterr().out


def test_one_failure_fails_the_whole_and_shows_its_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([FAILS, PASSES]) == 1

    said = capsys.readouterr().out
    assert "FAIL storm" in said
    assert "loud words" in said
    assert "quiet words" not in said


def test_nothing_promised_is_left_out() -> None:
    commands = " ; ".join(" ".join(check.command) for check in CHECKS)

    for tool in (
        "ruff format",
        "ruff check",
        "mypy",
        "lint-imports",
        "house_rules",
        "deptry",
        "alembic_check",
        "requirements",
    ):
        assert tool in commands.replace("--quiet --check", ""), tool
