"""What an account's number says at every read: its kind with a history, what stops its entries (ACC-001, MON-001)."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from domain.account_type import AccountType
from domain.errors import NothingToConfirm, NumberMovedOn, UnknownAccount
from models.unit import Unit
from services.account_types import TypeUpdate, confirm_number, read_history, store_type, switch_account
from services.accounts import next_read_seq, upsert_accounts
from services.origin import Stamp
from tasks.context import Context
from tests.support.house import TEST_ORIGIN, Bed, account_of

PAPER, OTHER, LIVE = "PA3TEST00001", "PA3TEST00002", "123456789"


def made() -> dict[str, Any]:
    return {"now": SYSTEM_CLOCK.now(), "ids": SYSTEM_IDS, "origin": TEST_ORIGIN}


def stamp() -> Stamp:
    return Stamp(**made())


def read(ctx: Context, number: str | None, failed: str | None = None, *, read_seq: int | None = None) -> TypeUpdate:
    with ctx.database.unit() as unit:
        seq = next_read_seq(unit) if read_seq is None else read_seq
        update = store_type(unit, ctx.settings.accounts[0], number, failed=failed, read_seq=seq, **made())
    assert update is not None
    return update


def row(ctx: Context) -> Any:
    with ctx.database.statement() as unit:
        return unit.row("SELECT * FROM trading.accounts WHERE name = %(n)s", {"n": ctx.settings.accounts[0].name})


def history(ctx: Context) -> list[tuple[Any, ...]]:
    with ctx.database.statement() as unit:
        found = read_history(unit, ctx.settings.accounts[0].name)
    shown = [(entry.old_account_type, entry.old_account_type_source, entry.old_account_number) for entry in found]
    now = [(entry.account_type, entry.account_type_source, entry.account_number) for entry in found]
    return [(*old, *new) for old, new in zip(shown, now, strict=True)][::-1]


def changes(ctx: Context) -> list[Any]:
    with ctx.database.statement() as unit:
        return list(
            unit.rows(
                "SELECT subject, old, new, actor FROM audit.config_changes WHERE new->>'account' = %(n)s "
                "ORDER BY recorded_at",
                {"n": ctx.settings.accounts[0].name},
            )
        )


def confirm(ctx: Context, number: str) -> None:
    with ctx.database.unit() as unit:
        confirm_number(unit, ctx.settings.accounts[0].name, number, stamp=stamp())


@pytest.mark.requirement("ACC-001", "FR-001")
def test_the_number_decides_and_the_history_remembers(quiet: Bed) -> None:
    ctx = quiet.context(read=False, paper_trading=None)
    assert (row(ctx).account_type, row(ctx).account_type_source, row(ctx).type_read_at) == ("paper", "fallback", None)
    read(ctx, PAPER)
    assert (row(ctx).account_type, row(ctx).account_type_source) == ("paper", "detected")
    assert not read(ctx, PAPER).changed
    read(ctx, LIVE)
    assert row(ctx).account_type == "live"
    assert history(ctx) == [
        ("paper", "fallback", None, "paper", "detected", PAPER),
        ("paper", "detected", PAPER, "live", "detected", LIVE),
    ]


@pytest.mark.requirement("ACC-001", "FR-001")
@pytest.mark.parametrize(("number", "failed"), [(None, "unreachable"), (None, None), ("", None)])
def test_a_failed_first_read_gives_paper_rights_marked_as_fallback(
    quiet: Bed, number: str | None, failed: str | None
) -> None:
    ctx = quiet.context(read=False)
    update = read(ctx, number, failed)
    assert (update.after.reading.account_type, update.after.reading.source) == ("paper", "fallback")
    assert update.failed == (failed or "the broker gave no account number")
    assert row(ctx).type_read_at is None


@pytest.mark.requirement("ACC-001", "MON-001")
def test_a_first_fallback_is_in_the_history_once_and_the_detection_after_it(quiet: Bed) -> None:
    ctx = quiet.context(read=False, paper_trading=None)
    for _ in range(3):
        read(ctx, None, "unreachable")
    assert history(ctx) == [("paper", "fallback", None, "paper", "fallback", None)]
    read(ctx, PAPER)
    assert history(ctx)[1:] == [("paper", "fallback", None, "paper", "detected", PAPER)]


@pytest.mark.requirement("ACC-001", "MON-001")
def test_a_read_under_another_key_that_confirms_the_type_is_in_the_history(quiet: Bed) -> None:
    ctx = quiet.context(read=False, paper_trading=None)
    read(ctx, PAPER)
    rotated = ctx.settings.accounts[0].model_copy(update={"api_key": SecretStr("another")})
    with ctx.database.unit() as unit:
        upsert_accounts(unit, [rotated], SYSTEM_IDS)
    ctx.follow(ctx.settings.model_copy(update={"accounts": (rotated,)}))
    read(ctx, PAPER)
    assert history(ctx)[1:] == [("paper", "detected", PAPER, "paper", "detected", PAPER)]
    read(ctx, PAPER)
    assert len(history(ctx)) == 2


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize("failed", ["unreachable", None])
def test_a_failed_later_read_forgets_nothing(quiet: Bed, failed: str | None) -> None:
    ctx = quiet.context()
    before = row(ctx)
    update = read(ctx, None, failed)
    assert (update.failed is not None, row(ctx)) == (True, before)


def test_every_good_read_says_when_it_was(quiet: Bed) -> None:
    ctx = quiet.context()
    before = row(ctx)
    read(ctx, before.account_number)
    assert row(ctx).type_read_at > before.type_read_at


@pytest.mark.requirement("ACC-001")
def test_a_live_number_on_an_account_configured_as_paper_blocks_entries_until_it_is_gone(quiet: Bed) -> None:
    ctx = quiet.context(read=False, paper_trading=True)
    update = read(ctx, LIVE)
    assert update.after.mismatch == "configured as paper, the broker's account number says live"
    assert row(ctx).entries_blocked == update.after.mismatch
    fixed = ctx.settings.accounts[0].model_copy(update={"paper_trading": False})
    with ctx.database.unit() as unit:
        store_type(unit, fixed, LIVE, failed=None, read_seq=next_read_seq(unit), **made())
    assert (row(ctx).entries_blocked, row(ctx).account_type) == (None, "live")


@pytest.mark.requirement("ACC-001", "FR-001")
def test_an_override_wins_and_both_values_are_kept(quiet: Bed) -> None:
    ctx = quiet.context(read=False, paper_trading=None, account_type=AccountType.PAPER)
    read(ctx, LIVE)
    assert (row(ctx).account_type, row(ctx).account_type_source) == ("paper", "override")
    with ctx.database.statement() as unit:
        (entry,) = read_history(unit, ctx.settings.accounts[0].name)
    assert (entry.account_type, entry.reason) == ("paper", "overridden, detected: live")


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize("number", [OTHER, LIVE])
def test_another_number_blocks_entries_until_it_is_confirmed_and_is_audited(quiet: Bed, number: str) -> None:
    ctx = quiet.context(read=False, paper_trading=None)
    read(ctx, PAPER)
    update = read(ctx, number)
    assert (update.changed, update.after.number_changed) == (True, True)
    assert row(ctx).entries_blocked == f"the account number was PA...0001 and now is {number[:2]}...{number[-4:]}"
    assert (row(ctx).account_number, row(ctx).confirmed_number) == (number, PAPER)

    read(ctx, number)
    with pytest.raises(NumberMovedOn):
        confirm(ctx, PAPER)
    confirm(ctx, number)
    assert (row(ctx).entries_blocked, row(ctx).confirmed_number, row(ctx).number_changed_at) == (None, number, None)
    with pytest.raises(NothingToConfirm):
        confirm(ctx, number)

    seen, confirmed = changes(ctx)
    assert (seen.subject, seen.old["account_number"], seen.new["account_number"]) == (
        "account number changed",
        "PA...0001",
        f"{number[:2]}...{number[-4:]}",
    )
    assert (confirmed.subject, confirmed.old["entries_blocked"], confirmed.new["entries_blocked"]) == (
        "account number confirmed",
        seen.new["entries_blocked"],
        None,
    )
    kind = "paper" if number == OTHER else "live"
    assert history(ctx)[1:] == [
        ("paper", "detected", PAPER, kind, "detected", number),
        (kind, "detected", number, kind, "detected", number),
    ]


@pytest.mark.requirement("ACC-001")
def test_a_number_that_comes_back_stays_blocked_until_somebody_has_looked(quiet: Bed) -> None:
    ctx = quiet.context(read=False, paper_trading=None)
    for number in (PAPER, OTHER, PAPER):
        read(ctx, number)
    assert row(ctx).entries_blocked is not None
    confirm(ctx, PAPER)
    assert row(ctx).entries_blocked is None


@pytest.mark.requirement("ACC-001")
def test_a_confirmed_number_does_not_lift_a_contradiction(quiet: Bed) -> None:
    ctx = quiet.context(read=False, paper_trading=True)
    read(ctx, PAPER)
    read(ctx, LIVE)
    assert "; configured as paper" in row(ctx).entries_blocked
    confirm(ctx, LIVE)
    assert row(ctx).entries_blocked == "configured as paper, the broker's account number says live"


@pytest.mark.requirement("ACC-001")
def test_a_confirmation_is_no_reading(quiet: Bed) -> None:
    ctx = quiet.context(read=False, paper_trading=None)
    read(ctx, PAPER)
    read(ctx, OTHER)
    rotated = ctx.settings.accounts[0].model_copy(update={"api_key": SecretStr("another")})
    with ctx.database.unit() as unit:
        upsert_accounts(unit, [rotated], SYSTEM_IDS)
    confirm(ctx, OTHER)
    assert (row(ctx).entries_blocked, row(ctx).type_read_at) == (None, None)


def test_an_answer_that_began_before_a_stored_one_says_nothing_of_the_kind(quiet: Bed) -> None:
    ctx = quiet.context(paper_trading=None)
    before = row(ctx)
    update = read(ctx, LIVE, read_seq=0)
    assert (update.changed, row(ctx)) == (False, before)


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize("change", [{"base_url": "http://127.0.0.1:9"}, {"api_key": SecretStr("another")}])
def test_another_endpoint_or_key_does_not_make_another_number_the_accounts_own(
    quiet: Bed, change: dict[str, Any]
) -> None:
    ctx = quiet.context(paper_trading=None)
    moved = ctx.settings.accounts[0].model_copy(update=change)
    with ctx.database.unit() as unit:
        upsert_accounts(unit, [moved], SYSTEM_IDS)
    ctx.follow(ctx.settings.model_copy(update={"accounts": (moved,)}))
    read(ctx, None, "unreachable")
    assert (row(ctx).account_type_source, row(ctx).type_read_at) == ("fallback", None)
    assert read(ctx, OTHER).after.number_changed


def test_an_admin_switches_an_account_off_whatever_the_file_says(quiet: Bed) -> None:
    ctx = quiet.context()
    name = ctx.settings.accounts[0].name

    def switch(*, enabled: bool) -> bool:
        with ctx.database.unit() as unit:
            return switch_account(unit, name, enabled=enabled, stamp=stamp())

    assert [switch(enabled=False), switch(enabled=False)] == [True, False]
    with ctx.database.unit() as unit:
        upsert_accounts(unit, ctx.settings.accounts, SYSTEM_IDS)
    assert (row(ctx).enabled, row(ctx).disabled_by, account_of(ctx).enabled) == (True, "test", False)
    assert switch(enabled=True)
    assert (row(ctx).disabled_by, account_of(ctx).enabled) == (None, True)
    assert [(entry.subject, entry.actor) for entry in changes(ctx)] == [
        ("account disabled", "test"),
        ("account enabled", "test"),
    ]


@pytest.mark.parametrize(
    "act",
    [
        lambda unit: confirm_number(unit, "nobody's", "1", stamp=stamp()),
        lambda unit: switch_account(unit, "nobody's", enabled=False, stamp=stamp()),
        lambda unit: read_history(unit, "nobody's"),
    ],
)
def test_an_account_nobody_has_is_named(quiet: Bed, act: Callable[[Unit], Any]) -> None:
    with pytest.raises(UnknownAccount, match="nobody's"), quiet.database.unit() as unit:
        act(unit)


@pytest.mark.requirement("CFG-001")
def test_a_number_read_with_another_key_is_not_stored(quiet: Bed) -> None:
    ctx = quiet.context(read=False)
    other = ctx.settings.accounts[0].model_copy(update={"api_key": SecretStr("PKOTHER")})
    with ctx.database.unit() as unit:
        upsert_accounts(unit, [other], SYSTEM_IDS)
    with ctx.database.unit() as unit:
        seq = next_read_seq(unit)
        assert store_type(unit, ctx.settings.accounts[0], PAPER, failed=None, read_seq=seq, **made()) is None
    assert (row(ctx).type_read_at, row(ctx).account_number) == (None, None)
