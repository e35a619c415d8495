"""Each rule on its own: what it lets pass, what it stops, and what it says then."""

import datetime as dt
from typing import Any

import pytest

from domain.account_type import AccountType, AccountTypeSource
from domain.venue import EndpointKind
from risk.facts import Facts
from risk.rules import account_enabled, account_type, endpoint, place_before, price, trail
from risk.verdict import Decision
from tests.risk.helpers import MARKET, NOW, facts


@pytest.mark.parametrize(
    ("late_by", "decision"),
    [
        (dt.timedelta(seconds=-60), Decision.ALLOW),
        (dt.timedelta(0), Decision.ALLOW),  # at its deadline an order is still in time
        (dt.timedelta(microseconds=1), Decision.DENY),
        (dt.timedelta(hours=1), Decision.DENY),
    ],
)
def test_an_order_past_its_deadline_is_never_placed(late_by: dt.timedelta, decision: Decision) -> None:
    assert place_before.check(facts(place_before=NOW - late_by)).decision is decision


def test_too_late_says_until_when() -> None:
    verdict = place_before.check(facts(place_before=NOW - dt.timedelta(minutes=1)))

    assert verdict.reason_code == "too_late"
    assert verdict.reason == "the order was to be placed before 2026-03-02T14:29:00+00:00"
    assert verdict.inputs == {"place_before": "2026-03-02T14:29:00+00:00", "now": "2026-03-02T14:30:00+00:00"}


@pytest.mark.parametrize("kind", [EndpointKind.PAPER, EndpointKind.SIMULATED])
def test_a_known_endpoint_may_be_traded(kind: EndpointKind) -> None:
    verdict = endpoint.check(facts(account={"endpoint": kind}))
    assert (verdict.decision, verdict.inputs) == (Decision.ALLOW, {"endpoint": kind.value})


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize("label", AccountType)
def test_a_live_endpoint_is_locked_whatever_the_account_is_called(label: AccountType) -> None:
    verdict = endpoint.check(facts(account={"endpoint": EndpointKind.LIVE, "account_type": label}))

    assert (verdict.decision, verdict.reason_code) == (Decision.DENY, "live_not_armed")
    assert verdict.inputs == {"endpoint": "live"}
    assert "counts as live" in (verdict.reason or "")


@pytest.mark.requirement("ACC-001", "FR-001")
def test_an_account_of_known_type_may_trade() -> None:
    verdict = account_type.check(facts())
    assert (verdict.decision, verdict.inputs) == (Decision.ALLOW, {"account_type": "paper", "source": "detected"})


@pytest.mark.requirement("ACC-001")
def test_orders_wait_until_the_type_has_been_read_once() -> None:
    verdict = account_type.check(facts(account={"type_was_read": False}))
    assert (verdict.decision, verdict.reason_code) == (Decision.WAIT, "account_not_read")


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize("type_was_read", [True, False])
def test_a_contradiction_stops_orders_and_says_itself(*, type_was_read: bool) -> None:
    why = "configured as paper, the broker's account number says live"
    verdict = account_type.check(facts(account={"entries_blocked": why, "type_was_read": type_was_read}))

    assert (verdict.decision, verdict.reason_code) == (Decision.DENY, "account_type_mismatch")
    assert verdict.reason == why


STOPPED = [
    ({"entries_blocked": "why", "number_changed": True}, "account_number_changed"),
    ({"entries_blocked": "why"}, "account_type_mismatch"),
    ({"account_type": AccountType.LIVE, "endpoint": EndpointKind.PAPER}, "account_type_mismatch"),
    ({"enabled": False}, "account_disabled"),
    ({"disabled_by": "anna"}, "account_disabled"),
    ({"enabled": False, "disabled_by": "anna"}, "account_disabled"),
]


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize(("account", "code"), STOPPED)
@pytest.mark.parametrize(("is_exit", "decision"), [(False, Decision.DENY), (True, Decision.ALLOW)])
def test_what_stops_entries_stops_no_exit(
    account: dict[str, Any], code: str, decision: Decision, *, is_exit: bool
) -> None:
    seen = facts(account=account, is_exit=is_exit)
    verdicts = {verdict.reason_code: verdict for verdict in (account_type.check(seen), account_enabled.check(seen))}
    assert (verdicts[code].decision, verdicts[code].warning) == (decision, is_exit)
    assert code == "account_disabled" or verdicts[None].decision is Decision.ALLOW


@pytest.mark.parametrize(("is_exit", "decision"), [(False, Decision.DENY), (True, Decision.ALLOW)])
def test_a_trail_that_ends_this_month_takes_exits_alone(decision: Decision, *, is_exit: bool) -> None:
    verdict = trail.check(facts(trail_goes_on=False, is_exit=is_exit))
    assert (verdict.decision, verdict.warning, verdict.reason_code) == (decision, is_exit, "audit_partition_missing")


def test_a_switched_off_account_says_by_whom() -> None:
    by_admin, by_file = (
        account_enabled.check(facts(account=off)) for off in ({"disabled_by": "anna"}, {"enabled": False})
    )
    assert by_admin.reason == "account demo-1 is switched off by anna: it takes no entries"
    assert by_file.reason == "account demo-1 is switched off in secrets.yml: it takes no entries"
    assert by_admin.inputs == {"enabled": False}


@pytest.mark.requirement("ACC-001")
def test_an_exit_waits_for_the_first_reading_too() -> None:
    never_read = {"entries_blocked": "why", "type_was_read": False}
    assert account_type.check(facts(account=never_read, is_exit=True)).decision is Decision.WAIT


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize(
    ("kind", "where", "decision"),
    [
        (AccountType.LIVE, EndpointKind.PAPER, Decision.DENY),  # one of the two is wrong
        (AccountType.LIVE, EndpointKind.SIMULATED, Decision.ALLOW),  # live accounts are rehearsed there
        (AccountType.PAPER, EndpointKind.PAPER, Decision.ALLOW),
        (AccountType.PAPER, EndpointKind.SIMULATED, Decision.ALLOW),
    ],
)
def test_a_live_account_at_a_paper_endpoint_contradicts_itself(
    kind: AccountType, where: EndpointKind, decision: Decision
) -> None:
    assert account_type.check(facts(account={"account_type": kind, "endpoint": where})).decision is decision


@pytest.mark.requirement("ACC-001")
def test_a_type_that_is_a_fallback_says_so_in_the_record() -> None:
    verdict = account_type.check(facts(account={"account_type_source": AccountTypeSource.FALLBACK}))
    assert verdict.inputs == {"account_type": "paper", "source": "fallback"}


@pytest.mark.requirement("ACC-002")
def test_a_market_buy_waits_for_a_price() -> None:
    verdict = price.check(facts(terms=MARKET, order_cost=None))

    assert (verdict.decision, verdict.reason_code) == (Decision.WAIT, "price_unavailable")
    assert verdict.reason == "no ask for AAPL right now"


@pytest.mark.parametrize("known", [facts(), facts(terms=MARKET)])
def test_an_order_of_known_cost_does_not_wait(known: Facts) -> None:
    assert price.check(known).decision is Decision.ALLOW
