"""The table of docs/planted-bugs.md: what was changed, what caught it, how soon; rows that are not run anew stay."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.planted.bugs import BUGS
from tests.planted.planted import ROOT, Planted

DOCUMENT = ROOT / "docs" / "planted-bugs.md"
NOT_RUN = "-"
_HEAD = "| bug | rule | what is broken | in | caught by | runs | seconds | crucible |"
_RULE = "| --- | --- | --- | --- | --- | --- | --- | --- |"
_FIXED = 5  # cells that follow from the bug alone


@dataclass(frozen=True, slots=True)
class Measured:
    """What the last trial of a bug showed: runs until its tests failed, seconds of a run, and the crucible's word."""

    runs: str = NOT_RUN
    seconds: str = NOT_RUN
    crucible: str = NOT_RUN


def cells(bug: Planted) -> list[str]:
    """Return the cells of a row that follow from the bug itself."""
    tests = "<br>".join(f"`{test}`" for test in bug.caught_by)
    return [bug.name, bug.rule, bug.breaks, f"`{bug.file}`", tests]


def read_table(document: Path = DOCUMENT) -> dict[str, list[str]]:
    """Return the rows of the table by the bug's name."""
    lines = document.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return {row[0]: row for row in rows[2:]}


def write_table(measured: Mapping[str, Measured], document: Path = DOCUMENT) -> None:
    """Write every bug's row; what was not measured now keeps what stands there."""
    text, known = document.read_text(encoding="utf-8"), read_table(document)
    before, _, rest = text.partition(_HEAD)
    after = rest[rest.index("\n\n") :] if "\n\n" in rest else "\n"
    rows = []
    for bug in BUGS.values():
        old = Measured(*known.get(bug.name, [])[_FIXED:])
        new = measured.get(bug.name, Measured())
        merged = [now if now != NOT_RUN else then for now, then in zip(_figures(new), _figures(old), strict=True)]
        rows.append(f"| {' | '.join([*cells(bug), *merged])} |")
    document.write_text(before + "\n".join([_HEAD, _RULE, *rows]) + after, encoding="utf-8")


def _figures(measured: Measured) -> tuple[str, str, str]:
    return measured.runs, measured.seconds, measured.crucible
