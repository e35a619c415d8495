"""Accounts from the configuration, and their money in the right order (R18, R24)."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from config.ids import SYSTEM_IDS
from domain.broker import AccountReading
from services.accounts import next_read_seq, store_balance, upsert_accounts
from tasks.context import Context
from tests.support.house import Bed, account_of, order, request


def row(ctx: Context) -> Any:
    with ctx.database.statement() as unit:
        return unit.row("SELECT * FROM trading.accounts WHERE name = %(n)s", {"n": ctx.settings.accounts[0].name})


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
