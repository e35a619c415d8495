"""Orders that somebody else placed at the broker become rows of ours: seen, filled, reserved for, never sent (R17)."""

import datetime as dt
import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.broker import BrokerOrder
from domain.ids import Ids
from domain.money import ZERO, most_shares, order_cost
from domain.order_state import TERMINAL, OrderEvent
from domain.orders import AssetClass, OrderTerms, Side
from models.unit import Unit
from services.instruments import OPTION_MULTIPLIER
from services.origin import Origin
from services.reconcile import Begun

EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Found:
    """An order to import: `ask` in USD where its cost needs one and somebody offers, `collar` as for our own."""

    order: BrokerOrder
    terms: OrderTerms
    ask: Decimal | None
    collar: Decimal
    trace_id: str


_HELD = """
SELECT coalesce((SELECT p.qty FROM trading.positions p
                  WHERE p.account_id = %(account_id)s AND p.symbol = %(symbol)s), 0)
     - coalesce((SELECT sum(coalesce(s.qty, s.most_shares) - s.filled_qty) FROM trading.orders s
                  WHERE s.account_id = %(account_id)s AND s.symbol = %(symbol)s AND s.side = 'sell' AND s.status IN
                        ('submitting', 'unknown', 'accepted', 'partially_filled', 'quarantined')), 0) AS qty
"""

_INSERT = """
WITH imported AS (
  INSERT INTO trading.orders (
    order_id, order_date, account_id, account_type, account_type_source, client_order_id, broker_client_id,
    broker_order_id, request_hash, symbol, asset_class, side, order_type, time_in_force, qty, notional, limit_price,
    stop_price, trail_price, trail_percent, extended_hours, position_intent, most_shares, multiplier, status, reserved,
    due_at, place_before, source, actor, trace_id, requested_at, submitted_at)
  VALUES (
    %(order_id)s, %(order_date)s, %(account_id)s, %(account_type)s, %(account_type_source)s, %(client_order_id)s,
    %(broker_client_id)s, %(broker_order_id)s, %(request_hash)s, %(symbol)s, %(asset_class)s, %(side)s, %(order_type)s,
    %(time_in_force)s, %(qty)s, %(notional)s, %(limit_price)s, %(stop_price)s, %(trail_price)s, %(trail_percent)s,
    %(extended_hours)s, %(position_intent)s, %(most_shares)s, %(multiplier)s, 'accepted', %(reserved)s,
    clock_timestamp(), %(created_at)s, %(source)s, 'broker', %(trace_id)s, %(created_at)s, %(created_at)s)
  ON CONFLICT DO NOTHING
  RETURNING order_id, order_date
), logged AS (
  INSERT INTO audit.order_events (
    order_date, order_id, seq, account_id, account_type, account_type_source, event_type, stage, success, occurred_at,
    source, actor, host, process, trace_id, detail)
  SELECT order_date, order_id, 1, %(account_id)s, %(account_type)s, %(account_type_source)s, %(event)s, 'reconcile',
         true, %(now)s, %(source)s, %(actor)s, %(host)s, %(process)s, %(trace_id)s, %(detail)s
    FROM imported
)
SELECT order_id FROM imported
"""


def import_order(
    unit: Unit, begun: Begun, found: Found, *, now: dt.datetime, ids: Ids, origin: Origin
) -> uuid.UUID | None:
    """Write the order as one that works at the broker; None when it is there already. What it filled is told later.

    Its cost is reserved under the account's lock, as a claim's would be.
    """
    unit.row("SELECT 1 FROM trading.accounts WHERE account_id = %(id)s FOR NO KEY UPDATE", {"id": begun.account_id})
    order_id = ids.new()
    values = _terms(found) | _identity(begun, found, now) | _by(origin)
    values |= {"order_id": order_id, "order_date": now.date(), "now": now, "reserved": _cost(unit, begun, found)}
    return None if unit.row(_INSERT, values) is None else order_id


def _cost(unit: Unit, begun: Begun, found: Found) -> Decimal:
    """Return what the order may cost in USD: nothing once it has ended, or when nobody knows a price."""
    if found.order.status in TERMINAL and found.order.filled_qty == 0:
        return ZERO
    terms = found.terms
    (held,) = unit.rows(_HELD, {"account_id": begun.account_id, "symbol": terms.symbol})
    cost = order_cost(
        terms, multiplier=_multiplier(terms), ask=found.ask, collar=found.collar, held_qty=held.qty or ZERO
    )
    return cost or ZERO


def _multiplier(terms: OrderTerms) -> Decimal:
    return OPTION_MULTIPLIER if terms.asset_class is AssetClass.OPTION else Decimal(1)


def _terms(found: Found) -> dict[str, Any]:
    terms = found.terms
    is_by_value = terms.side is Side.SELL and terms.qty is None
    return {
        "symbol": terms.symbol,
        "asset_class": terms.asset_class.value,
        "side": terms.side.value,
        "order_type": terms.order_type.value,
        "time_in_force": terms.time_in_force.value,
        "qty": terms.qty,
        "notional": terms.notional,
        "limit_price": terms.limit_price,
        "stop_price": terms.stop_price,
        "trail_price": terms.trail_price,
        "trail_percent": terms.trail_percent,
        "extended_hours": terms.extended_hours,
        "position_intent": terms.position_intent,
        "most_shares": most_shares(terms, ask=found.ask, collar=found.collar) if is_by_value else None,
        "multiplier": _multiplier(terms),
    }


def _identity(begun: Begun, found: Found, now: dt.datetime) -> dict[str, Any]:
    order = found.order
    detail = {"broker_order_id": order.broker_order_id, "broker_client_id": order.client_order_id}
    return {
        "account_id": begun.account_id,
        "account_type": begun.account_type,
        "account_type_source": begun.account_type_source,
        "client_order_id": f"{EXTERNAL}-{order.broker_order_id}",  # no caller's key: those are the callers' own
        "broker_client_id": order.client_order_id or order.broker_order_id,
        "broker_order_id": order.broker_order_id,
        "request_hash": found.terms.fingerprint(begun.account),
        "created_at": order.created_at or now,
        "source": EXTERNAL,
        "event": OrderEvent.IMPORTED.value,
        "trace_id": found.trace_id,
        "detail": json.dumps(detail | {"broker_status": order.raw_status, **found.terms.values()}),
    }


def _by(origin: Origin) -> dict[str, str]:
    return {"actor": origin.actor, "host": origin.host, "process": origin.process}
