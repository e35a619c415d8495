"""Balance checks: stored with their timing, failures audited, the kind of account read along (ACC-001, ACC-002)."""

from typing import Any

import pytest

from brokers.alpaca.adapter import AlpacaBroker
from brokers.protocol import Broker
from domain.broker import AccountReading
from services.accounts import next_read_seq
from tasks.balances import check_balance
from tasks.context import Context
from tests.support.house import Bed, account_of


def operations(ctx: Context) -> list[Any]:
    with ctx.database.statement() as unit:
        return list(
            unit.rows(
                "SELECT * FROM audit.operations WHERE account_id = %(id)s ORDER BY recorded_at",
                {"id": account_of(ctx).account_id},
            )
        )


@pytest.mark.requirement("ACC-001", "ACC-002", "TRD-001", "FR-001", "FR-002", "FR-005")
def test_a_check_stores_money_kind_and_timing(quiet: Bed) -> None:
    ctx = quiet.context(read=False)
    assert check_balance(ctx, account_of(ctx).account_id)
    (read,) = operations(ctx)
    assert (read.operation, read.success, read.account_type, read.account_type_source) == (
        "balance_read",
        True,
        "paper",
        "detected",
    )
    assert 0 < read.network_ms <= read.total_ms
    assert read.detail["cash"] == "100000"
    assert account_of(ctx).account_type_source == "detected"


@pytest.mark.requirement("ACC-002")
def test_a_read_is_numbered_before_it_is_asked(quiet: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = quiet.context()
    drawn: list[int] = []

    def spent_meanwhile(broker: Broker) -> AccountReading:
        with ctx.database.statement() as unit:
            drawn.append(next_read_seq(unit))
        reading: AccountReading = original(broker)
        return reading

    original: Any = AlpacaBroker.read_account
    monkeypatch.setattr(AlpacaBroker, "read_account", spent_meanwhile)
    assert check_balance(ctx, account_of(ctx).account_id)
    assert operations(ctx)[-1].detail["read_seq"] < drawn[0]  # so this read frees nothing of what was spent meanwhile


@pytest.mark.requirement("ACC-001", "ACC-002")
def test_a_failed_check_is_audited_and_falls_back_to_paper_rights(quiet: Bed) -> None:
    ctx = quiet.context(read=False)
    name = ctx.settings.accounts[0].name
    fault = quiet.exchange.add_fault("504_before", account=name, path="/v2/account", times=None)
    assert not check_balance(ctx, account_of(ctx).account_id)
    quiet.exchange.control("DELETE", f"/faults/{fault}")
    (read,) = operations(ctx)
    assert (read.success, read.reason_code, read.account_type, read.account_type_source) == (
        False,
        "balance_unavailable",
        "paper",
        "fallback",
    )
    assert check_balance(ctx, account_of(ctx).account_id)
    assert operations(ctx)[-1].account_type_source == "detected"


def test_an_account_whose_number_changed_is_seen(quiet: Bed) -> None:
    ctx = quiet.context(paper_trading=True)
    quiet.exchange.change_account(ctx.settings.accounts[0].name, account_number="987654321")
    check_balance(ctx, account_of(ctx).account_id)
    with ctx.database.statement() as unit:
        row = unit.row("SELECT * FROM trading.accounts WHERE account_id = %(id)s", {"id": account_of(ctx).account_id})
    assert row is not None
    assert (row.account_type, row.entries_blocked is not None) == ("live", True)
