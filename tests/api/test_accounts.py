"""What an account shows is what its next order is judged by."""

import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI

from config.settings import TradingSettings
from domain.balance import BalanceRule, OnBalanceError
from services.accounts import upsert_accounts
from tasks.placing import place_order
from tests.support.desk import Desk, DeskMaker
from tests.support.serving import Caller


def shown(client: Caller, name: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/accounts/{name}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def checks(desk: Desk, order_id: uuid.UUID) -> dict[str, Any]:
    row = desk.sql.execute(
        "SELECT detail FROM audit.order_events WHERE order_id = %s AND stage = 'claim'", (order_id,)
    ).fetchone()
    assert row is not None
    found: dict[str, Any] = row["detail"]["checks"]["minimum_balance"]
    return found


@pytest.mark.requirement("ACC-001", "FR-001", "ACC-002")
def test_an_account_is_shown_with_its_type_money_and_thresholds(desk: Desk, client: Caller) -> None:
    account = shown(client, desk.account)
    assert 0 <= Decimal(account.pop("balance_age_s")) < 60
    assert account.pop("balance_read_at").endswith("Z")
    assert account.pop("type_read_at").endswith("Z")
    assert Decimal(account.pop("buying_power")) > 0
    assert re.fullmatch(r"PA\.\.\.[0-9A-F]{4}", account.pop("account_number"))
    assert account == {
        "name": desk.account,
        "broker": "alpaca",
        "breaker": "closed",
        "enabled": True,
        "disabled_by": None,
        "number_changed_at": None,
        "endpoint": "simulated",
        "account_type": "paper",
        "account_type_source": "detected",
        "entries_blocked": None,
        "cash": "1000000",
        "reserved": "0",
        "available": "1000000",
        "minimum_balance": {"value": "5000", "source": "global"},  # the stack's first secrets.yml says so
        "balance_check_enabled": {"value": True, "source": "global"},
        "balance_rule": {"value": "before", "source": "default"},
        "on_balance_error": {"value": "allow", "source": "default"},
        "balance_max_age_s": {"value": "300", "source": "default"},
        "market_collar": {"value": "0.02", "source": "default"},
        "market_place_before_s": {"value": "60", "source": "default"},
        "limit_place_before_s": {"value": "28800", "source": "default"},
    }
    listed = {entry["name"]: entry for entry in client.get("/api/v1/accounts").json()}
    assert account.items() <= listed[desk.account].items()


@pytest.mark.requirement("ACC-002", "FR-002")
def test_the_figures_are_those_the_next_claim_is_judged_by(desk: Desk, client: Caller) -> None:
    desk.exchange.set_fills(never=True)
    open_order, filled, judged = (desk.request(limit="100", qty=qty) for qty in ("30", "20", "1"))
    place_order(desk.ctx, open_order)
    place_order(desk.ctx, filled)
    desk.change("reserved = 0, spent = 1999.5", "order_id = %s", filled)

    account = shown(client, desk.account)
    place_order(desk.ctx, judged)

    assert (account["reserved"], account["available"]) == ("4999.5", "995000.5")
    found = checks(desk, judged)
    assert (found["reserved"], found["available"]) == (account["reserved"], account["available"])
    assert found["minimum"] == account["minimum_balance"]["value"]


def test_a_threshold_says_whose_it_is(maker: DeskMaker, app: FastAPI, client: Caller) -> None:
    trading = TradingSettings(
        minimum_balance=Decimal(7000), balance_rule=BalanceRule.AFTER, on_balance_error=OnBalanceError.DENY
    )
    app.state.opitios.settings = app.state.opitios.settings.model_copy(update={"trading": trading})
    with maker.desk(minimum_balance=Decimal(0), balance_check_enabled=False, balance_rule="before") as own:
        account = shown(client, own.account)
    assert {name: account[name] for name in ("minimum_balance", "balance_check_enabled", "balance_rule")} == {
        "minimum_balance": {"value": "0", "source": "account"},
        "balance_check_enabled": {"value": False, "source": "account"},
        "balance_rule": {"value": "before", "source": "account"},
    }
    assert account["on_balance_error"] == {"value": "deny", "source": "global"}


def test_a_disabled_or_blocked_account_that_was_never_read_says_so(desk: Desk, client: Caller) -> None:
    name = f"{desk.account}-new"
    account = desk.ctx.settings.accounts[0].model_copy(
        update={"name": name, "enabled": False, "base_url": "https://api.alpaca.markets"}
    )
    with desk.ctx.database.unit() as unit:
        upsert_accounts(unit, [account], desk.ctx.ids)
    desk.sql.execute("UPDATE trading.accounts SET entries_blocked = 'why' WHERE name = %s", (name,))
    found = shown(client, name)
    expected = {
        "enabled": False,
        "entries_blocked": "why",
        "endpoint": "live",
        "account_type": "paper",
        "account_type_source": "fallback",
        "type_read_at": None,
        "cash": None,
        "balance_read_at": None,
        "balance_age_s": None,
        "reserved": "0",
        "available": None,
    }
    assert expected.items() <= found.items()


@pytest.mark.parametrize("path", ["/api/v1/accounts", "/api/v1/accounts/nobody"])
def test_accounts_are_for_callers_who_signed_in(client: Caller, path: str) -> None:
    assert client.get(path, headers={"Authorization": ""}).status_code == 401


def test_an_unknown_account_is_not_found(client: Caller) -> None:
    answer = client.get("/api/v1/accounts/nobody")
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (404, "/problems/unknown_account")
    assert problem["errors"][0]["value"] == "nobody"


def test_an_account_says_that_its_broker_does_not_work(desk: Desk, client: Caller) -> None:
    for _ in range(desk.ctx.settings.breaker.failures):
        desk.ctx.breaker.met(desk.account, "timeout")
    assert shown(client, desk.account)["breaker"] == "open"
    desk.ctx.breaker.met(desk.account, None)
    assert shown(client, desk.account)["breaker"] == "closed"
