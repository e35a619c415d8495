"""Money is Decimal from edge to edge: binary fractions stay out of the floors that compute with it."""

import ast
from collections.abc import Iterator

from tools.source_tree import Finding, SourceFile, SourceTree

FLOORS = ("domain", "risk", "services", "models")
COLUMN_TYPES = {"Float", "Double", "REAL", "DOUBLE", "DOUBLE_PRECISION"}
ESCAPE = "# float: "


def no_float(tree: SourceTree) -> Iterator[Finding]:
    """Forbid `float` as annotation, call, literal or column type in domain, risk, services and models.

    `isinstance(value, float)` is how a float is refused, so it is allowed; so is a line that ends in
    `# float: <reason>`, for numbers that are no money, such as milliseconds.
    """
    for file in tree.python(*FLOORS):
        refusals = _inside_isinstance(file)
        for node in file.nodes():
            what = _float_in(node)
            if what and id(node) not in refusals and not _excused(file, node):
                yield Finding(
                    file.path,
                    getattr(node, "lineno", 1),
                    "no float",
                    f"{what}: use Decimal and NUMERIC, or end the line with `{ESCAPE}<reason>` if this is no money",
                )


def _float_in(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        return f"literal {node.value!r}"
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name if name == "float" or name in COLUMN_TYPES else ""


def _inside_isinstance(file: SourceFile) -> set[int]:
    return {
        id(inner)
        for node in file.nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"
        for kind in node.args[1:]
        for inner in ast.walk(kind)
    }


def _excused(file: SourceFile, node: ast.AST) -> bool:
    line = file.lines[getattr(node, "lineno", 1) - 1]
    _, found, reason = line.partition(ESCAPE)
    return bool(found and reason.strip())
