"""What the commands print with: plain where nobody looks, coloured at a terminal."""

import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)
_WIDEST = 1000


def fail(message: str) -> None:
    """Print an error as it is; the caller ends with code 1."""
    ERR.print(message, style="red", markup=False)


def print_whole(table: Table) -> None:
    """Print a table that may leave a narrow screen; a number or a name never loses letters."""
    wanted = Console(width=_WIDEST).measure(table).maximum
    Console(highlight=False, width=max(OUT.width, wanted)).print(table)


def add_plain(table: Table, *cells: str) -> None:
    """Add a row whose texts are shown as they are: brackets in them are no markup."""
    table.add_row(*(Text(cell) for cell in cells))


def command_name() -> str:
    """Return how this command is called from here: its name when it is on the PATH, else its path."""
    here = Path(sys.argv[0])
    if here.suffix == ".py":
        return f"{sys.executable} -m cli.main"
    found = shutil.which(here.name)
    if found is not None and Path(found).resolve() == here.resolve():
        return here.name
    try:
        return str(here.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(here)
