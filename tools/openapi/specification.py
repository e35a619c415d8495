"""A broker's OpenAPI file as a judge: what it describes, and where an answer departs from that."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tools.openapi.schemas import Schemas

_METHODS = ("get", "post", "put", "patch", "delete")
_NO_CONTENT = 204
_PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path, and the responses by status that are documented for it."""

    method: str
    path: str
    responses: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name in tables: `GET /v2/assets/{symbol_or_asset_id}`."""
        return f"{self.method} {self.path}"


def route_key(method: str, path: str) -> str:
    """Give what two spellings of one route share: the names of path parameters are nobody's business."""
    return f"{method} {_PARAMETER.sub('{}', path)}"


class Specification:
    """One OpenAPI 3.0 document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas = Schemas(document)
        self.operations = {
            route_key(method.upper(), path): Operation(method.upper(), path, item[method]["responses"])
            for path, item in document["paths"].items()
            for method in _METHODS
            if method in item
        }

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a JSON file; OSError or ValueError when it cannot be."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def documents(self, operation: Operation, status: int) -> bool:
        """Whether the operation says that it can answer this status."""
        return str(status) in operation.responses

    def faults(self, operation: Operation, answer: Answer) -> Iterator[str]:
        """Give a sentence for every departure of an answer of a documented status."""
        response = self._schemas.resolved(operation.responses[str(answer.status)])
        for header in response.get("headers", {}):
            if header.lower() not in answer.headers:
                yield f"the header {header} is missing"
        if answer.status == _NO_CONTENT:
            if answer.body:
                yield "204 has a body"
            return
        schema = response.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return
        if not answer.headers.get("content-type", "").startswith("application/json"):
            yield f"the content type is {answer.headers.get('content-type')!r}"
        try:
            value = json.loads(answer.body)
        except ValueError:
            yield "the body is no JSON"
            return
        yield from self._schemas.faults(schema, value)
