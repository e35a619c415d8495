"""All rules together: who decides, and what the record keeps."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.balance import OnBalanceError
from domain.venue import EndpointKind
from risk.facts import Facts
from risk.pipeline import PRE_TRADE, Rule, Ruling, rule_on
from risk.verdict import Decision, Verdict
from tests.risk.helpers import balance, facts

NAMES = [
    "place_before",
    "account_enabled",
    "endpoint",
    "trail",
    "account_type",
    "reconciled",
    "replaced",
    "reduce_only",
    "price",
    "minimum_balance",
]


def rules(*decisions: Decision) -> Sequence[Rule]:
    def saying(number: int, decision: Decision) -> Rule:
        return lambda _: Verdict(f"rule-{number}", decision, f"code-{number}", f"reason {number}")

    return [saying(number, decision) for number, decision in enumerate(decisions)]


def test_an_ordinary_order_is_allowed_by_every_rule() -> None:
    ruling = rule_on(facts())

    assert (ruling.decision, ruling.reason_code, ruling.reason) == (Decision.ALLOW, None, None)
    assert [verdict.rule for verdict in ruling.checks] == NAMES
    assert ruling.warnings == ()


def test_a_denial_beats_a_wait_wherever_it_stands() -> None:
    ruling = rule_on(facts(), rules(Decision.WAIT, Decision.ALLOW, Decision.DENY))
    assert (ruling.decision, ruling.reason_code, ruling.reason) == (Decision.DENY, "code-2", "reason 2")


def test_the_first_of_several_denials_is_the_reason() -> None:
    assert rule_on(facts(), rules(Decision.ALLOW, Decision.DENY, Decision.DENY)).reason_code == "code-1"


def test_the_first_of_several_waits_is_the_reason() -> None:
    assert rule_on(facts(), rules(Decision.ALLOW, Decision.WAIT, Decision.WAIT)).reason_code == "code-1"


@given(st.lists(st.sampled_from(Decision), max_size=8))
def test_every_rule_is_asked_and_the_strictest_decides(decisions: list[Decision]) -> None:
    ruling = rule_on(facts(), rules(*decisions))

    assert len(ruling.checks) == len(decisions)
    strictest = next((d for d in (Decision.DENY, Decision.WAIT) if d in decisions), Decision.ALLOW)
    assert ruling.decision is strictest


@pytest.mark.requirement("ACC-002")
def test_the_record_shows_what_every_rule_saw_although_the_first_denied() -> None:
    detail = rule_on(facts(account={"endpoint": EndpointKind.LIVE}, balance=balance("1"))).detail()

    assert list(detail) == NAMES
    assert detail["endpoint"] == {"decision": "deny", "reason_code": "live_not_armed", "endpoint": "live"}
    assert detail["minimum_balance"]["decision"] == "deny"
    assert detail["minimum_balance"]["available"] == "1"


@pytest.mark.requirement("ACC-001", "ACC-002")
@pytest.mark.parametrize(
    ("changed", "decision", "reason_code"),
    [
        (facts(account={"endpoint": EndpointKind.LIVE}), Decision.DENY, "live_not_armed"),
        (facts(account={"entries_blocked": "no"}), Decision.DENY, "account_type_mismatch"),
        (facts(account={"type_was_read": False}), Decision.WAIT, "account_not_read"),
        (facts(order_cost=None), Decision.WAIT, "price_unavailable"),
        (facts(balance=balance("1")), Decision.DENY, "insufficient_balance"),
        (facts(balance=None), Decision.DENY, "balance_unavailable"),
        # both at once: nothing is waited for that will be refused anyway
        (facts(order_cost=None, balance=balance("1")), Decision.DENY, "insufficient_balance"),
    ],
)
def test_no_rule_is_missing_from_the_way_to_the_market(changed: Facts, decision: Decision, reason_code: str) -> None:
    ruling = rule_on(changed)
    assert (ruling.decision, ruling.reason_code) == (decision, reason_code)


@pytest.mark.requirement("ACC-002")
def test_a_warning_is_kept_with_the_ruling() -> None:
    ruling: Ruling = rule_on(facts(balance=None, account={"on_balance_error": OnBalanceError.ALLOW}))

    assert ruling.decision is Decision.ALLOW
    assert [verdict.reason_code for verdict in ruling.warnings] == ["balance_unavailable"]


def test_the_rules_are_asked_in_their_order() -> None:
    assert [rule(facts()).rule for rule in PRE_TRADE] == NAMES
