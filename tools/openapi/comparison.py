"""The comparison itself: every implemented operation asked by its examples, every answer judged."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.openapi.specification import Answer, Operation, Specification, route_key

UNAUTHORIZED, TOO_MANY = 401, 429
_REFUSALS = 400


@dataclass(frozen=True, slots=True)
class Example:
    """A request and the status that must answer it; `{names}` in path and body are the scene's.

    `source` says where a status is known from that the specification does not list. Only an `empty` one may be answered
    with nothing, because nothing fits every schema.
    """

    path: str
    status: int = 200
    body: Any = None
    source: str = ""
    empty: bool = False


Ask = Callable[[str, Example], Answer]
"""Send an example with this method; one of status 401 with wrong keys, of 429 beyond the account's limit."""


@dataclass(slots=True)
class Row:
    """One operation: how many requests it answered, and what was wrong with the answers."""

    operation: Operation
    requests: int = 0
    beyond: int = 0
    """Answers of a status that the specification does not list, known from elsewhere."""
    deviations: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """What was compared, what is described and not implemented, what is implemented and described nowhere."""

    rows: list[Row]
    missing: list[Operation]
    undescribed: list[str]

    @property
    def deviations(self) -> int:
        """How many there are in all."""
        return sum(len(row.deviations) for row in self.rows)


def compare(
    specifications: Sequence[Specification],
    implemented: Iterable[str],
    examples: Mapping[str, Sequence[Example]],
    ask: Ask,
) -> Report:
    """Ask and judge; `implemented` are route keys, `examples` stand under `METHOD /path`.

    Examples are sent in the order in which they stand, because some end what others show.
    """
    routes = set(implemented)
    described = {key: (judge, operation) for judge in specifications for key, operation in judge.operations.items()}
    asked = {route_key(*name.split(" ", 1)): given for name, given in examples.items()}
    rows = {key: Row(described[key][1]) for key in [*asked, *sorted(described)] if key in described and key in routes}
    for key, row in rows.items():
        _compare_one(described[key][0], row, asked.get(key, ()), ask)
    return Report(
        rows=list(rows.values()),
        missing=[operation for key, (_, operation) in described.items() if key not in routes],
        undescribed=sorted(routes - set(described)),
    )


def _compare_one(judge: Specification, row: Row, examples: Sequence[Example], ask: Ask) -> None:
    if not examples:
        row.deviations.append("no example request: add one to tools/openapi/")
        return
    for example in [*examples, *_common_refusals(judge, row.operation, examples[0])]:
        answer = ask(row.operation.method, example)
        row.requests += 1
        row.deviations += (f"{example.path}: {fault}" for fault in _judged(judge, row, example, answer))


def _common_refusals(judge: Specification, operation: Operation, first: Example) -> Iterator[Example]:
    """Give the requests that every operation refuses alike, where it documents that it does."""
    for status in (UNAUTHORIZED, TOO_MANY):
        if judge.documents(operation, status):
            yield Example(first.path, status, first.body)


def _judged(judge: Specification, row: Row, example: Example, answer: Answer) -> Iterator[str]:
    if answer.status != example.status:
        yield f"answered {answer.status} where {example.status} was expected: {answer.body[:120]!r}"
    elif judge.documents(row.operation, answer.status):
        yield from judge.faults(row.operation, answer)
        if answer.body and answer.status < _REFUSALS and not example.empty and _shows_nothing(answer.body):
            yield "the answer shows nothing to judge; ask for more, or say that it is empty"
    elif example.source:
        row.beyond += 1
    else:
        yield f"the status {answer.status} is not documented"


def _shows_nothing(body: bytes) -> bool:
    """Whether a JSON body holds no value at all, however many empty lists and objects."""
    try:
        return _is_nothing(json.loads(body))
    except ValueError:
        return False


def _is_nothing(value: object) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return value is None if parts is None else all(map(_is_nothing, parts))
