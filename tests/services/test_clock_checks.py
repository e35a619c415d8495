"""Each host's clock is on record once a minute, with what its kernel says and how it stands to the database's."""

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from config.ids import SYSTEM_IDS
from config.sections import ClockSettings
from domain.alerts import Severity
from domain.clock_state import ClockReading
from services import clock_checks
from services.alerts import Alert
from services.clock_checks import DISAGREES, UNSYNCHRONIZED, check_clock, read_clocks
from services.origin import Origin
from tests.support.house import TEST_ORIGIN, Bed
from tests.support.selling import AheadClock

pytestmark = pytest.mark.requirement("FR-005", "MON-001")

KEPT = ClockReading("kernel", synchronized=True, offset_ms=Decimal("0.01"), max_error_ms=Decimal(3))
ALONE = ClockReading("kernel", synchronized=False, max_error_ms=Decimal(16000))


@pytest.fixture
def host() -> Origin:
    """A host that no other test has."""
    return replace(TEST_ORIGIN, host=f"host-{SYSTEM_IDS.new().hex}")


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, KEPT)


def says(monkeypatch: pytest.MonkeyPatch, reading: ClockReading) -> None:
    monkeypatch.setattr(clock_checks, "read_kernel_clock", lambda: reading)


def check(bed: Bed, host: Origin, *, ahead_s: float = 0, again: bool = False, **limits: Any) -> Sequence[Alert]:
    clock = AheadClock(dt.timedelta(seconds=ahead_s))
    with bed.database.statement() as unit:
        if again:
            unit.run("DELETE FROM trading.leases WHERE name = %(name)s", {"name": f"clock:{host.host}"})
        return check_clock(unit, ClockSettings(**limits), clock, SYSTEM_IDS, origin=host)


def rows(bed: Bed, host: Origin) -> list[Any]:
    with bed.database.statement() as unit:
        return list(unit.rows("SELECT * FROM audit.clock_checks WHERE host = %(h)s", {"h": host.host}))


def is_open(bed: Bed, host: Origin) -> list[str]:
    with bed.database.statement() as unit:
        found = unit.rows(
            "SELECT kind FROM trading.notifications WHERE subject = %(h)s AND resolved_at IS NULL", {"h": host.host}
        )
    return sorted(row.kind for row in found)


def test_the_processes_of_a_host_write_one_row_in_its_time(quiet: Bed, host: Origin) -> None:
    with ThreadPoolExecutor(4) as processes:
        list(processes.map(lambda _: check(quiet, host), range(8)))
    (row,) = rows(quiet, host)
    assert (row.source, row.synchronized, row.max_error_ms, row.offset_ms) == ("kernel", True, 3, Decimal("0.010"))
    assert row.detail["round_trip_ms"] is not None
    check(quiet, host, again=True)
    assert len(rows(quiet, host)) == 2


def test_a_clock_that_is_not_the_databases_is_told_until_it_is(quiet: Bed, host: Origin) -> None:
    (told,) = check(quiet, host, ahead_s=-3600)
    assert (told.kind, told.severity, "behind the database's" in told.message) == (DISAGREES, Severity.WARNING, True)
    (row,) = rows(quiet, host)
    assert -3_700_000 < row.database_offset_ms < -3_500_000
    check(quiet, host, again=True, max_database_offset=dt.timedelta(hours=1))
    assert is_open(quiet, host) == []


def test_a_host_that_lives_in_another_year_is_on_record_too(quiet: Bed, host: Origin) -> None:
    check(quiet, host, ahead_s=-50 * 365 * 86_400)
    assert rows(quiet, host)[0].database_offset_ms == -999_999_999


def test_a_clock_that_nobody_keeps_is_a_warning_unless_one_is_required(
    quiet: Bed, host: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, ALONE)
    assert [alert.severity for alert in check(quiet, host)] == [Severity.WARNING]
    check(quiet, host, again=True, required=True)
    assert is_open(quiet, host) == [UNSYNCHRONIZED]
    says(monkeypatch, KEPT)
    check(quiet, host, again=True, required=True)
    assert is_open(quiet, host) == []


def test_where_nobody_can_say_a_row_says_so(quiet: Bed, host: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, ClockReading("none"))
    assert check(quiet, host) == []
    (row,) = rows(quiet, host)
    assert (row.source, row.synchronized, row.max_error_ms) == ("none", None, None)


def test_health_counts_the_hosts_by_their_last_word(quiet: Bed, host: Origin) -> None:
    before = standing(quiet)
    check(quiet, host)
    check(quiet, host, again=True)
    after = standing(quiet)
    assert (after.hosts, after.synchronized) == (before.hosts + 1, before.synchronized + 1)


def standing(bed: Bed) -> Any:
    with bed.database.statement() as unit:
        return read_clocks(unit)


def test_an_alert_of_a_host_that_is_gone_ends_and_no_other_does(quiet: Bed, host: Origin) -> None:
    other = replace(host, host=f"{host.host}-2")
    check(quiet, host, ahead_s=-7200)
    check(quiet, other)
    assert is_open(quiet, host) == [DISAGREES]
    with quiet.database.statement() as unit:
        unit.run(
            "UPDATE trading.leases SET expires_at = clock_timestamp() - interval '61 minutes' WHERE name = %(name)s",
            {"name": f"clock:{host.host}"},
        )
    check(quiet, other, again=True)
    assert is_open(quiet, host) == []
