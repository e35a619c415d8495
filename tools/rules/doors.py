"""One door each: commits, messages and order states leave through a single place, so that it can be trusted."""

import ast
import re
from collections.abc import Iterator

from tools.source_tree import HOUSE, Finding, SourceFile, SourceTree

UNIT_OF_WORK = "models/session.py"
TRANSITION_DOOR = "services/order_transition.py"

_ASSIGNED = r"(?:\bSET|,)\s*\"?status\"?\s*="
_UNTIL_WHERE = r"(?:(?!\bWHERE\b|\bRETURNING\b).)*?"
STATUS_SQL = re.compile(
    rf"\bUPDATE\s+(?:ONLY\s+)?(?:trading\.)?orders\b(?:(?!\bSET\b).){{0,40}}?(?=\bSET\b){_UNTIL_WHERE}{_ASSIGNED}"
    r"|\bUPDATE\s+(?:ONLY\s+)?(?:trading\.)?orders\b(?:(?!\bSET\b).){0,40}?\bSET\s*\([^)]*\bstatus\b"
    rf"|\bINTO\s+(?:trading\.)?orders\b.*?\bDO\s+UPDATE\s+(?=SET\b){_UNTIL_WHERE}{_ASSIGNED}",
    re.IGNORECASE | re.DOTALL,
)
MESSENGERS = re.compile(r"(?i)(app|broker|celery|channel|client|connection|exchange|producer|pubsub|redis)$")


def one_commit(tree: SourceTree) -> Iterator[Finding]:
    """Forbid `.commit()` and `.rollback()` outside the unit of work."""
    for file in tree.python(*HOUSE):
        if file.path == UNIT_OF_WORK:
            continue
        for method in _method_calls(file):
            if method.attr in {"commit", "rollback"}:
                yield Finding(
                    file.path,
                    method.lineno,
                    "one commit",
                    f"leave it to the Unit: only {UNIT_OF_WORK} ends a transaction",
                )


def messages_leave_through_events(tree: SourceTree) -> Iterator[Finding]:
    """Forbid Celery's and Redis' ways of sending outside `events/`; `self.retry` in a task is no such way."""
    for file in tree.python(*HOUSE):
        if file.package == "events":
            continue
        for method in _method_calls(file):
            name = method.attr
            to_messenger = name == "publish" and MESSENGERS.search(_last_name(method.value))
            if name in {"delay", "apply_async", "send_task"} or to_messenger:
                yield Finding(
                    file.path,
                    method.lineno,
                    "messages leave through events",
                    f".{name}() belongs in events/: hand it the id after the commit",
                )


def status_has_one_door(tree: SourceTree) -> Iterator[Finding]:
    """Forbid changes of `orders.status` outside the transition door: SQL text, SQLAlchemy updates, assignments.

    `self.status = ...` in an `__init__` sets a new object's own field and changes no order.
    """
    advice = f"call {TRANSITION_DOOR}: it applies the state table and writes the audit event in the same statement"
    for file in tree.python(*HOUSE):
        if file.path != TRANSITION_DOOR:
            for line in sorted(set(_status_changes(file))):
                yield Finding(file.path, line, "order status has one door", advice)


def _status_changes(file: SourceFile) -> Iterator[int]:
    own_fields = _fields_set_by_init(file)
    for line, text in file.strings():
        if STATUS_SQL.search(text):
            yield line
    for node in file.nodes():
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr == "status":
            if id(node) not in own_fields:
                yield node.lineno
        elif isinstance(node, ast.Call) and (_is_update_of_status(node) or _is_setattr_of_status(node)):
            yield node.lineno


def _fields_set_by_init(file: SourceFile) -> set[int]:
    return {
        id(inner)
        for node in file.nodes()
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "self"
    }


def _is_update_of_status(call: ast.Call) -> bool:
    """Say whether this is SQLAlchemy's `update(...).values(status=...)` on the orders table or class."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "values"):
        return False
    if all(keyword.arg != "status" for keyword in call.keywords):
        return False
    chain = ast.unparse(call.func.value)
    return bool(re.search(r"\bupdate\(", chain) and re.search(r"(?i)orders?\b", chain))


def _is_setattr_of_status(call: ast.Call) -> bool:
    is_setattr = isinstance(call.func, ast.Name) and call.func.id == "setattr"
    return is_setattr and any(isinstance(part, ast.Constant) and part.value == "status" for part in call.args[1:2])


def _method_calls(file: SourceFile) -> Iterator[ast.Attribute]:
    """Yield the function of each `owner.method(...)`."""
    for node in file.nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
