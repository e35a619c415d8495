"""An alert is one row until its cause is gone, counted, and told at most once in five minutes (MON-001)."""

import datetime as dt
import uuid
from dataclasses import replace
from typing import Any

import pytest

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from domain.alerts import Severity
from services.alerts import (
    Alert,
    AlertPosition,
    count_open,
    list_alerts,
    open_alerts,
    raise_alert,
    resolve_alert,
    resolve_alerts,
)
from tests.support.house import TEST_ORIGIN, Bed

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
def alert() -> Alert:
    """An alert nobody else raises."""
    kind = f"kind-{uuid.uuid4().hex}"  # noqa: TID251  a kind nobody else has
    return Alert(kind=kind, subject="acc", severity=Severity.WARNING, message="why", detail={"account_type": "paper"})


def raised(bed: Bed, alert: Alert, after_s: int = 0) -> bool:
    with bed.database.statement() as unit:
        now = NOON + dt.timedelta(seconds=after_s)
        return raise_alert(unit, alert, now=now, ids=SYSTEM_IDS, origin=TEST_ORIGIN)


def rows(bed: Bed, alert: Alert) -> list[Any]:
    with bed.database.statement() as unit:
        found = unit.rows(
            "SELECT * FROM trading.notifications WHERE kind = %(kind)s ORDER BY occurred_at", {"kind": alert.kind}
        )
    return list(found)


def resolved(bed: Bed, alert: Alert) -> bool:
    with bed.database.statement() as unit:
        return resolve_alert(unit, alert.kind, alert.subject, now=NOON)


def test_an_open_alert_is_counted_and_says_its_newest_words(quiet: Bed, alert: Alert) -> None:
    raised(quiet, alert)
    raised(quiet, replace(alert, message="worse", severity=Severity.CRITICAL), 10)
    (row,) = rows(quiet, alert)
    assert (row.times, row.message, row.severity, row.last_at - row.occurred_at) == (
        2,
        "worse",
        "critical",
        dt.timedelta(seconds=10),
    )
    assert row.detail == {"account_type": "paper"}
    with quiet.database.statement() as unit:
        found = {entry.kind: entry for entry in open_alerts(unit)}
    assert (found[alert.kind].subject, found[alert.kind].times) == ("acc", 2)


def test_the_same_alert_is_told_once_in_five_minutes(quiet: Bed, alert: Alert) -> None:
    told = {after_s: raised(quiet, alert, after_s) for after_s in (0, 10, 290, 300, 310, 600)}
    assert told == {0: True, 10: False, 290: False, 300: True, 310: False, 600: True}


def test_a_cause_that_comes_and_goes_is_kept_each_time_and_told_once(quiet: Bed, alert: Alert) -> None:
    told = []
    for after_s in (0, 20, 320):
        told.append(raised(quiet, alert, after_s))
        assert resolved(quiet, alert)
    assert told == [True, False, True]
    assert [row.times for row in rows(quiet, alert)] == [1, 1, 1]
    assert not resolved(quiet, alert)


def test_another_subject_is_another_alert(quiet: Bed, alert: Alert) -> None:
    other = replace(alert, subject="other")
    assert [raised(quiet, alert), raised(quiet, other, 1)] == [True, True]
    with quiet.database.statement() as unit:
        (counted,) = [count for count in count_open(unit) if count.kind == alert.kind]
        assert (counted.open, counted.times, counted.since, counted.severity) == (2, 2, NOON, "warning")
        assert resolve_alerts(unit, [alert.kind, "nothing"], "acc", now=NOON) == [alert.kind]
    assert [row.resolved_at for row in rows(quiet, alert)] == [NOON, None]


def test_pages_begin_where_the_last_one_ended(quiet: Bed, alert: Alert) -> None:
    soon = SYSTEM_CLOCK.now() + dt.timedelta(days=1)  # newer than every other test's
    with quiet.database.statement() as unit:
        for number in range(3):
            made = replace(alert, subject=str(number))
            raise_alert(unit, made, now=soon + dt.timedelta(seconds=number), ids=SYSTEM_IDS, origin=TEST_ORIGIN)
        resolve_alert(unit, alert.kind, "1", now=soon)
        first = list_alerts(unit, open_only=False, after=None, limit=2)
        after = AlertPosition(first[-1].occurred_at, first[-1].notification_id)
        second = list_alerts(unit, open_only=False, after=after, limit=1)
        still_open = list_alerts(unit, open_only=True, after=None, limit=2)
    assert [row.subject for row in (*first, *second)] == ["2", "1", "0"]
    assert [row.subject for row in still_open] == ["2", "0"]
