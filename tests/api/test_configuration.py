"""Changes of the configuration are read by admin and compliance, a page at a time (CFG-001)."""

import time
import uuid
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from api.auth import issue_token
from services.config_changes import Change, record_change
from services.users import find_user
from tests.support.desk import Desk
from tests.support.serving import Caller, serve

pytestmark = pytest.mark.requirement("CFG-001")

PATH = "/api/v1/admin/config/changes"


@pytest.fixture
def subjects(desk: Desk) -> list[str]:
    """Record five changes; return their subjects, newest first."""
    ctx, names = desk.ctx, [f"trading.{desk.account}-{number}" for number in range(5)]
    for name in names:
        with ctx.database.unit() as unit:
            change = Change(name, {"value": "***"}, {"value": True})
            record_change(unit, change, now=ctx.clock.now(), ids=ctx.ids, origin=ctx.origin)
        time.sleep(0.002)  # ids of one millisecond have no order
    return names[::-1]


def caller_of(desk: Desk, app: FastAPI, role: str) -> str:
    desk.sql.execute(
        "INSERT INTO trading.users (user_id, username, password_hash, role) VALUES (%s, %s, 'x', %s) "
        "ON CONFLICT (username) DO NOTHING",
        (uuid.uuid4(), f"a-{role}", role),  # noqa: TID251  a user of this test
    )
    state = app.state.opitios
    with state.database.statement() as unit:
        user = find_user(unit, f"a-{role}")
    assert user is not None
    return issue_token(state, user)[0]


def pages(client: Caller, limit: int) -> Iterator[dict[str, object]]:
    cursor = None
    while True:
        page = client.get(PATH, params={"limit": limit} | ({"cursor": cursor} if cursor else {})).json()
        yield from page["changes"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def test_changes_are_listed_newest_first_with_who_old_and_new(desk: Desk, client: Caller, subjects: list[str]) -> None:
    page = client.get(PATH, params={"limit": 5}).json()
    assert [change["subject"] for change in page["changes"]] == subjects
    assert {(change["old"], change["new"], change["actor"]) for change in page["changes"]} == {
        ("***", True, desk.ctx.origin.actor)
    }
    assert all(change["occurred_at"].endswith("Z") for change in page["changes"])


def test_a_cursor_leads_through_all_of_them_once(client: Caller, subjects: list[str]) -> None:
    seen = [change["subject"] for change in pages(client, 2)]
    assert seen[:5] == subjects
    assert len({change["change_id"] for change in pages(client, 2)}) == len(seen)


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("compliance", 200), ("operator", 403), ("trader", 403)])
def test_only_admin_and_compliance_may_read_them(desk: Desk, app: FastAPI, role: str, status: int) -> None:
    with serve(app, caller_of(desk, app, role)) as client:
        assert client.get(PATH).status_code == status


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"cursor": "x"}])
def test_a_wrong_page_is_refused_with_its_field(client: Caller, query: dict[str, object]) -> None:
    answer = client.get(PATH, params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(query))
