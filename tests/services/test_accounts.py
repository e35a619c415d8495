"""What the broker says of an account: its kind with a history, its money in the right order (ACC-001, R18)."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from domain.account_type import AccountType
from domain.broker import AccountReading
from services.accounts import next_read_seq, store_balance, store_type, upsert_accounts
from tasks.context import Context
from tests.support.house import TEST_ORIGIN, Bed, account_of, order, request


def read(ctx: Context, number: str | None, failed: str | None = None) -> Any:
    account = ctx.settings.accounts[0]
    with ctx.database.unit() as unit:
        return store_type(
            unit, account, number, failed=failed, now=SYSTEM_CLOCK.now(), ids=SYSTEM_IDS, origin=TEST_ORIGIN
        )


def row(ctx: Context) -> Any:
    with ctx.database.statement() as unit:
        return unit.row("SELECT * FROM trading.accounts WHERE name = %(n)s", {"n": ctx.settings.accounts[0].name})


def history(ctx: Context) -> list[tuple[Any, ...]]:
    with ctx.database.statement() as unit:
        rows = unit.rows(
            "SELECT old_type, old_source, new_type, new_source FROM trading.account_type_changes "
            "WHERE account_id = %(id)s ORDER BY occurred_at",
            {"id": account_of(ctx).account_id},
        )
    return [tuple(entry) for entry in rows]


@pytest.mark.requirement("ACC-001", "FR-001")
def test_the_number_decides_and_the_history_remembers(quiet: Bed) -> None:
    ctx = quiet.context(read=False, paper_trading=None)
    assert (row(ctx).account_type, row(ctx).account_type_source, row(ctx).type_read_at) == ("paper", "fallback", None)
    read(ctx, "PA3ABC")
    assert (row(ctx).account_type, row(ctx).account_type_source) == ("paper", "detected")
    read(ctx, "PA3ABC")
    read(ctx, "123456")
    assert row(ctx).account_type == "live"
    assert history(ctx) == [("paper", "fallback", "paper", "detected"), ("paper", "detected", "live", "detected")]


@pytest.mark.requirement("ACC-001", "FR-001")
def test_a_failed_first_read_gives_paper_rights_marked_as_fallback(quiet: Bed) -> None:
    ctx = quiet.context(read=False)
    update = read(ctx, None, failed="unreachable")
    assert (update.reading.account_type, update.reading.source) == ("paper", "fallback")
    assert row(ctx).type_read_at is None


def test_a_failed_later_read_forgets_nothing(quiet: Bed) -> None:
    ctx = quiet.context()
    read(ctx, None, failed="unreachable")
    assert (row(ctx).account_type_source, row(ctx).type_read_at is not None) == ("detected", True)


@pytest.mark.requirement("ACC-001")
def test_a_live_number_on_an_account_configured_as_paper_blocks_entries(quiet: Bed) -> None:
    ctx = quiet.context(paper_trading=True)
    update = read(ctx, "123456")
    assert update.mismatch == "configured as paper, the broker's account number says live"
    assert row(ctx).entries_blocked == update.mismatch
    read(ctx, "PA3ABC")
    assert row(ctx).entries_blocked is None


def test_an_override_wins_and_says_so(quiet: Bed) -> None:
    ctx = quiet.context(read=False, account_type=AccountType.PAPER)
    read(ctx, "123456")
    assert (row(ctx).account_type, row(ctx).account_type_source) == ("paper", "override")


def test_another_endpoint_must_be_read_again(quiet: Bed) -> None:
    ctx = quiet.context()
    moved = ctx.settings.accounts[0].model_copy(update={"base_url": "http://127.0.0.1:9"})
    with ctx.database.unit() as unit:
        upsert_accounts(unit, [moved], SYSTEM_IDS)
    assert row(ctx).type_read_at is None


def reading(cash: int) -> AccountReading:
    return AccountReading("PA3", Decimal(cash), Decimal(cash), Decimal(cash), trading_blocked=False)


def cash(ctx: Context) -> Decimal:
    with ctx.database.statement() as unit:
        found = unit.row(
            "SELECT cash FROM trading.balances WHERE account_id = %(id)s", {"id": account_of(ctx).account_id}
        )
    assert found is not None
    return Decimal(found.cash)


@pytest.mark.requirement("ACC-002", "FR-002")
def test_a_read_that_began_earlier_never_overwrites_a_later_one(quiet: Bed) -> None:
    ctx = quiet.context()
    account_id = account_of(ctx).account_id
    with ctx.database.unit() as unit:
        early, late = next_read_seq(unit), next_read_seq(unit)
        store_balance(unit, account_id, reading(1000), late)
        store_balance(unit, account_id, reading(9000), early)
    assert cash(ctx) == 1000


# cash of the reads that follow a fill of 500 USD, and after which of them the money is free; the account had 1000
READS = [
    ([500, 500], [False, True]),  # two that agree
    ([500], [False]),  # one is not enough
    ([1000, 500, 500], [False, True, True]),  # a stale first one is corrected by the second
    ([500, 1000, 500], [False, False, True]),  # a stale second one frees nothing
    ([500, 400], [False, True]),  # another order spent in between
]


@pytest.mark.requirement("ACC-002", "FR-002")
@pytest.mark.parametrize(("amounts", "freed"), READS)
def test_spent_money_is_freed_by_two_reads_that_began_after_it_and_agree(
    quiet: Bed, amounts: list[int], freed: list[bool]
) -> None:
    ctx = quiet.context()
    account_id = account_of(ctx).account_id
    order_id = request(ctx)
    with ctx.database.unit() as unit:
        before = next_read_seq(unit)
        unit.run(
            "UPDATE trading.orders SET spent = 500, spent_seq = nextval('trading.balance_read_seq') "
            "WHERE order_id = %(id)s",
            {"id": order_id},
        )
        store_balance(unit, account_id, reading(1000), before)
    assert order(ctx, order_id).spent == 500
    seen = []
    for amount in amounts:
        with ctx.database.unit() as unit:
            store_balance(unit, account_id, reading(amount), next_read_seq(unit))
        seen.append(order(ctx, order_id).spent == 0)
    assert seen == freed


def test_another_key_must_be_read_again(quiet: Bed) -> None:
    ctx = quiet.context()
    rotated = ctx.settings.accounts[0].model_copy(update={"api_key": SecretStr("another")})
    with ctx.database.unit() as unit:
        upsert_accounts(unit, [rotated], SYSTEM_IDS)
    assert row(ctx).type_read_at is None


@pytest.mark.requirement("CFG-001")
def test_a_number_read_with_another_key_is_not_stored(quiet: Bed) -> None:
    ctx = quiet.context(read=False)
    other = ctx.settings.accounts[0].model_copy(update={"api_key": SecretStr("PKOTHER")})
    with quiet.database.unit() as unit:
        upsert_accounts(unit, [other], SYSTEM_IDS)
    assert read(ctx, "PA3ABC") is None
    assert (row(ctx).type_read_at, row(ctx).account_number) == (None, None)
