"""What a process leaves behind when it could not take its file over, and who takes the alert back (CFG-001)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.clock import SYSTEM_CLOCK
from config.home import Home
from config.ids import SYSTEM_IDS
from config.live import Standing, Verdict
from config.settings import Settings
from config.sources import Content
from services.alerts import open_alerts
from services.configuration_state import INVALID, Recorded, Reporter, record_verdict
from services.origin import Origin
from tests.support.house import Bed

pytestmark = pytest.mark.requirement("CFG-001")

FILE = Content(Path("/etc/opitios/state/secrets.yml"))
BAD = Verdict(FILE, None, f"{FILE.path}: trading.minimum_balance: no")


@pytest.fixture
def good(quiet: Bed) -> Iterator[Verdict]:
    yield Verdict(FILE, Settings(home=Home(Path("/nowhere"))))
    with quiet.database.statement() as unit:
        unit.run("DELETE FROM trading.process_gauges WHERE host = 'state-test'")


def look(bed: Bed, process: str, verdict: Verdict) -> Recorded:
    standing = Standing(SYSTEM_CLOCK.now().isoformat(), verdict.complaint)
    origin = Origin("system", "state-test", process)
    by = Reporter(origin, SYSTEM_CLOCK, SYSTEM_IDS, standing, {}, lambda: True)
    with bed.database.unit() as unit:
        return record_verdict(unit, verdict, by)


def alerts(bed: Bed) -> list[tuple[str, int]]:
    with bed.database.statement() as unit:
        found = [alert for alert in open_alerts(unit) if alert.subject == f"state-test: {FILE.path}"]
    assert {alert.kind for alert in found} <= {INVALID}
    return [(alert.severity, alert.times) for alert in found]


def test_one_alert_a_file_stays_until_the_last_process_is_well(quiet: Bed, good: Verdict) -> None:
    assert look(quiet, "api:1", BAD).is_done
    assert look(quiet, "relay:2", BAD).is_done
    assert alerts(quiet) == [("critical", 2)]

    assert not look(quiet, "api:1", good).is_done  # the relay is not well: ask again
    assert alerts(quiet) == [("critical", 2)]
    assert look(quiet, "relay:2", good).is_done
    assert alerts(quiet) == []


def test_a_process_that_died_unwell_holds_the_alert_for_half_a_minute_alone(quiet: Bed, good: Verdict) -> None:
    look(quiet, "beat:3", BAD)
    assert not look(quiet, "api:1", good).is_done
    with quiet.database.statement() as unit:
        unit.run(
            "UPDATE trading.process_gauges SET reported_at = reported_at - interval '31 seconds' "
            "WHERE process = 'beat:3'"
        )
    assert look(quiet, "api:1", good).is_done
    assert alerts(quiet) == []


def test_a_process_without_the_file_switches_no_account_off(quiet: Bed, good: Verdict) -> None:
    settings = quiet.context().settings
    name = settings.accounts[0].name
    look(quiet, "api:1", Verdict(FILE, settings))

    look(quiet, "relay:2", Verdict(Content(), good.settings))
    assert is_enabled(quiet, name)

    look(quiet, "relay:2", good)
    assert not is_enabled(quiet, name)  # its section is gone from the file itself


def is_enabled(bed: Bed, name: str) -> bool:
    with bed.database.statement() as unit:
        (row,) = unit.rows("SELECT enabled FROM trading.accounts WHERE name = %(name)s", {"name": name})
    return bool(row.enabled)
