"""What ships holds nothing of the workshop: no demo or test code, no developer's paths, no package hosts."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.source_tree import SHIPPED, Finding, SourceTree

WORKSHOP_NAME = re.compile(r"(?i)(?:^|[_.-])(?:demo|dummy|fake|mock|mocks|sample|stub|test|tests)(?:$|[_.-])")
DEMO_LOGIN = re.compile(r"(?i)demo[_-]?jwt")
WORKSHOP_IMPORTS = {"hypothesis", "mock", "pytest", "tests", "tools"}
SECRET_NAME = re.compile(r"(?i)^secret |(?:^|_)(?:password|passwd|jwt_secret|secret_key|api_key)$")
DEVELOPER_PATH = re.compile(r"(?:(?<![\w.}$~*])/(?:home|Users|root|work)/[\w.-]+/|\b[A-Z]:\\Users\\)")
PACKAGE_HOST = re.compile(
    r"(?i)\b(?:(?:test\.)?pypi\.org|pythonhosted\.org|registry\.npmjs\.org|[\w.-]*(?:artifactory|jfrog|nexus|codeartifact)[\w-]*\.\w+)"
    r"|(?<!-)--(?:extra-)?index-url\b|(?<!-)--find[-]links\b"
)


def nothing_for_show(tree: SourceTree) -> Iterator[Finding]:
    """Forbid demo and test code in what ships (QUA-001, FR-003): by file name, by import, by the demo login's name."""
    for file in tree.files:
        if file.package not in SHIPPED:
            continue
        for part in PurePosixPath(file.path).parts:
            if WORKSHOP_NAME.search(PurePosixPath(part).stem):
                yield Finding(file.path, 1, "nothing for show", f"{part}: demo and test code lives in tests/ or bench/")
        for line, what in file.matches(DEMO_LOGIN):
            yield Finding(file.path, line, "nothing for show", f"{what}: there is no demo login")
    for file in tree.python(*SHIPPED):
        for node in file.nodes():
            for module in _imported(node):
                if module.partition(".")[0] in WORKSHOP_IMPORTS or module.startswith("unittest"):
                    advice = f"imports {module}: what ships does not know the workshop"
                    yield Finding(file.path, getattr(node, "lineno", 1), "nothing for show", advice)


def no_secret_of_ours(tree: SourceTree) -> Iterator[Finding]:
    """Forbid secrets in what ships (QUA-001, FR-003): a default password, however unlikely, is everybody's."""
    for file in tree.python(*SHIPPED):
        for node in file.nodes():
            for name, value in _named_values(node):
                if SECRET_NAME.search(name) and value and not value.isspace():
                    advice = f"{name} has a value of its own: generate it, or ask for it"
                    yield Finding(file.path, getattr(node, "lineno", 1), "no secret of ours", advice)


def _named_values(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield what is assigned or defaulted under a name when it is a literal, also inside SecretStr."""
    for target, value in _pairs(node):
        if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "SecretStr" and value.args:
            yield f"secret {target}", _literal(value.args[0])
        else:
            yield target, _literal(value)


def _pairs(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield str(getattr(target, "id", None) or getattr(target, "attr", "")), node.value
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        given, defaults = node.args.posonlyargs + node.args.args, node.args.defaults
        yield from zip([item.arg for item in given[len(given) - len(defaults) :]], defaults, strict=True)
        yield from zip([item.arg for item in node.args.kwonlyargs], node.args.kw_defaults, strict=True)


def _literal(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def no_workshop_paths(tree: SourceTree) -> Iterator[Finding]:
    """Forbid absolute paths below a developer's home in any file of the tree."""
    for file in tree.files:
        for line, what in file.matches(DEVELOPER_PATH):
            yield Finding(file.path, line, "no workshop paths", f"{what}: name it relative to the tree, or from $HOME")


def no_package_hosts(tree: SourceTree) -> Iterator[Finding]:
    """Forbid package hosts and index options in any file: where packages come from is the machine's setting."""
    for file in tree.files:
        for line, what in file.matches(PACKAGE_HOST):
            yield Finding(file.path, line, "no package hosts", f"{what}: leave the source to pip's own configuration")


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
