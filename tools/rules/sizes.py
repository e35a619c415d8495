"""Files and functions stay small enough to be read in one sitting."""

import ast
from collections.abc import Iterator

from tools.source_tree import Finding, SourceTree

FILE_LIMIT = 400
FUNCTION_LIMIT = 50


def files_stay_small(tree: SourceTree) -> Iterator[Finding]:
    """Forbid Python files above 400 lines; a revision tells one step of the schema's history, however long."""
    for file in tree.python():
        if len(file.lines) > FILE_LIMIT and not file.path.startswith("migrations/versions/"):
            advice = f"{len(file.lines)} lines, the limit is {FILE_LIMIT}: split it by verb"
            yield Finding(file.path, FILE_LIMIT + 1, "files stay small", advice)


def functions_stay_small(tree: SourceTree) -> Iterator[Finding]:
    """Forbid functions above 50 lines, docstring included; likewise not in revisions."""
    for file in tree.python():
        if file.path.startswith("migrations/versions/"):
            continue
        for node in file.nodes():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LIMIT:
                    advice = f"{node.name} has {length} lines, the limit is {FUNCTION_LIMIT}: name its steps"
                    yield Finding(file.path, node.lineno, "functions stay small", advice)
