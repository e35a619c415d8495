"""A worker that follows changed settings: the next order sees them, the one on its way is not broken (CFG-001)."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from config.ids import SYSTEM_IDS
from config.settings import Settings, TradingSettings
from domain.broker import NotAccepted, Ticket
from services.accounts import upsert_accounts
from tasks.balances import check_balance
from tasks.context import Context
from tasks.placing import place_order, send
from tests.support.house import Bed, account_of, events, make_due, order, order_request, request

pytestmark = pytest.mark.requirement("CFG-001", "NFR-004")


def with_account(ctx: Context, **fields: Any) -> Settings:
    account = ctx.settings.accounts[0].model_copy(update=fields)
    return ctx.settings.model_copy(update={"accounts": (account,)})


def test_the_next_order_is_judged_by_the_new_thresholds(quiet: Bed) -> None:
    ctx = quiet.context(trading=TradingSettings(minimum_balance=Decimal(1_000_000)))
    refused, accepted = request(ctx), request(ctx)
    place_order(ctx, refused)
    ctx.follow(ctx.settings.model_copy(update={"trading": TradingSettings(minimum_balance=Decimal(1))}))
    place_order(ctx, accepted)
    assert (order(ctx, refused).status, order(ctx, accepted).status) == ("rejected", "accepted")


def test_a_threshold_that_stands_in_no_table_is_the_accounts_own_too(quiet: Bed) -> None:
    ctx = quiet.context()
    name = ctx.settings.accounts[0].name
    ctx.follow(with_account(ctx, market_collar=Decimal("0.5")))
    assert ctx.policy(name).trading.market_collar == Decimal("0.5")
    assert ctx.policy("another").trading.market_collar == Decimal("0.02")


def test_an_order_waits_while_the_table_has_other_keys_than_the_worker(quiet: Bed) -> None:
    ctx = quiet.context()
    with quiet.database.statement() as unit:
        own = unit.row("SELECT account_number FROM trading.accounts WHERE name = %(n)s", {"n": account_of(ctx).name})
    assert own is not None
    keys = quiet.exchange.add_account("rotated", cash="100000", account_number=own.account_number)
    changed = {"api_key": SecretStr(keys["key_id"]), "secret_key": SecretStr(keys["secret_key"])}
    new = with_account(ctx, **changed)
    with quiet.database.unit() as unit:
        upsert_accounts(unit, new.accounts, SYSTEM_IDS)
        unit.run("UPDATE trading.accounts SET type_read_at = now() WHERE name = %(n)s", {"n": new.accounts[0].name})
    order_id = request(ctx)
    place_order(ctx, order_id)
    assert order(ctx, order_id).status == "requested"
    assert events(ctx, order_id)[-1].reason_code == "account_not_read"

    ctx.follow(new)
    assert check_balance(ctx, account_of(ctx).account_id)
    make_due(ctx, order_id)
    place_order(ctx, order_id)
    assert order(ctx, order_id).status == "accepted"
    assert [sent["client_order_id"] for sent in quiet.exchange.ledger("rotated")["orders"]] == [f"opt-{order_id.hex}"]


def test_a_claim_for_one_key_does_not_leave_with_another(quiet: Bed) -> None:
    ctx = quiet.context()
    name = ctx.settings.accounts[0].name
    judged = ctx.policy(name).identity
    ctx.follow(with_account(ctx, api_key=SecretStr("PKANOTHER")))
    request_ = order_request(ctx)
    ticket = Ticket(f"opt-{request_.order_id.hex}", request_.terms)
    timed = send(ctx, name, ticket, ctx.clock.monotonic_ms(), identity=judged)
    assert isinstance(timed.outcome, NotAccepted)
    assert timed.outcome.reason_code == "account_changed"
    assert quiet.exchange.ledger(name)["attempts"] == {}
