"""What every read of an account says of its kind: one line, one alert until its cause is gone (ACC-001, MON-001)."""

from collections.abc import Iterator
from typing import Any

import pytest
from loguru import logger

from domain.account_type import AccountType
from models.unit import Unit
from services.accounts import upsert_accounts
from tasks import alerting
from tasks.account_alerts import forget_strays
from tasks.balances import check_balance
from tasks.context import Context
from tests.support.house import Bed, account_of, events, order, request

LIVE = "123456789"


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What is logged meanwhile, as `LEVEL text`."""
    said: list[str] = []
    sink = logger.add(said.append, format="{level} {message}")
    yield said
    logger.remove(sink)


def name_of(ctx: Context) -> str:
    return ctx.settings.accounts[0].name


def read(ctx: Context) -> bool:
    return check_balance(ctx, account_of(ctx).account_id)


def alerts(ctx: Context) -> dict[str, Any]:
    """Return the account's newest alert of each kind."""
    with ctx.database.statement() as unit:
        found = unit.rows(
            "SELECT * FROM trading.notifications WHERE subject = %(name)s ORDER BY occurred_at", {"name": name_of(ctx)}
        )
    return {row.kind: row for row in found}


def told(lines: list[str], what: str) -> list[str]:
    return [line for line in lines if what in line]


@pytest.mark.requirement("ACC-001", "FR-001")
def test_each_process_logs_the_type_at_its_first_read_and_not_at_every_one(quiet: Bed, lines: list[str]) -> None:
    ctx = quiet.context(read=False)
    read(ctx)
    read(ctx)
    restarted = Context(ctx.settings)
    restarted.__dict__["database"] = ctx.database
    read(restarted)
    restarted.brokers.close()
    first, again = told(lines, f"Account {name_of(ctx)}: ")
    fields = f"account={name_of(ctx)} account_type=paper account_type_source=detected"
    assert first.startswith(f"INFO Account {name_of(ctx)}: paper (was paper, fallback), number PA...")
    assert again.startswith(f"INFO Account {name_of(ctx)}: paper, number PA...")
    assert first.rstrip().endswith(f"[{fields}]")
    assert again.rstrip().endswith(f"[{fields}]")


@pytest.mark.requirement("ACC-001", "FR-001")
def test_a_detection_that_fails_falls_back_alerts_once_and_resolves_at_the_next_good_read(
    quiet: Bed, lines: list[str]
) -> None:
    ctx = quiet.context(read=False)
    fault = quiet.exchange.add_fault("504_before", account=name_of(ctx), path="/v2/account", times=None)
    assert [read(ctx), read(ctx)] == [False, False]
    alert = alerts(ctx)["account_type_unread"]
    assert (alert.severity, alert.times, alert.resolved_at) == ("critical", 2, None)
    assert alert.message == (
        "its type could not be read (the broker answered HTTP 504); orders wait, paper rights until it is read"
    )
    assert alert.detail["account_type_source"] == "fallback"
    (line,) = told(lines, f"Alert account_type_unread (critical) {name_of(ctx)}")
    assert line.startswith("ERROR")
    assert "account_type=paper account_type_source=fallback" in line

    quiet.exchange.control("DELETE", f"/faults/{fault}")
    assert read(ctx)
    assert alerts(ctx)["account_type_unread"].resolved_at is not None
    assert told(lines, "resolved") == [f"INFO Alert account_type_unread resolved: {name_of(ctx)}\n"]


def test_a_later_read_that_fails_keeps_the_type_and_is_a_warning(quiet: Bed) -> None:
    ctx = quiet.context()
    quiet.exchange.add_fault("504_before", account=name_of(ctx), path="/v2/account")
    assert not read(ctx)
    alert = alerts(ctx)["account_type_unread"]
    assert (alert.severity, alert.detail["account_type_source"]) == ("warning", "detected")
    assert "the type read before stays" in alert.message


@pytest.mark.requirement("ACC-001", "FR-001")
@pytest.mark.parametrize(
    ("configured", "number", "words"),
    [(True, LIVE, ("paper", "live")), (False, "PA3TEST00001", ("live", "paper"))],
)
def test_a_contradiction_with_the_configuration_refuses_alerts_and_names_both(
    quiet: Bed, lines: list[str], number: str, words: tuple[str, str], *, configured: bool
) -> None:
    ctx = quiet.context(at_exchange={"account_number": number}, paper_trading=configured)
    said = f"configured as {words[0]}, the broker's account number says {words[1]}"
    alert = alerts(ctx)["account_type_mismatch"]
    assert (alert.severity, alert.message) == ("critical", f"entries blocked: {said}")
    assert said in told(lines, "Alert account_type_mismatch")[0]

    fixed = ctx.settings.accounts[0].model_copy(update={"paper_trading": not configured})
    after = Context(ctx.settings.model_copy(update={"accounts": (fixed,)}))
    after.__dict__["database"] = ctx.database
    read(after)
    after.brokers.close()
    assert alerts(ctx)["account_type_mismatch"].resolved_at is not None


@pytest.mark.requirement("ACC-001", "FR-001")
def test_an_override_is_logged_and_recorded_with_what_was_detected(quiet: Bed, lines: list[str]) -> None:
    ctx = quiet.context(at_exchange={"account_number": LIVE}, account_type=AccountType.PAPER, paper_trading=None)
    (line,) = told(lines, f"Account {name_of(ctx)}: ")
    assert "paper (was paper, fallback), number 12...6789, overridden, detected: live" in line
    assert "account_type=paper account_type_source=override" in line
    with ctx.database.statement() as unit:
        (row,) = unit.rows(
            "SELECT account_type, account_type_source, detail FROM audit.operations WHERE account_id = %(a)s",
            {"a": account_of(ctx).account_id},
        )
    assert (row.account_type, row.account_type_source) == ("paper", "override")
    assert row.detail["type_reason"] == "overridden, detected: live"
    assert alerts(ctx) == {}


@pytest.mark.requirement("ACC-001")
def test_the_type_of_the_moment_stands_on_every_operation_and_event(quiet: Bed) -> None:
    ctx = quiet.context(paper_trading=None)
    order_id = request(ctx)
    quiet.exchange.change_account(name_of(ctx), account_number=LIVE)
    read(ctx)
    with ctx.database.statement() as unit:
        rows = unit.rows(
            "SELECT account_type, account_type_source FROM audit.operations WHERE account_id = %(a)s "
            "ORDER BY recorded_at",
            {"a": account_of(ctx).account_id},
        )
    assert [tuple(row) for row in rows] == [("paper", "detected"), ("live", "detected")]
    assert order(ctx, order_id).account_type == "paper"
    (event,) = events(ctx, order_id)
    assert (event.account_type, event.account_type_source) == ("paper", "detected")


def test_an_alert_that_cannot_be_kept_is_a_line_and_breaks_nothing(
    quiet: Bed, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = quiet.context(paper_trading=None)
    quiet.exchange.change_account(name_of(ctx), account_number=LIVE)

    def fail(unit: Unit, *_: object, **__: object) -> bool:
        unit.run("SELECT 1 / 0")
        return True

    with monkeypatch.context() as patch:
        patch.setattr(alerting, "raise_alert", fail)
        assert read(ctx)
    assert account_of(ctx).account_type == "live"  # what the alert reports on is written
    assert alerts(ctx) == {}
    assert told(lines, f"Alert account_number_changed (critical) {name_of(ctx)}")
    assert read(ctx)  # and the next read raises it
    assert alerts(ctx)["account_number_changed"].times == 1


def test_a_block_outlives_the_process_and_the_next_upsert(quiet: Bed) -> None:
    ctx = quiet.context(paper_trading=None)
    quiet.exchange.change_account(name_of(ctx), account_number="PA3OTHER0001")
    read(ctx)
    restarted = Context(ctx.settings)
    restarted.__dict__["database"] = ctx.database
    with ctx.database.unit() as unit:
        upsert_accounts(unit, ctx.settings.accounts, ctx.ids)
    read(restarted)
    restarted.brokers.close()
    alert = alerts(ctx)["account_number_changed"]
    assert (alert.severity, alert.times, alert.resolved_at) == ("critical", 2, None)
    assert f"opitios admin accounts confirm {name_of(ctx)}" in alert.message


def test_an_alert_about_an_account_that_is_read_no_more_ends(quiet: Bed, lines: list[str]) -> None:
    ctx = quiet.context(at_exchange={"account_number": LIVE})
    forget_strays(ctx)
    assert alerts(ctx)["account_type_mismatch"].resolved_at is None
    with ctx.database.unit() as unit:
        upsert_accounts(unit, [ctx.settings.accounts[0].model_copy(update={"enabled": False})], ctx.ids)
    forget_strays(ctx)
    assert alerts(ctx)["account_type_mismatch"].resolved_at is not None
    assert told(lines, f"resolved: {name_of(ctx)} is read no more")
