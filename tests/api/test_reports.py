"""Reports over HTTP: who may read them, pages, and files that are whole, on record, or visibly not there."""

import asyncio
import base64
import csv
import dataclasses
import hashlib
import io
import json
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from fastapi import FastAPI
from pydantic import SecretStr

from api import exporting
from api.auth import issue_token
from api.main import create_app
from models.users import Role
from reports.catalog import REPORTS
from services.user_admin import add_user
from services.users import UserRef, find_user
from tests.api.conftest import SECRET, token_of
from tests.support.desk import Desk
from tests.support.house import until
from tests.support.reports import ROWS, SAMPLE, sample
from tests.support.serving import Caller, serve

PATH = "/api/v1/reports/sample"
EXPORT = f"{PATH}/export"


@pytest.fixture
def reports(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The sample among the reports."""
    monkeypatch.setitem(REPORTS, "sample", SAMPLE)
    with sample(desk.sql):
        yield


@pytest.fixture
def recorded(desk: Desk) -> Callable[[], list[dict[str, Any]]]:
    """Return the exports put on record since the test began, oldest first."""
    wanted = "SELECT success, actor, source, reason, reason_code, account_name, detail FROM audit.operations "
    wanted += "WHERE operation = 'report_export' ORDER BY recorded_at OFFSET %s"
    before = len(desk.sql.execute(wanted, (0,)).fetchall())
    return lambda: desk.sql.execute(wanted, (before,)).fetchall()


def as_role(desk: Desk, app: FastAPI, role: Role) -> dict[str, str]:
    """Return the header of a user with this role, made when there is none yet."""
    state = app.state.opitios
    name = f"one-{role}"
    user: UserRef | None
    with desk.ctx.database.unit() as unit:
        user = find_user(unit, name)
        if user is None:
            add_user(unit, name, role, password_hash="none", stamp=desk.stamp())
            user = find_user(unit, name)
    assert user is not None
    return {"Authorization": f"Bearer {issue_token(state, user)[0]}"}


@pytest.mark.usefixtures("reports")
def test_compliance_and_admin_read_reports_and_nobody_else(
    desk: Desk, app: FastAPI, client: Caller, recorded: Callable[[], list[dict[str, Any]]]
) -> None:
    for role in Role:
        status = 200 if role in {Role.COMPLIANCE, Role.ADMIN} else 403
        headers = as_role(desk, app, role)
        for path in ("/api/v1/reports", PATH, EXPORT):
            assert client.get(path, headers=headers).status_code == status, (role, path)
    for path in ("/api/v1/reports", PATH, EXPORT):
        assert client.get(path, headers={"Authorization": "Bearer nobody's"}).status_code == 401
    assert {row["actor"] for row in recorded()} == {"one-compliance", "one-admin"}


@pytest.mark.usefixtures("reports")
def test_pages_put_together_are_the_export(client: Caller) -> None:
    listed = {report["name"]: report for report in client.get("/api/v1/reports").json()}
    assert listed.keys() == REPORTS.keys()
    assert listed["sample"]["filters"] == ["account", *SAMPLE.filters]
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get(PATH, params={"account": "acc-1", "limit": "50"} | cursor).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    whole = client.get(EXPORT, params={"account": "acc-1", "format": "json"}).json()

    assert (found, len(found)) == (whole["rows"], ROWS // 2)
    assert (page["filters"], page["query"]) == ({"account": "acc-1"}, whole["query"])
    assert page["columns"] == whole["columns"]
    assert page["as_of"] <= whole["as_of"]


@pytest.mark.requirement("FR-005")
@pytest.mark.usefixtures("reports")
def test_an_export_says_what_it_is_and_is_on_record(
    client: Caller, recorded: Callable[[], list[dict[str, Any]]]
) -> None:
    answer = client.get(EXPORT, params={"from": "2026-03-02", "to": "2026-03-03", "good": "true", "account": "acc-0"})

    rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
    assert {row["day"] for row in rows} == {"2026-03-02", "2026-03-03"}
    digest = hashlib.sha256(answer.content)
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert answer.headers["X-Row-Count"] == str(len(rows)) == "50"
    assert answer.headers["X-Rows-Sha256"] == digest.hexdigest()
    assert 'filename="sample-2' in answer.headers["Content-Disposition"]
    assert '"r"."account" = \'acc-0\'' in answer.headers["X-Query"]
    (row,) = recorded()
    assert (row["success"], row["actor"], row["source"], row["account_name"]) == (True, "admin", "api", "acc-0")
    assert row["detail"]["filters"] == {
        "account": "acc-0", "from": "2026-03-02", "to": "2026-03-03", "good": "true"
    }  # fmt: skip
    said = (row["detail"]["rows"], row["detail"]["sha256"], row["detail"]["as_of"], row["detail"]["format"])
    assert said == (50, digest.hexdigest(), answer.headers["X-As-Of"], "csv")


@pytest.mark.usefixtures("reports")
def test_what_cannot_be_asked_is_refused_by_name(client: Caller) -> None:
    ours = client.get(PATH, params={"limit": "10"}).json()["next_cursor"]
    refusals: list[tuple[str, dict[str, Any], str]] = [
        (PATH, {"colour": "red"}, "colour"),
        (PATH, {"n": "many"}, "n"),
        (PATH, {"n": ["1", "2"]}, "n"),
        (PATH, {"from": "yesterday"}, "from"),
        (PATH, {"limit": "1001"}, "limit"),
        (PATH, {"cursor": "not ours"}, "cursor"),
        (PATH, {"cursor": ours, "account": "acc-1"}, "cursor"),
        (EXPORT, {"format": "exe"}, "format"),
        (EXPORT, {"limit": "10"}, "limit"),  # a file has all rows
    ]
    for path, params, field in refusals:
        answer = client.get(path, params=params)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), params
    missing = client.get("/api/v1/reports/nothing")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/unknown_report")


@pytest.mark.usefixtures("reports")
def test_without_a_login_a_record_or_a_free_connection_nothing_is_handed_out(
    desk: Desk, app: FastAPI, client: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(caller: Caller, path: str, reason: str) -> None:
        answer = caller.get(path)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/reports_unavailable")
        assert reason in answer.json()["detail"]
        assert answer.headers["Retry-After"]

    desk.sql.execute("REVOKE INSERT (operation) ON audit.operations FROM opitios_app")
    try:
        refused(client, EXPORT, "could not be recorded")
    finally:
        desk.sql.execute("GRANT INSERT (operation) ON audit.operations TO opitios_app")
    monkeypatch.setattr(exporting, "_SLOT_S", 0)
    slots = app.state.opitios.report_slots
    while slots.acquire(blocking=False):
        pass
    refused(client, PATH, "all connections for reports are in use")
    slots.release()
    assert client.get(PATH).status_code == 200
    keyless = {"jwt_secret": SecretStr(SECRET), "compliance_database_url": SecretStr("")}
    other = create_app(desk.ctx.settings.model_copy(update=keyless))
    with serve(other, token_of(other)) as caller:
        refused(caller, PATH, "OPITIOS_COMPLIANCE_DATABASE_URL")
        refused(caller, EXPORT, "OPITIOS_COMPLIANCE_DATABASE_URL")


@pytest.fixture
def other_view(desk: Desk, reports: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:  # noqa: ARG001  after the sample
    """Put a view of another column in the sample's place."""

    def put(extra: str) -> None:
        made = f"SELECT s.*, {extra} AS extra_one FROM public.sample s"  # noqa: S608  a test's own text
        desk.sql.execute(f"CREATE VIEW reports.other AS {made}".encode())
        desk.sql.execute("GRANT SELECT ON reports.other TO compliance_ro")
        monkeypatch.setitem(REPORTS, "sample", dataclasses.replace(SAMPLE, view="reports.other"))

    yield put
    desk.sql.execute("DROP VIEW reports.other")


def test_a_caller_who_leaves_ends_the_query(
    desk: Desk,
    client: Caller,
    other_view: Callable[[str], None],
    recorded: Callable[[], list[dict[str, Any]]],
    app: FastAPI,
) -> None:
    other_view("pg_sleep(0.2)::text")

    def reading() -> int:
        return len(
            desk.sql.execute(
                "SELECT FROM pg_stat_activity WHERE usename = 'compliance_ro' AND state = 'active'"
            ).fetchall()
        )

    host, port = client.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as caller:
        request = f"GET {EXPORT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token_of(app)}\r\n\r\n"
        caller.sendall(request.encode())
        until(lambda: reading() == 1)
    until(lambda: reading() == 0)
    (row,) = until(recorded)
    assert (row["success"], row["reason_code"], row["actor"]) == (False, "caller_left", "admin")
    free = app.state.opitios.report_slots
    assert until(lambda: free._value == 4)


def test_an_error_in_the_middle_of_the_rows_is_an_error_to_the_caller(
    client: Caller, other_view: Callable[[str], None], recorded: Callable[[], list[dict[str, Any]]]
) -> None:
    other_view("1 / (n - 200)")

    answer = client.get(EXPORT)

    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")
    (row,) = recorded()
    assert (row["success"], row["reason_code"]) == (False, "export_failed")
    assert row["reason"].startswith("DivisionByZero")


class Worn:
    """A file that can be read whole once, and then only its beginning."""

    def __init__(self) -> None:
        self._file, self._reads, self._ended = tempfile.TemporaryFile(), 0, False  # noqa: SIM115  closed by who has it

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int) -> bytes:
        self._reads += self._ended
        if self._reads > 2:
            raise OSError(5, "Input/output error")
        block = self._file.read(size)
        self._ended |= not block
        return block


@pytest.mark.usefixtures("reports")
def test_a_transfer_that_breaks_is_seen_to_be_broken(client: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "scratch", Worn)
    monkeypatch.setattr(exporting, "_BLOCK", 1000)

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get(EXPORT)


@pytest.mark.usefixtures("reports")
def test_a_disk_without_room_is_said_before_anything_is_sent(
    client: Caller, monkeypatch: pytest.MonkeyPatch, recorded: Callable[[], list[dict[str, Any]]]
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(exporting.WRITERS, "csv", full)
    answer = client.get(EXPORT)

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/reports_unavailable")
    assert "No space left on device" in answer.json()["detail"]
    assert [row["success"] for row in recorded()] == [False]
    assert json.loads(json.dumps(recorded()[0]["detail"]["format"])) == "csv"


class Endless:
    """An export that ends when it is stopped."""

    def __init__(self) -> None:
        self.begun, self.stopped = threading.Event(), threading.Event()

    def run(self) -> None:
        self.begun.set()
        assert self.stopped.wait(10)

    def stop(self) -> None:
        self.stopped.set()


class Stayer:
    """A caller who stays."""

    async def receive(self) -> dict[str, str]:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}


def test_a_process_that_ends_ends_the_query() -> None:
    async def ended() -> Endless:
        export = Endless()
        twins: Any = (export, Stayer())
        answer = asyncio.create_task(exporting.made_while_wanted(*twins))
        await asyncio.to_thread(export.begun.wait, 10)
        answer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answer
        return export

    assert asyncio.run(ended()).stopped.is_set()
