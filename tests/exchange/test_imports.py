"""The oracle of our tests may not share code with what it judges."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import exchange

ALLOWED = {"aiohttp", "uvloop", "exchange", "exchange_calendars"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "relative" if node.level or node.module is None else node.module.partition(".")[0]


def test_the_exchange_imports_nothing_of_ours() -> None:
    files = sorted(Path(exchange.__path__[0]).rglob("*.py"))
    assert len(files) > 20
    strange = {(path.name, name) for path in files for name in imported(path)} - {
        (path.name, name) for path in files for name in ALLOWED | set(sys.stdlib_module_names)
    }
    assert strange == set()


def test_a_start_does_not_wait_for_the_calendar() -> None:
    look = "import sys, exchange.server; print(sorted({'pandas', 'exchange_calendars'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
