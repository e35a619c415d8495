"""Each account's type and clients: in the pool's figures for admins, by name in health for who has signed in."""

from typing import Any

import pytest
from fastapi import FastAPI

from models.users import Role
from services.gauges import store_gauges
from tests.api.conftest import token_for, token_of
from tests.support.desk import Desk
from tests.support.serving import Caller, serve

pytestmark = pytest.mark.requirement("MON-001", "ACC-001")

STATS = "/api/v1/admin/account-pool/stats"
NOBODY = {"Authorization": ""}


def stats(desk: Desk, client: Caller) -> dict[str, Any]:
    """Return the figures after the worker has told its own."""
    with desk.ctx.database.statement() as unit:
        store_gauges(unit, desk.ctx.origin, desk.ctx._gauges(desk.ctx.database.stats()))
    answer = client.get(STATS)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_pool_has_the_predecessors_fields_and_each_accounts_type(desk: Desk, client: Caller) -> None:
    found = stats(desk, client)
    mine = found["account_stats"][desk.account]
    assert found.keys() >= {"total_accounts", "active_accounts", "total_connections", "account_types"}
    assert (mine["account_name"], mine["tier"], mine["is_available"], mine["paper_trading"]) == (
        desk.account,
        None,
        True,
        True,
    )
    assert (mine["account_type"], mine["account_type_source"]) == ("paper", "detected")
    ((process, details),) = mine["connection_details"].items()
    assert process == f"{desk.ctx.origin.host}/{desk.ctx.origin.process}"
    assert mine["connection_count"] == 1
    assert details.keys() == {
        *("created_at", "last_used", "usage_count", "error_count", "avg_response_time", "is_healthy", "in_use"),
    }
    assert (details["usage_count"], details["error_count"], details["in_use"]) == (1, 0, True)
    assert 0 < details["avg_response_time"] < 5


def test_types_are_counted_as_health_counts_them_and_a_fallback_is_no_paper_account(desk: Desk, client: Caller) -> None:
    before = stats(desk, client)
    desk.sql.execute(
        "UPDATE trading.accounts SET account_type_source = 'fallback' WHERE account_id = %s", (desk.account_id,)
    )
    after = stats(desk, client)
    moved = {kind: after["account_types"][kind] - before["account_types"][kind] for kind in after["account_types"]}
    assert moved == {"paper": -1, "live": 0, "fallback": 1}
    assert after["account_types"] == client.get("/health").json()["account_types"]


def test_the_pool_is_for_admins(desk: Desk, client: Caller) -> None:
    codes = [client.get(STATS, headers=header).status_code for header in (NOBODY, token_for(desk, Role.OPERATOR))]
    assert codes == [401, 403]


def test_health_names_accounts_for_who_has_signed_in_alone(desk: Desk, app: FastAPI) -> None:
    with serve(app, token_of(app)) as client:
        named = client.get("/health").json()
        strangers = [client.get("/health", headers=header) for header in (NOBODY, {"Authorization": "Bearer x"})]
    mine = next(account for account in named["accounts"] if account["name"] == desk.account)
    assert (mine["account_type"], mine["account_type_source"], mine["entries_blocked"]) == ("paper", "detected", None)
    for answer in strangers:
        assert answer.status_code == 200
        assert "accounts" not in answer.json()
        assert desk.account not in answer.text


def test_a_clock_that_nobody_keeps_is_a_warning_and_makes_nothing_degraded(desk: Desk, client: Caller) -> None:
    desk.sql.execute("UPDATE trading.accounts SET broker = 'without streams'")  # nobody follows any here
    raised = "INSERT INTO trading.notifications (notification_id, kind, subject, severity, message, detail, "
    raised += "occurred_at, last_at, told_at, actor, host, process) VALUES (%s, 'clock_unsynchronized', 'a-host', "
    raised += "'warning', 'nobody keeps it', '{}', now(), now(), now(), 't', 't', 't')"
    desk.sql.execute(raised.encode(), (desk.ctx.ids.new(),))
    found = client.get("/health").json()
    desk.sql.execute("UPDATE trading.notifications SET resolved_at = now() WHERE subject = 'a-host'")
    assert (found["parts"]["clock"]["state"], found["status"]) == ("warning", "healthy")
