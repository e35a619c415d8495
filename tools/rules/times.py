"""Times are aware UTC: a naive one means the server's zone, and a trading day ends in Chicago."""

import ast
import re
from collections.abc import Iterator

from tools.source_tree import HOUSE, Finding, SourceFile, SourceTree

# Position of the zone among the positional arguments of the constructors that take one.
ZONE_AT = {"datetime": 7, "fromtimestamp": 1, "now": 0, "combine": 2}
ALWAYS_NAIVE = {"utcnow", "utcfromtimestamp"}
NAIVE_SQL = re.compile(
    r"(?i)\btimestamp\s+without\s+time\s+zone|^\s*\w+\s+timestamp(?:\(\d\))?(?=\s*(?:,|$|not\b|null\b|default\b))"
)


def no_naive_datetimes(tree: SourceTree) -> Iterator[Finding]:
    """Forbid datetimes and columns without a zone; the simulated exchange has a clock of its own."""
    for file in tree.python(*HOUSE, "migrations"):
        for node in file.nodes():
            if what := _naive(node):
                yield _finding(file, getattr(node, "lineno", 1), what)
    for file in tree.files:
        if file.path.endswith(".sql"):
            for line, what in file.matches(NAIVE_SQL):
                yield _finding(file, line, what.strip())


def _finding(file: SourceFile, line: int, what: str) -> Finding:
    return Finding(
        file.path, line, "no naive datetimes", f"{what}: give it UTC (tzinfo=UTC, timezone=True, timestamptz)"
    )


def _naive(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    if name in ALWAYS_NAIVE:
        return f"{name}()"
    if name in {"DateTime", "TIMESTAMP"}:
        return "" if "timezone" in keywords else f"{name} column"
    if name == "replace" and isinstance(zone := keywords.get("tzinfo"), ast.Constant) and zone.value is None:
        return "replace(tzinfo=None)"
    if name in ZONE_AT and _is_datetime(node.func):
        has_zone = len(node.args) > ZONE_AT[name] or {"tz", "tzinfo", None} & keywords.keys()
        return "" if has_zone else f"{name}() without a zone"
    return ""


def _is_datetime(function: ast.expr) -> bool:
    """Say whether this is the class `datetime` or a method of it, and not some port's `clock.now()`."""
    owner = function.value if isinstance(function, ast.Attribute) and function.attr != "datetime" else function
    last = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return last == "datetime"
