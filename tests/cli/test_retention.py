"""`audit retire` and `audit verify-archive`: what they say where nothing is old enough, and of a file that is none."""

from pathlib import Path

from tests.support.commands import Terminal


def test_nothing_is_due_in_a_new_installation(desk: Terminal) -> None:
    answer = desk.opitios("audit", "retire", "--before", "2026-01")
    assert (answer.code, answer.said) == (0, "Nothing is due: every month ended less than 6 years ago. ")


def test_a_file_that_cannot_be_checked_says_why(desk: Terminal, tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    other.write_bytes(b"PAR1")
    assert desk.opitios("audit", "verify-archive", str(other)).refused("other.parquet is no archive of the audit trail")
