"""Two logs and one door to them: no other sinks, no loggers of a user, no decorators that measure (QUA-002)."""

import ast
import re
from collections.abc import Iterator

from tools.source_tree import HOUSE, Finding, SourceTree

DOOR = "config/logging.py"
HANDLER = re.compile(r"^(?:\w*Handler|basicConfig|dictConfig|fileConfig)$")
MEASURING = re.compile(r"(?i)(?:perf(?:ormance)?|profil\w*|timed|timing|time_it|log_(?:call|execution|time))")
OF_OLD = re.compile(r"(?i)^(?:performance_?monitor|user_?logger|trading_?logger|security_?logger)$")


def two_logs(tree: SourceTree) -> Iterator[Finding]:
    """Forbid sinks and handlers outside the door, decorators that measure, and special loggers (QUA-002, FR-004)."""
    for file in tree.python(*HOUSE):
        for node in file.nodes():
            advice = _decorator(node) or _special(node) or (None if file.path == DOOR else _sink(node))
            if advice is not None:
                yield Finding(file.path, getattr(node, "lineno", 1), "two logs", advice)


def _decorator(node: ast.AST) -> str | None:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return None
    for decorator in node.decorator_list:
        name = _name(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if MEASURING.search(name):
            return f"@{name}: measure around the call and write its line with log_operation"
    return None


def _special(node: ast.AST) -> str | None:
    if isinstance(node, ast.ClassDef | ast.FunctionDef) and OF_OLD.match(node.name):
        return f"{node.name}: there is the application log and the error log, nothing else"
    return None


def _sink(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    name = _name(node.func)
    to_loguru = isinstance(node.func, ast.Attribute) and _name(node.func.value) == "logger"
    if HANDLER.match(name) or (to_loguru and name in {"add", "configure", "remove"}):
        return f"{name}(): lines leave through {DOOR}, where they are freed of secrets"
    return None


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
