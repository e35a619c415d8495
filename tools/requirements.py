"""Which test proves which requirement? Read from the tests' markers, written to `docs/requirements.md`.

`docs/requirements.toml` holds the IDs, our summaries of one line and the list of planned ones. An ID is *proven* when a
test names it in `@pytest.mark.requirement(...)`. Markers are read from the syntax tree, so nothing is imported or run.
"""

import argparse
import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = """# Requirements and the tests that prove them

Written by `make docs` from the markers in `tests/`; `make check` fails when it is out of date. The summaries and the
planned list are in `requirements.toml`. *Proven* means that at least one test names the ID.
"""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The IDs with their summaries, what is planned, and the tests by the ID they name."""

    summaries: dict[str, str]
    planned: tuple[str, ...]
    tests: dict[str, tuple[str, ...]]

    @property
    def proven(self) -> list[str]:
        """Known IDs that at least one test names."""
        return [name for name in self.summaries if name in self.tests]

    def problems(self) -> list[str]:
        """Return a sentence for each thing that is wrong with the ledger."""
        unknown = [
            f"{name}: named by {self.tests[name][0]} and unknown to docs/requirements.toml"
            for name in self.tests
            if name not in self.summaries
        ]
        stray = [f"{name}: planned and without a summary" for name in self.planned if name not in self.summaries]
        doubled = [
            f"{name}: listed twice as planned" for name in sorted(set(self.planned)) if self.planned.count(name) > 1
        ]
        missing = [
            f"{name}: no test names it and it is not planned; mark the test that proves it"
            for name in self.summaries
            if name not in self.tests and name not in self.planned
        ]
        kept = [
            f"{name}: proven by {self.tests[name][0]}, so take it off the planned list, which may only shrink"
            for name in self.planned
            if name in self.tests
        ]
        return unknown + stray + doubled + missing + kept

    def summary(self) -> str:
        """Return the counts as one line."""
        return f"requirements: {len(self.proven)} proven, {len(self.summaries) - len(self.proven)} planned"

    def table(self) -> str:
        """Return the whole document."""
        rows = [HEAD, f"{self.summary().capitalize()}.\n", "| ID | what | state | tests |", "| --- | --- | --- | --- |"]
        for name, what in self.summaries.items():
            tests = self.tests.get(name, ())
            rows.append(f"| {name} | {what} | {'proven' if tests else 'planned'} | {'<br>'.join(tests)} |")
        return "\n".join(rows) + "\n"


def read_ledger(root: Path = ROOT) -> Ledger:
    """Read IDs, plan and markers of the tree at `root`."""
    document = tomllib.loads((root / "docs" / "requirements.toml").read_text(encoding="utf-8"))
    tests: dict[str, list[str]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        for test, name in _named(module.body, path.relative_to(root).as_posix(), _module_marks(module)):
            tests.setdefault(name, []).append(test)
    return Ledger(
        summaries=document["requirements"],
        planned=tuple(document["planned"]),
        tests={name: tuple(sorted(set(proofs))) for name, proofs in sorted(tests.items())},
    )


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write the table or check it; return 0 when ledger and table are in order."""
    parser = argparse.ArgumentParser(prog="python -m tools.requirements", description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true", help="write docs/requirements.md again")
    choice.add_argument("--check", action="store_true", help="fail when it is out of date or an ID is unaccounted for")
    wanted = parser.parse_args(arguments)
    ledger = read_ledger(root)
    document = root / "docs" / "requirements.md"
    problems = ledger.problems()
    if wanted.write:
        document.write_text(ledger.table(), encoding="utf-8")
    elif not document.is_file() or document.read_text(encoding="utf-8") != ledger.table():
        problems.append("docs/requirements.md is out of date: run `make docs`")
    print("\n".join([*problems, ledger.summary()]))
    return 1 if problems else 0


def _named(body: list[ast.stmt], owner: str, inherited: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (test, ID) for the tests in `body`, which also carry their class's and module's marks."""
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            marks = [*inherited, *_marks(node.decorator_list)]
            yield from _named(node.body, f"{owner}::{node.name}", marks)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            for name in [*inherited, *_marks(node.decorator_list)]:
                yield f"{owner}::{node.name}", name


def _module_marks(module: ast.Module) -> list[str]:
    values: list[ast.expr] = [
        node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        and any(isinstance(to, ast.Name) and to.id == "pytestmark" for to in node.targets)
    ]
    return _marks(values)


def _marks(expressions: list[ast.expr]) -> list[str]:
    return [
        argument.value
        for expression in expressions
        for node in ast.walk(expression)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.requirement")
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


if __name__ == "__main__":
    sys.exit(main())
