"""OpenAPI 3.0 writes schemas in a dialect: said again as JSON Schema 2020-12, strict about fields nobody documented."""

import re
import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match

_SAME_WORDS = (
    "type",
    "enum",
    "format",
    "pattern",
    "required",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})")
_SHOWN_ONLY: dict[str, tuple[str, ...]] = {"Order": ("source", "subtag")}
"""Fields, by component, that Alpaca's file shows in its examples of answers and forgets in its schema."""
_INDEX = re.compile(r"\[\d+\]")
_LONGEST_MESSAGE = 200
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time")
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or _MOMENT.fullmatch(value) is not None


@FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or date.fromisoformat(value).isoformat() == value


@FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(uuid.UUID(value)) == value.lower()


def _sentence(error: ValidationError) -> str:
    return f"{_INDEX.sub('[]', error.json_path)}: {error.message}"[:_LONGEST_MESSAGE]


class Schemas:
    """The schemas of one OpenAPI document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._definitions: dict[str, dict[str, Any]] = {}

    def faults(self, schema: dict[str, Any], value: object) -> Iterator[str]:
        """Give a sentence for everything in `value` (parsed JSON) that the schema does not allow.

        What is wrong with several items of an array in the same way is one sentence.
        """
        root = self._said(schema, closed=True)
        validator = Draft202012Validator({**root, "$defs": self._definitions}, format_checker=FORMATS)
        found = (_sentence(best_match([error]) or error) for error in validator.iter_errors(value))
        yield from dict.fromkeys(found)

    def resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        """Follow a `$ref` of the document, as often as it leads to another."""
        while "$ref" in part:
            target: Any = self._document
            for step in part["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            part = target
        return part

    def _said(self, schema: dict[str, Any], *, closed: bool) -> dict[str, Any]:
        """Say one schema again; a `closed` one allows no field that it does not name."""
        if "$ref" in schema:
            return {"$ref": f"#/$defs/{self._defined(schema['$ref'], closed=closed)}"}
        said: dict[str, Any] = {word: schema[word] for word in _SAME_WORDS if word in schema}
        if "properties" in schema:
            said["properties"] = {name: self._said(part, closed=True) for name, part in schema["properties"].items()}
        if "items" in schema:
            said["items"] = self._said(schema["items"], closed=True)
        said |= self._composed(schema, closed=closed)
        others = schema.get("additionalProperties")
        if others is not None:
            said["additionalProperties"] = self._said(others, closed=True) if isinstance(others, dict) else others
        elif closed and "allOf" in schema:
            said["unevaluatedProperties"] = False
        elif closed and "properties" in schema:
            said["additionalProperties"] = False
        return {"anyOf": [said, {"type": "null"}]} if schema.get("nullable") else said

    def _composed(self, schema: dict[str, Any], *, closed: bool) -> dict[str, Any]:
        """Say allOf, anyOf, oneOf: parts that make one object together must each allow the others' fields."""
        alone = closed and "properties" not in schema
        return {
            word: [self._said(part, closed=alone and word != "allOf") for part in schema[word]]
            for word in ("allOf", "anyOf", "oneOf")
            if word in schema
        }

    def _defined(self, reference: str, *, closed: bool) -> str:
        """Give the name under which a component stands in `$defs`; it may refer to itself."""
        name = f"{reference.rpartition('/')[2]}-{'closed' if closed else 'open'}"
        if name not in self._definitions:
            self._definitions[name] = {}
            schema = self.resolved({"$ref": reference})
            shown: dict[str, Any] = {field: {} for field in _SHOWN_ONLY.get(name.partition("-")[0], ())}
            if shown:
                schema = {**schema, "properties": {**schema["properties"], **shown}}
            self._definitions[name].update(self._said(schema, closed=closed))
        return name
