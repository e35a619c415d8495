"""The tree as the house rules see it: the files git knows or would know, read once, parsed when a rule asks."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

HOUSE = (
    "api",
    "brokers",
    "cli",
    "config",
    "domain",
    "events",
    "models",
    "reports",
    "risk",
    "services",
    "stack",
    "streams",
    "tasks",
)
SHIPPED = (*HOUSE, "crucible", "exchange", "migrations")


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that breaks a rule, and what to do instead."""

    path: str
    line: int
    rule: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.advice}"


class SourceFile:
    """One text file below the root."""

    def __init__(self, root: Path, path: str) -> None:
        self.path = path
        self.location = root / path

    @property
    def package(self) -> str:
        """The top-level directory, or the empty string for a file at the top."""
        return PurePosixPath(self.path).parts[0] if "/" in self.path else ""

    @cached_property
    def text(self) -> str:
        """The content; bytes that are no UTF-8 become replacement characters."""
        return self.location.read_text(encoding="utf-8", errors="replace")

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return self.text.splitlines()

    @cached_property
    def syntax(self) -> ast.Module:
        """The parsed module; raises SyntaxError for what is no Python."""
        return ast.parse(self.text, self.path)

    def nodes(self) -> Iterator[ast.AST]:
        """Walk every node of the parsed module."""
        yield from ast.walk(self.syntax)

    def strings(self) -> Iterator[tuple[int, str]]:
        """Yield line and text of every string; the holes of an f-string are one space."""
        inside = {id(part) for node in self.nodes() if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in self.nodes():
            if isinstance(node, ast.JoinedStr):
                yield node.lineno, "".join(_constant(part) for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
                yield node.lineno, node.value

    def matches(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
        """Yield line number and matched text of `pattern`, line by line."""
        for number, line in enumerate(self.lines, start=1):
            for found in pattern.finditer(line):
                yield number, found.group()


class SourceTree:
    """All files of a checkout: tracked ones and new ones that git does not ignore."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = [SourceFile(root, path) for path in sorted(_paths(root)) if (root / path).is_file()]

    def python(self, *packages: str) -> Iterator[SourceFile]:
        """Yield the Python files of the named top-level directories, of the whole tree when none is named."""
        for file in self.files:
            if file.path.endswith(".py") and (not packages or file.package in packages):
                yield file


def _constant(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else " "


def _paths(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607  the developer's git
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        return [path for path in listed.stdout.split("\0") if path]
    return [path.relative_to(root).as_posix() for path in root.rglob("*") if not _ignored(path.relative_to(root))]


def _ignored(path: Path) -> bool:
    """Without git (an unpacked archive): hidden directories but `.ci`, caches and build results."""
    hidden = any(part.startswith(".") and part != ".ci" for part in path.parts[:-1])
    return hidden or any(part == "__pycache__" or part.endswith(".egg-info") for part in path.parts)
