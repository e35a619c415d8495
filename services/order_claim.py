"""Step A: claim an order under its account's lock, let the rules see the facts, write the verdict (R4, R7).

The lock is a statement of its own and the facts are read by a later one: in a single statement under READ COMMITTED,
50 of 50 concurrent buys were accepted where 5 fitted.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.broker import Ticket
from domain.money import ZERO, most_shares, needs_ask
from domain.order_state import OrderEvent, OrderStatus
from domain.orders import LANES, AssetClass, Lane, OrderType, Side
from models.unit import Row, Unit
from risk.facts import Facts
from risk.pipeline import Ruling, rule_on
from risk.verdict import Decision
from services.order_facts import FACTS, HELD, STOPPED, Policy, facts_of
from services.order_transition import After, Event, Held, Move, move, note
from services.origin import Origin

LEASE_S = 10
WAIT_S = 1
SOONEST_S = 0.25  # float: seconds of a timer; the shortest pause while the account is not reconciled
SELDOM_S = 20  # and the longest

_EVENT_OF = {
    Decision.ALLOW: OrderEvent.SUBMITTING,
    Decision.WAIT: OrderEvent.DEFERRED,
    Decision.DENY: OrderEvent.REJECTED,
}


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
    replaces: uuid.UUID | None = None
    is_exit: bool = False
    wait_s: float = WAIT_S  # float: seconds of a timer


_LOCK = """
SELECT a.account_id FROM trading.accounts a JOIN trading.orders o USING (account_id)
 WHERE o.order_id = %(order_id)s FOR NO KEY UPDATE OF a
"""

# a sell of more than is held is costed like a buy, so it needs a price too
_BRIEF = f"""
SELECT a.name, a.account_type, a.account_type_source, o.account_id, o.asset_class, o.symbol, o.order_type, o.source,
       o.trace_id, coalesce(o.position_intent, o.side) AS intent, a.reconciled_from, clock_timestamp() AS now,
       extract(epoch FROM o.place_before - clock_timestamp())::float8 AS left_s,
       o.side = 'sell' AND o.notional IS NOT NULL OR o.notional IS NULL AND (o.side = 'buy' OR o.qty > {HELD})
         AS needs_price
  FROM trading.orders o JOIN trading.accounts a USING (account_id)
 WHERE o.order_id = %(order_id)s AND o.status = 'requested' AND o.due_at <= clock_timestamp()
"""  # noqa: S608  all parts are ours


# what was allowed as an entry: it costs something, and says not that it closes
_STOPPED = f"""
SELECT coalesce(a.entries_blocked, 'account ' || a.name || ' is switched off') AS reason
  FROM trading.orders o JOIN trading.accounts a USING (account_id)
 WHERE o.order_id = %(order_id)s AND {STOPPED} AND o.reserved > 0 AND o.position_intent IS DISTINCT FROM 'buy_to_close'
"""  # noqa: S608  all parts are ours


def claim_for_placing(
    unit: Unit, order_id: uuid.UUID, *, ask: Decimal | None, policy: Policy, clocks: Clocks, origin: Origin
) -> Claim | None:
    """Claim a requested order that is due; None when another delivery was quicker or it is not due yet.

    Allowed: state `submitting`, reservation, lease, fence + 1. Denied: `rejected`. To wait: due a second later.
    """
    of_order = {"order_id": order_id}
    # one round trip, and still two statements: the second begins, with a snapshot of its own, when the lock is ours
    _, facts_rows = unit.rows_of_each([(_LOCK, of_order), (FACTS, of_order)])
    found = facts_rows[0] if facts_rows else None
    if found is None or found.status != OrderStatus.REQUESTED or not found.is_due:
        return None
    if found.is_canceled:
        _cancel(unit, found, clocks, origin)
        return None
    facts = facts_of(found, ask, policy)
    ruling = rule_on(facts)
    wait_s = _pause_s(facts, found.requested_at)
    reserved: dict[str, Decimal | None] = {"reserved": facts.order_cost or ZERO}
    if facts.terms.side is Side.SELL and facts.terms.qty is None:
        reserved["most_shares"] = most_shares(facts.terms, ask=ask, collar=policy.trading.market_collar)
    event = _event(ruling, policy, clocks)
    written = _write(unit, found, reserved, event, wait_s=wait_s, origin=origin)
    if written is None:
        return None
    return Claim(
        order_id=order_id,
        fence=written.fence,
        account=found.name,
        account_type=found.current_type,
        source=found.source,
        ticket=Ticket(found.broker_client_id, facts.terms, found.old_broker_order_id),
        ruling=ruling,
        attempts=written.attempts,
        replaces=found.replaces,
        is_exit=facts.is_exit,
        wait_s=wait_s,
    )


def _pause_s(facts: Facts, requested_at: dt.datetime) -> float:  # float: seconds of a timer
    """Return how long an order waits that may not go on yet: for a reconcile more seldom the longer it has waited."""
    if facts.account.unreconciled_since is None:
        return WAIT_S
    left = (facts.place_before - facts.now).total_seconds()
    longest = min(SELDOM_S, max(left, 0) + SOONEST_S)
    return min(max(SOONEST_S, (facts.now - requested_at).total_seconds() / 3), longest)


@dataclass(frozen=True, slots=True)
class Brief:
    """What has to be known before the claim: whose budget, whether an ask is needed, how long it may still wait.

    `reconciled_from` is when the last finished reconcile of the account began.
    """

    account: str
    account_id: uuid.UUID
    asset_class: AssetClass
    symbol: str
    needs_ask: bool
    lane: Lane
    reconciled_from: dt.datetime | None
    now: dt.datetime
    source: str
    account_type: str
    account_type_source: str
    trace_id: str
    left_s: float  # float: seconds of a timer


def brief_of(unit: Unit, order_id: uuid.UUID) -> Brief | None:
    """Return the order's brief, None when it is not waiting to be placed or not due: nothing is locked."""
    row = unit.row(_BRIEF, {"order_id": order_id})
    if row is None:
        return None
    asks = row.needs_price and needs_ask(OrderType(row.order_type))
    return Brief(
        account=row.name,
        account_id=row.account_id,
        asset_class=AssetClass(row.asset_class),
        symbol=row.symbol,
        needs_ask=asks,
        lane=LANES[row.intent],
        reconciled_from=row.reconciled_from,
        now=row.now,
        source=row.source,
        account_type=row.account_type,
        account_type_source=row.account_type_source,
        trace_id=row.trace_id,
        left_s=row.left_s,
    )


def stopped_since(unit: Unit, order_id: uuid.UUID) -> str | None:
    """Return why an entry that was claimed must not be sent any more, None when it may: its account stopped (R9)."""
    row = unit.row(_STOPPED, {"order_id": order_id})
    return None if row is None else str(row.reason)


def defer(unit: Unit, order_id: uuid.UUID, event: Event, *, wait: After, origin: Origin) -> None:
    """Put an order off that has not been claimed: no rate budget left (R5), or its broker does not work (R26)."""
    note(unit, order_id, [event], origin, changes={"due_at": wait}, held=Held(OrderStatus.REQUESTED, None))


def _cancel(unit: Unit, found: Row, clocks: Clocks, origin: Origin) -> None:
    """End an order that was to be cancelled while it was sent, and then was not taken by the broker (R13)."""
    reason = "cancelled before the broker had it"
    event = Event(OrderEvent.CANCELED, "claim", clocks.now, reason_code="canceled_unsent", reason=reason)
    changes = {"reason_code": "canceled_unsent", "reason": reason}
    move(unit, Move(found.order_id, OrderStatus.CANCELED, found.fence, changes), [event], origin)


def _write(
    unit: Unit,
    found: Row,
    reserved: Mapping[str, Decimal | None],
    event: Event,
    *,
    wait_s: float,  # float: seconds of a timer
    origin: Origin,
) -> Row | None:
    kind = {"account_type": found.current_type, "account_type_source": found.current_source}
    if event.event_type is OrderEvent.SUBMITTING:
        changes = kind | {
            "fence": found.fence + 1,
            "attempts": found.attempts + 1,
            "lease_owner": origin.process,
            "lease_until": After(LEASE_S),
            "due_at": After(LEASE_S),
            **reserved,
        }
        return move(unit, Move(found.order_id, OrderStatus.SUBMITTING, found.fence, changes), [event], origin)
    if event.event_type is OrderEvent.DEFERRED:
        return note(unit, found.order_id, [event], origin, changes={"due_at": After(wait_s)})
    changes = kind | {"rejected_by": "opitios", "reason_code": event.reason_code, "reason": event.reason}
    return move(unit, Move(found.order_id, OrderStatus.REJECTED, found.fence, changes), [event], origin)


def _event(ruling: Ruling, policy: Policy, clocks: Clocks) -> Event:
    """Return the ruling as it goes on record: every rule's word with what it saw, also where all allowed."""
    return Event(
        event_type=_EVENT_OF[ruling.decision],
        stage="claim",
        occurred_at=clocks.now,
        success=ruling.decision is Decision.ALLOW,
        started_at=clocks.started_at,
        total_ms=None if ruling.decision is Decision.WAIT else clocks.elapsed_ms,
        reason_code=ruling.reason_code,
        reason=ruling.reason,
        detail={
            "checks": ruling.detail(),
            "warnings": [verdict.reason_code for verdict in ruling.warnings],
            "rules_version": policy.rules_version,
        },
    )
