"""A test that is left out says why, and none waits by sleeping."""

import ast
from collections.abc import Iterator

from tools.source_tree import Finding, SourceTree

LONGEST_SLEEP_S = 1


def no_silent_skips(tree: SourceTree) -> Iterator[Finding]:
    """Forbid skip and xfail, as marker or call, without a reason."""
    for file in tree.python("tests"):
        called = {id(node.func) for node in file.nodes() if isinstance(node, ast.Call)}
        for node in file.nodes():
            bare = isinstance(node, ast.Attribute) and id(node) not in called and _is_marker(node)
            if bare or (isinstance(node, ast.Call) and not _has_reason(node)):
                yield Finding(
                    file.path,
                    getattr(node, "lineno", 1),
                    "no silent skips",
                    "say why: reason='...', or make the test run",
                )


def no_long_sleeps(tree: SourceTree) -> Iterator[Finding]:
    """Forbid `sleep` above one second: a test waits for what it wants to see, with a deadline."""
    for file in tree.python("tests"):
        for node in file.nodes():
            if isinstance(node, ast.Call) and node.args and _name(node.func) == "sleep":
                value = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
                if isinstance(value, int | float) and value > LONGEST_SLEEP_S:
                    yield Finding(file.path, node.lineno, "no long sleeps", "poll for the condition, with a deadline")


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _is_marker(node: ast.Attribute) -> bool:
    return (
        node.attr in {"skip", "skipif", "xfail"} and isinstance(node.value, ast.Attribute) and node.value.attr == "mark"
    )


def _has_reason(call: ast.Call) -> bool:
    """Say True too for calls that skip nothing."""
    function = call.func
    if not isinstance(function, ast.Attribute):
        return True
    given = {keyword.arg for keyword in call.keywords}
    if _is_marker(function):
        return "reason" in given or (function.attr == "skip" and bool(call.args))
    if isinstance(function.value, ast.Name) and function.value.id == "pytest":
        if function.attr in {"skip", "xfail"}:
            return "reason" in given or bool(call.args)
        return function.attr != "importorskip" or "reason" in given
    return True
