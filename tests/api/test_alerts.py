"""Alerts by name for who has signed in, counts for everybody, and pages that lose none (MON-001)."""

import uuid
from collections.abc import Iterator

import pytest
import requests

from domain.alerts import Severity
from services.alerts import Alert, raise_alert, resolve_alert
from tests.support.desk import Desk
from tests.support.serving import Caller

ALERTS = "/api/v1/alerts"


@pytest.fixture
def kind(desk: Desk) -> Iterator[str]:
    """Three alerts of a kind of the test's own; the second has ended."""
    made = f"kind-{uuid.uuid4().hex}"  # noqa: TID251  a kind nobody else has
    with desk.ctx.database.unit() as unit:
        for subject in ("first", "second", "third"):
            alert = Alert(
                kind=made,
                subject=f"{subject}-{desk.account}",
                severity=Severity.CRITICAL,
                message="why",
                account_id=desk.account_id,
                detail={"account_type": "paper"},
            )
            raise_alert(unit, alert, now=desk.ctx.clock.now(), ids=desk.ctx.ids, origin=desk.ctx.origin)
        resolve_alert(unit, made, f"second-{desk.account}", now=desk.ctx.clock.now())
    yield made
    desk.sql.execute("UPDATE trading.notifications SET resolved_at = now() WHERE resolved_at IS NULL")


def subjects(answer: requests.Response, kind: str) -> list[str]:
    return [alert["subject"].partition("-")[0] for alert in answer.json()["alerts"] if alert["kind"] == kind]


@pytest.mark.requirement("ACC-001")
def test_open_alerts_are_listed_newest_first_with_their_account_and_its_type(
    desk: Desk, client: Caller, kind: str
) -> None:
    answer = client.get(ALERTS)
    assert subjects(answer, kind) == ["third", "first"]
    newest = answer.json()["alerts"][0]
    assert {
        "kind": kind,
        "severity": "critical",
        "message": "why",
        "account": desk.account,
        "account_type": "paper",
        "account_type_source": "detected",
        "detail": {"account_type": "paper"},
        "times": 1,
        "resolved_at": None,
    }.items() <= newest.items()
    assert subjects(client.get(f"{ALERTS}?state=all"), kind) == ["third", "second", "first"]


def test_a_cursor_goes_on_where_the_page_ended(client: Caller, kind: str) -> None:
    seen, cursor = [], ""
    for _ in range(3):
        page = client.get(f"{ALERTS}?state=all&limit=1{cursor}")
        seen += subjects(page, kind)
        cursor = f"&cursor={page.json()['next_cursor']}"
    assert seen == ["third", "second", "first"]


@pytest.mark.parametrize("query", ["state=closed", "limit=0", "limit=201", "cursor=not-ours"])
def test_a_question_that_cannot_be_read_is_refused_by_field(client: Caller, query: str) -> None:
    answer = client.get(f"{ALERTS}?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, query.partition("=")[0])


def test_names_are_for_who_has_signed_in_and_counts_for_everybody(desk: Desk, client: Caller, kind: str) -> None:
    nobody = {"Authorization": ""}
    assert client.get(ALERTS, headers=nobody).status_code == 401
    health = client.get("/health", headers=nobody)
    (counted,) = [entry for entry in health.json()["alerts"] if entry["kind"] == kind]
    assert counted.keys() == {"kind", "severity", "open", "since", "times"}
    assert (counted["open"], counted["times"], counted["severity"]) == (2, 2, "critical")
    assert health.json()["status"] == "degraded"
    assert desk.account not in health.text
