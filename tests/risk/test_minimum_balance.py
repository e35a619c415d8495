"""The balance rule before every order: numbers in, verdict and numbers out (ACC-002)."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.balance import BalanceRule, OnBalanceError
from domain.orders import OrderTerms, Side
from risk.facts import StoredBalance
from risk.rules.minimum_balance import check
from risk.verdict import Decision
from tests.risk.helpers import LIMIT, MARKET, balance, facts

pytestmark = pytest.mark.requirement("ACC-002", "FR-002")

AFTER: dict[str, Any] = {"balance_rule": BalanceRule.AFTER}
SEEN = {"cash": "100000", "balance_age_s": "10", "reserved": "0", "minimum": "5000", "order_cost": "1500"}
MONEY = st.decimals(0, 10**7, places=2)


def test_enough_free_cash_passes_with_its_numbers() -> None:
    verdict = check(facts(reserved=Decimal("250.50")))

    assert verdict.decision is Decision.ALLOW
    assert not verdict.warning
    assert verdict.inputs == {
        "balance_rule": "before",
        "cash": "100000",
        "available": "99749.5",
        "reserved": "250.5",
        "minimum": "5000",
        "order_cost": "1500",
        "balance_age_s": "10",
    }


def test_too_little_is_denied_with_the_four_numbers_in_a_sentence() -> None:
    verdict = check(facts(balance=balance("6000"), reserved=Decimal("1234.5"), order_cost=Decimal(1500)))

    assert (verdict.decision, verdict.reason_code) == (Decision.DENY, "insufficient_balance")
    assert verdict.reason == (
        "available $4,765.50 (reserved $1,234.50) against minimum $5,000.00, order cost $1,500.00, rule 'before'"
    )
    assert (verdict.inputs["available"], verdict.inputs["reserved"]) == ("4765.5", "1234.5")


@pytest.mark.parametrize(
    ("cash", "account", "decision"),
    [
        ("5000", {}, Decision.ALLOW),  # equality passes, what the order costs does not matter
        ("4999.99", {}, Decision.DENY),
        ("6500", AFTER, Decision.ALLOW),  # 6,500 - 1,500 leaves exactly the minimum
        ("6499.99", AFTER, Decision.DENY),
        ("6499.99", AFTER | {"minimum_balance": Decimal(0)}, Decision.ALLOW),  # the account's own threshold
        ("0", {"minimum_balance": Decimal(0)}, Decision.ALLOW),
        ("-1", {"minimum_balance": Decimal(0)}, Decision.DENY),
    ],
)
def test_both_rules_at_their_boundary(cash: str, account: dict[str, Any], decision: Decision) -> None:
    assert check(facts(balance=balance(cash), account=account)).decision is decision


@pytest.mark.parametrize("terms", [LIMIT, MARKET, replace(LIMIT, side=Side.SELL), replace(MARKET, side=Side.SELL)])
def test_every_kind_of_order_is_checked(terms: OrderTerms) -> None:
    assert check(facts(terms=terms, balance=balance("1"))).decision is Decision.DENY


def test_an_unknown_cost_fails_the_rule_that_needs_it() -> None:
    verdict = check(facts(order_cost=None, account=AFTER))

    assert verdict.decision is Decision.DENY
    assert "order cost unknown" in (verdict.reason or "")
    assert verdict.inputs["order_cost"] is None


@pytest.mark.parametrize(
    ("age_s", "reason_code"),
    [
        ("0", "insufficient_balance"),
        ("300", "insufficient_balance"),  # exactly balance_max_age still decides
        ("300.001", "balance_unavailable"),
    ],
)
def test_a_balance_decides_up_to_its_greatest_age(age_s: str, reason_code: str) -> None:
    assert check(facts(balance=balance("1", age_s))).reason_code == reason_code


def test_the_greatest_age_is_the_accounts() -> None:
    account = {"balance_max_age": dt.timedelta(milliseconds=500)}

    assert check(facts(balance=balance("100000", "0.5"), account=account)).decision is Decision.ALLOW
    assert check(facts(balance=balance("100000", "0.501"), account=account)).decision is Decision.DENY


@pytest.mark.parametrize("stored", [None, balance("100000", "301")])
def test_without_a_balance_the_account_may_allow_with_a_warning(stored: StoredBalance | None) -> None:
    verdict = check(facts(balance=stored, account={"on_balance_error": OnBalanceError.ALLOW}))

    assert (verdict.decision, verdict.warning, verdict.reason_code) == (Decision.ALLOW, True, "balance_unavailable")
    assert "allowed with a warning" in (verdict.reason or "")
    assert verdict.inputs["on_balance_error"] == "allow"


@pytest.mark.parametrize("stored", [None, balance("100000", "301")])
def test_without_a_balance_the_account_may_deny(stored: StoredBalance | None) -> None:
    verdict = check(facts(balance=stored, reserved=Decimal(7), account={"on_balance_error": OnBalanceError.DENY}))

    assert (verdict.decision, verdict.warning, verdict.reason_code) == (Decision.DENY, False, "balance_unavailable")
    assert verdict.inputs == {
        "cash": None if stored is None else "100000",
        "balance_age_s": None if stored is None else "301",
        "on_balance_error": "deny",
        "reserved": "7",
        "minimum": "5000",
        "order_cost": "1500",
    }


def test_a_disabled_check_passes_and_leaves_a_trace() -> None:
    verdict = check(facts(balance=None, account={"balance_check_enabled": False}))

    assert verdict.decision is Decision.ALLOW
    assert verdict.inputs == {"balance_check_enabled": False} | SEEN | {"cash": None, "balance_age_s": None}


@pytest.mark.requirement("FR-005")
def test_an_exempt_exit_says_so_and_what_there_was() -> None:
    verdict = check(facts(is_exit=True, is_reduce_only=True))

    assert verdict.decision is Decision.ALLOW
    assert verdict.inputs == {"exempt": "an exit of the sell module"} | SEEN


@given(MONEY, MONEY, MONEY, MONEY)
def test_after_never_lets_what_is_left_fall_below_the_minimum(
    cash: Decimal, reserved: Decimal, minimum: Decimal, cost: Decimal
) -> None:
    verdict = check(
        facts(
            balance=StoredBalance(cash, Decimal(1)),
            reserved=reserved,
            order_cost=cost,
            account=AFTER | {"minimum_balance": minimum},
        )
    )
    assert (verdict.decision is Decision.ALLOW) is (cash - reserved - cost >= minimum)


@given(MONEY, MONEY, st.lists(MONEY, max_size=20))
def test_orders_one_after_another_never_spend_the_minimum(
    cash: Decimal, minimum: Decimal, costs: list[Decimal]
) -> None:
    reserved = Decimal(0)
    for cost in costs:
        stored = StoredBalance(cash, Decimal(1))
        account = AFTER | {"minimum_balance": minimum}
        if check(facts(balance=stored, reserved=reserved, order_cost=cost, account=account)).decision is Decision.ALLOW:
            reserved += cost
            assert cash - reserved >= minimum
