"""The comparison with OpenAPI files finds what is planted, in a schema of its own and in a real exchange's answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.openapi.comparison import Example, Report, compare
from tools.openapi.specification import Answer, Specification, route_key
from tools.openapi_compare import EXAMPLES, implemented_routes, main

THING: dict[str, Any] = {
    "type": "object",
    "required": ["id", "kind"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "kind": {"type": "string", "enum": ["small", "large"]},
        "at": {"type": "string", "format": "date-time", "nullable": True},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/thing"}},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "owner": {"$ref": "#/components/schemas/owner"},
    },
}
OWNER: dict[str, Any] = {
    "allOf": [{"$ref": "#/components/schemas/name"}, {"type": "object", "properties": {"age": {"type": "integer"}}}]
}
NAME: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}}}
RESPONSES: dict[str, Any] = {
    "200": {
        "headers": {"X-Left": {}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/thing"}}},
    },
    "204": {},
    "404": {"description": "Not found."},
}
DOCUMENT: dict[str, Any] = {
    "paths": {"/things/{thing_id}": {"get": {"responses": RESPONSES}}, "/others": {"post": {"responses": {"200": {}}}}},
    "components": {"schemas": {"thing": THING, "owner": OWNER, "name": NAME}},
}
GOOD: dict[str, Any] = {
    "id": "0b5e6a0e-4c0f-4a2c-9a55-4f4f5d1c2b3a",
    "kind": "small",
    "at": None,
    "tags": {"any": "word"},
    "owner": {"name": "Ann", "age": 40},
}
ROUTE = route_key("GET", "/things/{id}")


def compared(
    body: object, status: int = 200, example: Example | None = None, content: str = "application/json"
) -> Report:
    answer = Answer(
        status, {"x-left": "3", "content-type": content}, b"" if body is None else json.dumps(body).encode()
    )
    examples = {"GET /things/{any_name}": [example or Example("/things/1", status)]}
    return compare([Specification(DOCUMENT)], [ROUTE, "GET /extra"], examples, lambda _method, _example: answer)


def test_an_answer_as_described_deviates_in_nothing() -> None:
    report = compared({**GOOD, "at": "2026-11-20T14:30:00.123456789Z", "parts": [GOOD, {**GOOD, "parts": []}]})

    assert [(row.requests, row.deviations) for row in report.rows] == [(1, [])]
    assert [operation.name for operation in report.missing] == ["POST /others"]
    assert report.undescribed == ["GET /extra"]


PLANTED = [
    # what is wrong, the body that makes it so, what the report says
    ("a field is missing", {"kind": "small"}, "'id' is a required property"),
    ("a field is null", {**GOOD, "parts": None}, "None is not of type 'array'"),
    ("a word is unknown", {**GOOD, "kind": "huge"}, "'huge' is not one of ['small', 'large']"),
    ("a number stands for a string", {**GOOD, "tags": {"any": 1}}, "$.tags.any: 1 is not of type 'string'"),
    ("a time has no zone", {**GOOD, "at": "2026-11-20T14:30:00"}, "is not a 'date-time'"),
    ("an id is none", {**GOOD, "id": "17"}, "is not a 'uuid'"),
    ("a field is nowhere described", {**GOOD, "colour": "red"}, "'colour' was unexpected"),
    ("so is one of a part", {**GOOD, "parts": [{**GOOD, "colour": "red"}]}, "$.parts[]"),
    ("so is one of a composed part", {**GOOD, "owner": {"name": "Ann", "colour": "red"}}, "$.owner"),
]


@pytest.mark.parametrize(("body", "said"), [row[1:] for row in PLANTED], ids=[row[0] for row in PLANTED])
def test_a_planted_deviation_is_found(body: object, said: str) -> None:
    (row,) = compared(body).rows
    assert len(row.deviations) == 1
    assert said in row.deviations[0]


def test_statuses_headers_and_kinds_of_content_are_judged() -> None:
    assert compared(None, 204).deviations == 0
    assert compared(GOOD, 204).rows[0].deviations == ["/things/1: 204 has a body"]
    assert compared({"message": "gone"}, 404).deviations == 0
    assert compared(None, 418).rows[0].deviations == ["/things/1: the status 418 is not documented"]
    assert compared(None, 418, Example("/things/1", 418, source="a thread")).rows[0].beyond == 1
    assert "answered 404 where 200" in compared(None, 404, Example("/things/1")).rows[0].deviations[0]
    assert "content type" in compared(GOOD, content="text/html").rows[0].deviations[0]
    without = Answer(200, {"content-type": "application/json"}, json.dumps(GOOD).encode())
    report = compare([Specification(DOCUMENT)], [ROUTE], {"GET /things/{x}": [Example("/")]}, lambda *_: without)
    assert report.rows[0].deviations == ["/: the header X-Left is missing"]


def test_an_answer_that_shows_nothing_judges_nothing() -> None:
    nothing = {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}}
    judge = Specification({"paths": {"/things": {"get": {"responses": nothing}}}})

    def deviations(body: bytes, *, empty: bool = False) -> int:
        answer = Answer(200, {"content-type": "application/json"}, body)
        examples = {"GET /things": [Example("/things", empty=empty)]}
        return compare([judge], ["GET /things"], examples, lambda *_: answer).deviations

    assert deviations(b'{"things": {"a": []}, "next": null}') == 1
    assert deviations(b'{"things": {"a": []}, "next": null}', empty=True) == 0
    assert deviations(b'{"things": {"a": [0]}}') == 0


def test_a_route_without_an_example_is_a_deviation() -> None:
    report = compare([Specification(DOCUMENT)], [ROUTE], {}, lambda *_: Answer(200, {}, b""))
    assert "no example request" in report.rows[0].deviations[0]


def test_every_route_of_the_exchange_has_an_example(tmp_path: Path) -> None:
    examples = {route_key(*name.split(" ", 1)) for name in EXAMPLES}
    assert implemented_routes(tmp_path) - examples == {"GET /stream"}  # OpenAPI has no words for a websocket


CLOCK: dict[str, Any] = {
    "type": "object",
    "properties": {
        "timestamp": {"type": "string", "format": "date-time"},
        "is_open": {"type": "boolean"},
        "next_open": {"type": "string"},
        "next_close": {"type": "string"},
    },
}


def test_the_command_asks_a_running_exchange(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    responses = {"200": {"content": {"application/json": {"schema": CLOCK}}}}
    document = {"paths": {"/v2/clock": {"get": {"responses": responses}}}, "components": {}}
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(document))
    assert main([str(spec)]) == 0
    assert capsys.readouterr().out.endswith("0 not implemented, 0 deviations\n")

    del CLOCK["properties"]["is_open"]
    spec.write_text(json.dumps(document))
    assert main([str(spec)]) == 1
    assert "'is_open' was unexpected" in capsys.readouterr().out


def test_a_file_that_is_no_specification_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nothing.json")]) == 2
    assert "nothing.json" in capsys.readouterr().err
