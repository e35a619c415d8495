"""Step A: claim an order under its account's lock, let the rules see the facts, write the verdict (R4, R7).

The lock is a statement of its own and the facts are read by a later one: in a single statement under READ COMMITTED,
50 of 50 concurrent buys were accepted where 5 fitted.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from config.settings import TradingSettings
from domain.account_type import AccountType, AccountTypeSource
from domain.broker import Ticket
from domain.money import ZERO, order_cost
from domain.order_state import OrderEvent, OrderStatus
from domain.orders import AssetClass, OrderTerms, OrderType, Side, TimeInForce
from domain.venue import classify_endpoint
from models.unit import Row, Unit
from risk.facts import AccountFacts, Facts, StoredBalance
from risk.pipeline import Ruling, rule_on
from risk.verdict import Decision
from services.account_figures import BALANCE_AGE_S, RESERVED, thresholds_of
from services.order_transition import After, Event, Held, Move, move, note
from services.origin import Origin

LEASE_S = 10
WAIT_S = 1


@dataclass(frozen=True, slots=True)
class Policy:
    """What the claim is judged by besides the facts in the database."""

    trading: TradingSettings
    exchange_url: str | None


@dataclass(frozen=True, slots=True)
class Clocks:
    """When the attempt began, and how many ms it has taken by the time its verdict is written."""

    started_at: dt.datetime
    now: dt.datetime
    elapsed_ms: float  # float: milliseconds


@dataclass(frozen=True, slots=True)
class Claim:
    """An order that is ours until its lease ends; `ruling` says whether it may be sent."""

    order_id: uuid.UUID
    fence: int
    account: str
    account_type: str
    source: str
    ticket: Ticket
    ruling: Ruling
    attempts: int


_LOCK = """
SELECT a.account_id FROM trading.accounts a JOIN trading.orders o USING (account_id)
 WHERE o.order_id = %(order_id)s FOR NO KEY UPDATE OF a
"""

# what is held and not being sold already: sells reserve quantity, unknown ones included (R19)
_HELD = """(
         (SELECT coalesce(sum(CASE f.side WHEN 'buy' THEN f.qty ELSE -f.qty END), 0) FROM trading.fills f
           WHERE f.account_id = o.account_id AND f.symbol = o.symbol)
       - (SELECT coalesce(sum(s.qty - s.filled_qty), 0) FROM trading.orders s
           WHERE s.account_id = o.account_id AND s.symbol = o.symbol AND s.side = 'sell' AND s.order_id <> o.order_id
             AND s.status IN ('submitting', 'unknown', 'accepted', 'partially_filled', 'quarantined')))"""

_FACTS = f"""
SELECT o.order_id, o.status, o.fence, o.attempts, o.source, o.broker_client_id, o.place_before, o.multiplier, o.symbol,
       o.side, o.order_type, o.time_in_force, o.qty, o.limit_price,
       a.name, a.enabled, a.base_url, a.account_type AS current_type, a.account_type_source AS current_source,
       a.type_read_at, a.entries_blocked, a.minimum_balance, a.balance_check_enabled, a.balance_rule,
       a.on_balance_error, b.cash, {BALANCE_AGE_S} AS balance_age_s,
       clock_timestamp() AS now, o.due_at IS NOT NULL AND o.due_at <= clock_timestamp() AS is_due,
       {RESERVED} AS total_reserved,
       CASE WHEN o.side = 'sell' THEN {_HELD} ELSE 0 END AS held_qty
  FROM trading.orders o
  JOIN trading.accounts a USING (account_id)
  LEFT JOIN trading.balances b USING (account_id)
 WHERE o.order_id = %(order_id)s
   FOR NO KEY UPDATE OF o
"""  # noqa: S608  the only part is ours


# a sell of more than is held is costed like a buy, so it needs a price too
_BRIEF = f"""
SELECT a.name, o.account_id, o.asset_class, o.symbol,
       o.order_type = 'market' AND (o.side = 'buy' OR o.qty > {_HELD}) AS needs_ask
  FROM trading.orders o JOIN trading.accounts a USING (account_id)
 WHERE o.order_id = %(order_id)s AND o.status = 'requested' AND o.due_at <= clock_timestamp()
"""  # noqa: S608  the only part is ours


def claim_for_placing(
    unit: Unit, order_id: uuid.UUID, *, ask: Decimal | None, policy: Policy, clocks: Clocks, origin: Origin
) -> Claim | None:
    """Claim a requested order that is due; None when another delivery was quicker or it is not due yet.

    Allowed: state `submitting`, reservation, lease, fence + 1. Denied: `rejected`. To wait: due a second later.
    """
    if unit.row(_LOCK, {"order_id": order_id}) is None:
        return None
    found = unit.row(_FACTS, {"order_id": order_id})
    if found is None or found.status != OrderStatus.REQUESTED or not found.is_due:
        return None
    facts = _facts(found, ask, policy)
    ruling = rule_on(facts)
    written = _write(unit, found, facts, ruling, clocks=clocks, origin=origin)
    if written is None:
        return None
    return Claim(
        order_id=order_id,
        fence=written.fence,
        account=found.name,
        account_type=found.current_type,
        source=found.source,
        ticket=Ticket(found.broker_client_id, facts.terms),
        ruling=ruling,
        attempts=written.attempts,
    )


@dataclass(frozen=True, slots=True)
class Brief:
    """What has to be known before the claim: whose budget, and whether an ask is needed."""

    account: str
    account_id: uuid.UUID
    asset_class: AssetClass
    symbol: str
    needs_ask: bool


def brief_of(unit: Unit, order_id: uuid.UUID) -> Brief | None:
    """Return the order's brief, None when it is not waiting to be placed or not due: nothing is locked."""
    row = unit.row(_BRIEF, {"order_id": order_id})
    if row is None:
        return None
    return Brief(row.name, row.account_id, AssetClass(row.asset_class), row.symbol, row.needs_ask)


def defer(unit: Unit, order_id: uuid.UUID, event: Event, *, wait: After, origin: Origin) -> None:
    """Put an order off that has not been claimed: no rate budget left (R5)."""
    note(unit, order_id, [event], origin, changes={"due_at": wait}, held=Held(OrderStatus.REQUESTED, None))


def terms_of(order: Row) -> OrderTerms:
    """Return the terms an order's row holds."""
    return OrderTerms(
        symbol=order.symbol,
        side=Side(order.side),
        order_type=OrderType(order.order_type),
        time_in_force=TimeInForce(order.time_in_force),
        qty=order.qty,
        limit_price=order.limit_price,
    )


def _facts(found: Row, ask: Decimal | None, policy: Policy) -> Facts:
    trading = policy.trading
    terms = terms_of(found)
    held_to = thresholds_of(found, trading)
    account = AccountFacts(
        name=found.name,
        enabled=found.enabled,
        account_type=AccountType(found.current_type),
        account_type_source=AccountTypeSource(found.current_source),
        type_was_read=found.type_read_at is not None,
        endpoint=classify_endpoint(found.base_url, policy.exchange_url),
        entries_blocked=found.entries_blocked,
        balance_check_enabled=held_to.balance_check_enabled.value,
        minimum_balance=held_to.minimum_balance.value,
        balance_rule=held_to.balance_rule.value,
        on_balance_error=held_to.on_balance_error.value,
        balance_max_age=trading.balance_max_age,
    )
    cost = order_cost(
        terms, multiplier=found.multiplier, ask=ask, collar=trading.market_collar, held_qty=found.held_qty
    )
    balance = None if found.cash is None else StoredBalance(found.cash, found.balance_age_s)
    return Facts(found.now, found.place_before, terms, account, balance, found.total_reserved, cost)


def _write(unit: Unit, found: Row, facts: Facts, ruling: Ruling, *, clocks: Clocks, origin: Origin) -> Row | None:
    kind = {"account_type": found.current_type, "account_type_source": found.current_source}
    if ruling.decision is Decision.ALLOW:
        event = _event(OrderEvent.SUBMITTING, ruling, clocks)
        changes = kind | {
            "fence": found.fence + 1,
            "attempts": found.attempts + 1,
            "lease_owner": origin.process,
            "lease_until": After(LEASE_S),
            "due_at": After(LEASE_S),
            "reserved": facts.order_cost or ZERO,
        }
        return move(unit, Move(found.order_id, OrderStatus.SUBMITTING, found.fence, changes), [event], origin)
    if ruling.decision is Decision.WAIT:
        event = _event(OrderEvent.DEFERRED, ruling, clocks)
        return note(unit, found.order_id, [event], origin, changes={"due_at": After(WAIT_S)})
    event = _event(OrderEvent.REJECTED, ruling, clocks)
    changes = kind | {"rejected_by": "opitios", "reason_code": ruling.reason_code, "reason": ruling.reason}
    return move(unit, Move(found.order_id, OrderStatus.REJECTED, found.fence, changes), [event], origin)


def _event(kind: OrderEvent, ruling: Ruling, clocks: Clocks) -> Event:
    return Event(
        event_type=kind,
        stage="claim",
        occurred_at=clocks.now,
        success=ruling.decision is Decision.ALLOW,
        started_at=clocks.started_at,
        total_ms=None if ruling.decision is Decision.WAIT else clocks.elapsed_ms,
        reason_code=ruling.reason_code,
        reason=ruling.reason,
        detail={"checks": ruling.detail(), "warnings": [verdict.reason_code for verdict in ruling.warnings]},
    )
