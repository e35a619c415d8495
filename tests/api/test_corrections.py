"""A correction is a new row that names the old one; nothing is changed in place, and only officers may (MON-001)."""

import uuid
from typing import Any

import pytest
import requests

from models.users import Role
from tests.api.conftest import token_for
from tests.support.desk import Desk
from tests.support.serving import Caller

PATH = "/api/v1/audit/corrections"


def correct(client: Caller, **body: Any) -> requests.Response:
    options = {"headers": body.pop("headers")} if "headers" in body else {}
    return client.post(PATH, json={"reason": "the broker restated it", "values": {"qty": "2"}} | body, **options)


def rows(desk: Desk, table: str, where: str, value: object) -> list[dict[str, Any]]:
    statement = f"SELECT * FROM audit.{table} WHERE {where} = %s ORDER BY recorded_at"  # noqa: S608  a test's text
    return desk.sql.execute(statement, (value,)).fetchall()


def test_an_event_is_corrected_by_a_new_one_and_stays_as_it_was(desk: Desk, client: Caller) -> None:
    order_id = desk.request()
    (before,) = rows(desk, "order_events", "order_id", order_id)
    answer = correct(client, order_id=str(order_id), seq=1, values={"qty": 2.5, "note": {"by": ["x"]}})
    assert (answer.status_code, answer.json()["seq"]) == (201, 2), answer.text
    old, new = rows(desk, "order_events", "order_id", order_id)
    assert old == before
    assert (new["event_type"], new["corrects_seq"], new["actor"]) == ("corrected", 1, "admin")
    assert new["reason"] == "the broker restated it"
    assert new["detail"]["values"] == {"qty": "2.5", "note": {"by": ["x"]}}
    assert new["detail"]["event"] == "requested"
    assert desk.row(order_id)["status"] == "requested"
    shown = client.get(f"/api/v1/orders/{order_id}").json()["timeline"]
    assert [event["corrects_seq"] for event in shown] == [None, 1]


def test_an_operation_is_corrected_by_an_operation(desk: Desk, client: Caller) -> None:
    wrong = rows(desk, "operations", "account_id", desk.account_id)[0]
    answer = correct(client, operation_id=str(wrong["operation_id"]))
    assert answer.status_code == 201, answer.text
    (new,) = rows(desk, "operations", "corrects", wrong["operation_id"])
    assert str(new["operation_id"]) == answer.json()["operation_id"]
    assert (new["operation"], new["account_name"], new["detail"]["operation"]) == (
        "correction",
        desk.account,
        "balance_read",
    )


def test_a_change_of_the_configuration_is_corrected_by_a_change(desk: Desk, client: Caller) -> None:
    wrong = desk.sql.execute("SELECT * FROM audit.config_changes LIMIT 1").fetchone()
    assert wrong is not None
    answer = correct(client, change_id=str(wrong["change_id"]))
    assert answer.status_code == 201, answer.text
    (new,) = rows(desk, "config_changes", "corrects", wrong["change_id"])
    assert (new["subject"], new["new"]["subject"], new["actor"]) == ("correction", wrong["subject"], "admin")


def test_what_does_not_exist_is_named(desk: Desk, client: Caller) -> None:
    order_id, nobody = str(desk.request()), str(desk.ctx.ids.new())
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("order_id", {"order_id": nobody, "seq": 1}),
        ("seq", {"order_id": order_id, "seq": 99}),
        ("operation_id", {"operation_id": nobody}),
        ("operation_id", {"operation_id": str(uuid.UUID(int=2**128 - 1))}),
        ("change_id", {"change_id": nobody}),
    ]
    for named, body in bodies:
        answer = correct(client, **body)
        assert (answer.status_code, answer.json()["detail"].partition(":")[0]) == (404, named), answer.text


NOBODY = {"change_id": str(uuid.UUID(int=1))}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "order_id"),  # no row at all
        ({"operation_id": str(uuid.UUID(int=1))} | NOBODY, "order_id"),
        ({"order_id": str(uuid.UUID(int=1))}, "seq"),
        ({"seq": 1} | NOBODY, "seq"),
        ({"reason": " "} | NOBODY, "reason"),
        ({"reason": "a\0b"} | NOBODY, "reason"),
        ({"values": {"a": "b\0"}} | NOBODY, "values"),
        ({"values": {"a": "\ud800"}} | NOBODY, "values"),
        ({"values": {"a": "b" * 9000}} | NOBODY, "values"),
    ],
)
def test_what_names_no_row_or_cannot_be_stored_is_refused_by_its_field(
    client: Caller, body: dict[str, Any], field: str
) -> None:
    answer = correct(client, **body)
    assert (answer.status_code, [problem["field"] for problem in answer.json()["errors"]]) == (422, [field])


def test_only_officers_who_have_just_signed_in_may_correct(desk: Desk, client: Caller) -> None:
    body = {"order_id": str(desk.request()), "seq": 1}
    codes = {role: correct(client, headers=token_for(desk, role), **body).status_code for role in Role}
    assert codes == {Role.TRADER: 403, Role.OPERATOR: 403, Role.COMPLIANCE: 201, Role.ADMIN: 201}
    old = token_for(desk, Role.COMPLIANCE, age_s=301)
    assert correct(client, headers=old, **body).json()["type"] == "/problems/sign_in_again"
