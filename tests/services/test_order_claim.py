"""Step A: one claim an order, and never more orders than the money allows (R4, ACC-002)."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from config.settings import TradingSettings
from domain.balance import BalanceRule, OnBalanceError
from domain.orders import PositionIntent, Side
from risk.pipeline import PRE_TRADE
from risk.verdict import Decision
from services.accounts import upsert_accounts
from services.order_claim import Claim, Clocks, claim_for_placing
from services.rules_version import rules_version
from tasks.context import Context
from tests.support.house import TEST_ORIGIN, Bed, account_of, events, make_due, order, request

NAMES = [rule.__module__.rpartition(".")[2] for rule in PRE_TRADE]


def claim(ctx: Context, order_id: Any, ask: Decimal | None = Decimal(190)) -> Claim | None:
    clocks = Clocks(SYSTEM_CLOCK.now(), SYSTEM_CLOCK.now(), 1.0)
    with ctx.database.unit() as unit:
        return claim_for_placing(
            unit, order_id, ask=ask, policy=ctx.policy(ctx.settings.accounts[0].name), clocks=clocks, origin=TEST_ORIGIN
        )


def test_a_claim_takes_lease_fence_and_reservation(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx, qty=Decimal(10))
    taken = claim(ctx, order_id)
    assert taken is not None
    row = order(ctx, order_id)
    assert (taken.ruling.decision, taken.fence, row.status, row.fence) == (Decision.ALLOW, 1, "submitting", 1)
    assert row.reserved == Decimal(1938)  # 10 x 190 and the collar of 2 %
    assert row.lease_until - row.updated_at > dt.timedelta(seconds=9)
    assert abs(row.due_at - row.lease_until) < dt.timedelta(milliseconds=10)
    assert row.broker_client_id == f"opt-{order_id.hex}"


@pytest.mark.requirement("TRD-001", "FR-005", "ACC-002")
def test_an_allowed_order_is_on_record_with_what_every_check_saw_and_the_rules_version(quiet: Bed) -> None:
    ctx = quiet.context(minimum_balance=Decimal(7000))
    bought = request(ctx, qty=Decimal(10))
    claim(ctx, bought)
    detail = events(ctx, bought)[-1].detail
    assert set(detail["checks"]) == set(NAMES)
    assert {check["decision"] for check in detail["checks"].values()} == {"allow"}
    numbers = detail["checks"]["minimum_balance"]
    assert (numbers["cash"], numbers["reserved"], numbers["minimum"], numbers["order_cost"]) == (
        "100000",
        "0",
        "7000",
        "1938",
    )
    assert detail["checks"]["reduce_only"] == {
        "decision": "allow",
        "reason_code": None,
        "closable_qty": None,
        "qty": "10",
    }
    assert detail["rules_version"] == rules_version(ctx.settings)
    sold = request(ctx, side=Side.SELL, qty=Decimal(3))
    claim(ctx, sold)
    assert events(ctx, sold)[-1].detail["checks"]["reduce_only"]["closable_qty"] == "0"  # nothing is held


def test_a_doubled_message_claims_once(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: claim(ctx, order_id), range(16)))
    assert sum(taken is not None for taken in claims) == 1
    assert [event.event_type for event in events(ctx, order_id)] == ["requested", "submitting"]


@pytest.mark.requirement("ACC-002", "FR-002")
@pytest.mark.parametrize(("rule", "fitting"), [(BalanceRule.BEFORE, 4), (BalanceRule.AFTER, 3)])
def test_concurrent_buys_never_spend_the_same_money(quiet: Bed, rule: BalanceRule, fitting: int) -> None:
    ctx = quiet.context(trading=TradingSettings(balance_rule=rule), at_exchange={"cash": "11000"})
    ids = [request(ctx, qty=Decimal(20), limit_price=Decimal(100)) for _ in range(30)]
    with ThreadPoolExecutor(8) as pool:
        claims = [taken for taken in pool.map(lambda order_id: claim(ctx, order_id), ids) if taken is not None]
    allowed = [taken for taken in claims if taken.ruling.decision is Decision.ALLOW]
    denied = [taken for taken in claims if taken.ruling.decision is Decision.DENY]
    assert (len(allowed), len(denied)) == (fitting, 30 - fitting)
    refusal = events(ctx, denied[-1].order_id)[-1]
    numbers = refusal.detail["checks"]["minimum_balance"]
    reserved = 2000 * fitting
    assert (numbers["available"], numbers["reserved"]) == (str(11000 - reserved), str(reserved))
    assert (numbers["minimum"], numbers["order_cost"], refusal.reason_code) == ("5000", "2000", "insufficient_balance")


@pytest.mark.requirement("ACC-001", "FR-001")
def test_an_order_waits_until_the_account_has_been_read(quiet: Bed) -> None:
    ctx = quiet.context(read=False)
    order_id = request(ctx)
    taken = claim(ctx, order_id)
    assert taken is not None
    assert taken.ruling.decision is Decision.WAIT
    assert (order(ctx, order_id).status, events(ctx, order_id)[-1].reason_code) == ("requested", "account_not_read")
    assert claim(ctx, order_id) is None  # not due yet
    make_due(ctx, order_id)
    assert claim(ctx, order_id) is not None


def test_an_order_past_its_time_is_refused(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx, place_before=dt.timedelta(seconds=-1))
    claim(ctx, order_id)
    assert (order(ctx, order_id).status, order(ctx, order_id).reason_code) == ("rejected", "too_late")


@pytest.mark.requirement("ACC-002")
@pytest.mark.parametrize(
    ("policy", "status"), [(OnBalanceError.ALLOW, "submitting"), (OnBalanceError.DENY, "rejected")]
)
def test_without_a_fresh_balance_the_account_policy_decides(quiet: Bed, policy: OnBalanceError, status: str) -> None:
    ctx = quiet.context(on_balance_error=policy)
    with ctx.database.statement() as unit:
        unit.run(
            "UPDATE trading.balances SET read_at = clock_timestamp() - interval '301 s' WHERE account_id = %(id)s",
            {"id": account_of(ctx).account_id},
        )
    order_id = request(ctx)
    claim(ctx, order_id)
    last = events(ctx, order_id)[-1]
    assert order(ctx, order_id).status == status
    assert last.detail["checks"]["minimum_balance"]["reason_code"] == "balance_unavailable"
    assert last.detail["warnings"] == (["balance_unavailable"] if policy is OnBalanceError.ALLOW else [])
    assert (order(ctx, order_id).reserved > 0) is (policy is OnBalanceError.ALLOW)  # a warning costs as much


def test_a_market_buy_without_an_ask_waits(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx)
    taken = claim(ctx, order_id, ask=None)
    assert taken is not None
    assert (taken.ruling.decision, taken.ruling.reason_code) == (Decision.WAIT, "price_unavailable")


def test_a_sell_of_what_is_not_held_is_costed(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx, side=Side.SELL, limit_price=Decimal(200), qty=Decimal(3))
    claim(ctx, order_id)
    assert order(ctx, order_id).reserved == Decimal(600)


def test_an_accounts_own_minimum_and_switch_win(quiet: Bed) -> None:
    high = quiet.context(minimum_balance=Decimal(200_000))
    off = quiet.context(minimum_balance=Decimal(200_000), balance_check_enabled=False)
    for ctx, status in ((high, "rejected"), (off, "submitting")):
        order_id = request(ctx)
        claim(ctx, order_id)
        assert order(ctx, order_id).status == status


def stop(ctx: Context, assignment: str) -> None:
    with ctx.database.statement() as unit:
        unit.run(
            f"UPDATE trading.accounts SET {assignment} WHERE account_id = %(a)s",  # noqa: S608  a test's own
            {"a": account_of(ctx).account_id},
        )


def hold(ctx: Context, side: str, qty: int) -> None:
    """Let the account have bought, or have sold short."""
    with ctx.database.statement() as unit:
        unit.run(
            "INSERT INTO trading.fills (fill_id, account_id, order_id, broker_order_id, broker_fill_id, symbol, side, "
            "qty, price, cum_qty, occurred_at) VALUES (%(f)s, %(a)s, %(o)s, 'b', 'f', 'AAPL', %(side)s, %(q)s, 190, "
            "%(q)s, now())",
            {
                "f": SYSTEM_IDS.new(),
                "a": account_of(ctx).account_id,
                "o": request(ctx),
                "side": side,
                "q": qty,
            },
        )


def test_an_account_that_the_file_switches_off_takes_no_entry(quiet: Bed) -> None:
    ctx = quiet.context()
    order_id = request(ctx)
    with ctx.database.unit() as unit:
        upsert_accounts(unit, [ctx.settings.accounts[0].model_copy(update={"enabled": False})], SYSTEM_IDS)
    claim(ctx, order_id)
    assert (order(ctx, order_id).status, order(ctx, order_id).reason_code) == ("rejected", "account_disabled")


STOPS = [
    ("entries_blocked = 'the number', number_changed_at = now()", "account_number_changed"),
    ("entries_blocked = 'the type', type_mismatch = 'the type'", "account_type_mismatch"),
    ("disabled_by = 'anna'", "account_disabled"),
]
# what is held (or short), what is asked for, and whether that only closes
EXITS: list[tuple[str, int, dict[str, Any], bool]] = [
    ("buy", 5, {"side": Side.SELL, "qty": Decimal(5)}, True),
    ("buy", 5, {"side": Side.SELL, "qty": Decimal(6)}, False),  # one would be sold short
    ("buy", 5, {"side": Side.SELL, "qty": None, "notional": Decimal(900)}, True),
    ("buy", 5, {"side": Side.SELL, "qty": None, "notional": Decimal(1000)}, False),  # may need a sixth
    ("buy", 5, {"side": Side.SELL, "qty": Decimal(5), "position_intent": PositionIntent.SELL_TO_OPEN}, False),
    ("buy", 5, {"side": Side.BUY, "qty": Decimal(1)}, False),
    ("sell", 5, {"side": Side.BUY, "qty": Decimal(5)}, True),
    ("sell", 5, {"side": Side.BUY, "qty": Decimal(6)}, False),
    ("sell", 5, {"side": Side.BUY, "qty": None, "notional": Decimal(100)}, False),  # nobody knows how many
    ("sell", 5, {"side": Side.BUY, "qty": Decimal(1), "position_intent": PositionIntent.BUY_TO_OPEN}, False),
]


@pytest.mark.requirement("ACC-001")
@pytest.mark.parametrize(("stopped", "code"), STOPS)
@pytest.mark.parametrize(("held", "qty", "terms", "closes"), EXITS)
def test_what_stops_an_account_stops_entries_alone(
    quiet: Bed, stopped: str, code: str, held: str, qty: int, terms: dict[str, Any], *, closes: bool
) -> None:
    ctx = quiet.context()
    hold(ctx, held, qty)
    stop(ctx, stopped)
    order_id = request(ctx, **terms)
    claim(ctx, order_id)
    row = order(ctx, order_id)
    assert (row.status, row.reason_code) == (("submitting", None) if closes else ("rejected", code))
    assert events(ctx, order_id)[-1].detail["warnings"] == ([code] if closes else [])


@pytest.mark.requirement("ACC-001")
def test_a_sell_whose_price_nobody_knows_yet_waits_instead_of_being_refused(quiet: Bed) -> None:
    ctx = quiet.context()
    hold(ctx, "buy", 5)
    stop(ctx, "disabled_by = 'anna'")
    order_id = request(ctx, side=Side.SELL, qty=None, notional=Decimal(900))
    claim(ctx, order_id, ask=None)
    assert (order(ctx, order_id).status, events(ctx, order_id)[-1].reason_code) == ("requested", "price_unavailable")
    make_due(ctx, order_id)
    claim(ctx, order_id)
    assert order(ctx, order_id).status == "submitting"


@pytest.mark.requirement("ACC-001")
def test_a_short_position_is_bought_back_once(quiet: Bed) -> None:
    ctx = quiet.context()
    hold(ctx, "sell", 5)
    stop(ctx, "disabled_by = 'anna'")
    first, second = (request(ctx, qty=Decimal(5)) for _ in range(2))
    claim(ctx, first)
    claim(ctx, second)
    assert [order(ctx, order_id).status for order_id in (first, second)] == ["submitting", "rejected"]


@pytest.mark.requirement("ACC-002")
def test_what_is_being_sold_cannot_be_sold_twice_for_nothing(quiet: Bed) -> None:
    ctx = quiet.context()
    bought = request(ctx, qty=Decimal(5))
    with ctx.database.statement() as unit:
        unit.run(
            "INSERT INTO trading.fills (fill_id, account_id, order_id, broker_order_id, broker_fill_id, symbol, side, "
            "qty, price, cum_qty, occurred_at) VALUES (%(f)s, %(a)s, %(o)s, 'b', 'f', 'AAPL', 'buy', 5, 190, 5, now())",
            {"f": SYSTEM_IDS.new(), "a": account_of(ctx).account_id, "o": bought},
        )
    first, second = (request(ctx, side=Side.SELL, qty=Decimal(5), limit_price=Decimal(200)) for _ in range(2))
    claim(ctx, first)
    claim(ctx, second)
    assert (order(ctx, first).reserved, order(ctx, second).reserved) == (0, 1000)
