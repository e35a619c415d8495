"""Lines of the bench's tables."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One line: the figure as text, the goal as text, and whether it was reached (None: no goal)."""

    what: str
    figure: str
    goal: str = ""
    reached: bool | None = None


def table(title: str, rows: Iterable[Row]) -> Table:
    """Return the lines as they are printed."""
    made = Table("what", "measured", "goal", "reached", title=title)
    made.columns[1].no_wrap = True
    for row in rows:
        reached = "" if row.reached is None else "[green]yes[/]" if row.reached else "[red]no[/]"
        made.add_row(row.what, row.figure, row.goal, reached)
    return made
