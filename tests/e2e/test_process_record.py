"""Every process tells its start and its stop, at once or when the database is back, and each one once (MON-001)."""

import os
import signal
from typing import Any

import pytest

from models.session import Database
from services.process_record import STARTED, STOPPED
from stack.processes import applications
from tasks.context import Context
from tasks.spooling import replay
from tests.support.house import Bed, House, until

pytestmark = pytest.mark.requirement("MON-001")

SILENT = {"flower", "sealer"}  # a page without a login, and a login that may write nothing but seals


def rows(house: House, name: str) -> list[Any]:
    database = Database(house.settings.app_database_url.get_secret_value(), application_name="test", pool_size=1)
    try:
        with database.statement() as unit:
            return list(
                unit.rows(
                    "SELECT operation, process, detail, total_ms FROM audit.operations "
                    "WHERE operation LIKE 'process_%%' AND split_part(process, ':', 1) = %(name)s ORDER BY recorded_at",
                    {"name": name},
                )
            )
    finally:
        database.dispose()


@pytest.mark.parametrize("name", sorted({process.name for process in applications()} - SILENT))
def test_every_process_has_told_its_start(running: House, name: str) -> None:
    first = until(lambda: rows(running, name))[0]
    assert first.operation == STARTED
    assert first.detail["process"] == first.process
    assert first.detail["boot_id"] == running.settings.boot_id
    assert first.detail.keys() >= {"version", "python", "rules_version"}


@pytest.mark.parametrize("name", ["relay", "beat"])
def test_a_process_that_is_ended_in_order_tells_its_stop_and_the_next_one_its_start(running: House, name: str) -> None:
    first = until(lambda: rows(running, name))[-1]
    pid = int(first.process.partition(":")[2])
    os.kill(pid, signal.SIGTERM)
    told = until(lambda: (found := rows(running, name))[-1].process != first.process and found, 30)
    assert [(row.operation, row.process == first.process) for row in told[-2:]] == [(STOPPED, True), (STARTED, False)]


def test_what_is_told_while_the_database_is_away_is_written_once_when_it_is_back(quiet: Bed) -> None:
    made = quiet.context()
    settings = made.settings.model_copy(update={"process": f"worker-{made.ids.new().hex}"})
    ctx = Context(settings)
    away = Database("postgresql+psycopg://nobody:x@127.0.0.1:1/none", application_name="test", pool_size=1)
    ctx.__dict__["database"] = away
    ctx.tell(STARTED)
    ctx.tell(STOPPED)
    ctx.close()
    assert [replay(quiet.database, ctx.spool, ctx.ids) for _ in range(2)] == [2, 0]
    with quiet.database.statement() as unit:
        found = unit.rows(
            "SELECT operation FROM audit.operations WHERE actor = %(actor)s ORDER BY occurred_at",
            {"actor": ctx.origin.actor},
        )
    assert [row.operation for row in found] == [STARTED, STOPPED]
