"""Sealing that is late is told by somebody else than the sealer, and shown in health (R29, MON-001)."""

import datetime as dt
from collections.abc import Iterator

import pytest

from config.sections import AuditSettings
from models.session import Database
from services.alerts import open_alerts
from services.sealing import Patience, read_sealing
from tasks.context import Context
from tasks.sealing_watch import watch_sealing
from tests.support.house import Bed
from tests.support.trail import Trail, trail

PATIENCE = Patience(AuditSettings().heartbeat, AuditSettings().lag_alarm)


@pytest.fixture(scope="module")
def made(quiet: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trail]:
    with trail(quiet, tmp_path_factory.mktemp("trail")) as found:
        yield found


@pytest.fixture
def ctx(quiet: Bed, made: Trail) -> Iterator[Context]:
    """A worker's context on the trail's own database."""
    made.clear()
    found = quiet.context(read=False)
    database = Database(made.app_url, application_name="test", pool_size=2)
    found.__dict__["database"] = database
    yield found
    database.dispose()


def told(ctx: Context) -> set[str]:
    with ctx.database.statement() as unit:
        return {alert.kind for alert in open_alerts(unit)}


def state(ctx: Context) -> str:
    with ctx.database.statement() as unit:
        return read_sealing(unit).state(PATIENCE)


def age(made: Trail, seconds: int) -> None:
    """Let rows and seals be as old as that."""
    made.sql("UPDATE audit.operations SET recorded_at = recorded_at - %s", dt.timedelta(seconds=seconds))
    made.sql("UPDATE audit.seals SET sealed_at = sealed_at - %s", dt.timedelta(seconds=seconds))


def test_before_the_first_seal_nothing_is_known_and_nothing_is_wrong(ctx: Context) -> None:
    watch_sealing(ctx)

    assert (state(ctx), told(ctx)) == ("unknown", set())


def test_a_row_that_waits_too_long_is_an_alert_until_it_is_sealed(ctx: Context, made: Trail) -> None:
    made.seal()
    made.write(2)
    watch_sealing(ctx)
    assert (state(ctx), told(ctx)) == ("healthy", set())

    age(made, 31)
    watch_sealing(ctx)
    assert (state(ctx), told(ctx)) == ("degraded", {"audit_seal_late"})

    made.seal()
    watch_sealing(ctx)
    assert (state(ctx), told(ctx)) == ("healthy", set())


def test_silence_is_an_alert_only_after_a_heartbeat_is_late(ctx: Context, made: Trail) -> None:
    made.seal()
    age(made, 61)
    watch_sealing(ctx)
    assert (state(ctx), told(ctx)) == ("healthy", set())

    age(made, 30)
    watch_sealing(ctx)
    assert (state(ctx), told(ctx)) == ("degraded", {"audit_seal_late"})


def test_a_new_epoch_is_told(ctx: Context, made: Trail) -> None:
    made.write(1)
    made.seal()
    made.sql("UPDATE audit.seals SET to_xid = 1::bigint << 40")
    made.seal()
    watch_sealing(ctx)

    assert told(ctx) >= {"audit_epoch"}
