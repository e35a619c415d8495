"""Orders as callers see them: requested once under a key, read back with their timeline (TRD-001)."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from domain.errors import KeyReused, NotFound
from domain.ids import broker_client_id
from domain.order_state import OrderEvent, OrderStatus
from domain.orders import OrderTerms
from models.unit import Row, Unit
from services.origin import Origin


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A checked order on its way into the database.

    `asked_for` is the hash of a request whose terms follow from another order's (a replacement). `cancel_after` is how
    long the order may work at the broker, `auto_sell_enabled` whether the seller may close what it opens. `because` is
    what a decider saw, for the record.
    """

    order_id: uuid.UUID
    account_id: uuid.UUID
    account_name: str
    account_type: str
    account_type_source: str
    client_order_id: str
    terms: OrderTerms
    multiplier: int
    place_before: dt.datetime
    source: str
    trace_id: str
    requested_at: dt.datetime
    total_ms: float  # float: milliseconds
    replaces: uuid.UUID | None = None
    replaced_filled: Decimal | None = None
    asked_for: bytes | None = None
    cancel_after: dt.timedelta | None = None
    auto_sell_enabled: bool | None = None
    because: Mapping[str, Any] = field(default_factory=dict)

    @property
    def request_hash(self) -> bytes:
        """What tells this request from another under the same key: what was asked for, else the terms."""
        return self.asked_for or self.terms.fingerprint(self.account_name)


@dataclass(frozen=True, slots=True)
class Requested:
    """What became of it: a new order, or the one that was there under the same key."""

    order_id: uuid.UUID
    status: str
    requested_at: dt.datetime
    replayed: bool


_INSERT = """
WITH placed AS (
  INSERT INTO trading.orders (
    order_id, order_date, account_id, account_type, account_type_source, client_order_id, broker_client_id,
    request_hash, symbol, asset_class, side, order_type, time_in_force, qty, notional, limit_price, stop_price,
    trail_price, trail_percent, extended_hours, position_intent, replaces, replaced_filled, multiplier, status,
    due_at, place_before, source, actor, trace_id, requested_at, cancel_after_s, auto_sell_enabled)
  VALUES (
    %(order_id)s, %(order_date)s, %(account_id)s, %(account_type)s, %(account_type_source)s, %(client_order_id)s,
    %(broker_client_id)s, %(request_hash)s, %(symbol)s, %(asset_class)s, %(side)s, %(order_type)s,
    %(time_in_force)s, %(qty)s, %(notional)s, %(limit_price)s, %(stop_price)s, %(trail_price)s, %(trail_percent)s,
    %(extended_hours)s, %(position_intent)s, %(replaces)s, %(replaced_filled)s, %(multiplier)s, 'requested',
    clock_timestamp(), %(place_before)s, %(source)s, %(actor)s, %(trace_id)s, %(requested_at)s, %(cancel_after_s)s,
    %(auto_sell_enabled)s)
  ON CONFLICT (account_id, client_order_id) DO NOTHING
  RETURNING order_id, order_date
), logged AS (
  INSERT INTO audit.order_events (
    order_date, order_id, seq, account_id, account_type, account_type_source, event_type, stage, success,
    started_at, occurred_at, total_ms, source, actor, host, process, trace_id, detail)
  SELECT order_date, order_id, 1, %(account_id)s, %(account_type)s, %(account_type_source)s, %(event_type)s, 'request',
         true, %(requested_at)s, %(requested_at)s, %(total_ms)s, %(source)s, %(actor)s, %(host)s, %(process)s,
         %(trace_id)s, %(detail)s
    FROM placed
)
SELECT order_id FROM placed
"""

_BY_KEY = """
SELECT order_id, request_hash, status, requested_at FROM trading.orders
 WHERE account_id = %(account_id)s AND client_order_id = %(client_order_id)s
"""


def request_order(unit: Unit, request: OrderRequest, origin: Origin) -> Requested:
    """Write the order with its first event, or return the one under the same key. Raises KeyReused.

    Insert and read are two statements: in one, a race with the same key returned nothing at all (R22).
    """
    if unit.row(_INSERT, _insert_params(request, origin)) is not None:
        return Requested(request.order_id, OrderStatus.REQUESTED, request.requested_at, replayed=False)
    found = find_by_key(unit, request)
    if found is None:
        message = f"the insert under key {request.client_order_id!r} neither wrote nor met an order"
        raise RuntimeError(message)
    return found


def find_by_key(unit: Unit, request: OrderRequest) -> Requested | None:
    """Return the order under the request's key, None without one. Raises KeyReused when it is another order."""
    found = unit.row(_BY_KEY, {"account_id": request.account_id, "client_order_id": request.client_order_id})
    if found is None:
        return None
    if bytes(found.request_hash) != request.request_hash:
        raise KeyReused(
            f"the key {request.client_order_id!r} belongs to order {found.order_id}, which has other terms; "
            "choose a new key for a new order"
        )
    return Requested(found.order_id, found.status, found.requested_at, found.order_id != request.order_id)


_READ = """
SELECT o.*, a.name AS account, a.broker,
       (SELECT r.order_id FROM trading.orders r WHERE r.replaces = o.order_id AND r.status <> 'rejected'
         ORDER BY r.requested_at DESC LIMIT 1) AS replaced_by
  FROM trading.orders o JOIN trading.accounts a USING (account_id)
 WHERE o.order_id = %(order_id)s
"""


def read_order(unit: Unit, order_id: uuid.UUID) -> Row:
    """Return the order with its account's name and what replaced it. Raises NotFound."""
    found = unit.row(_READ, {"order_id": order_id})
    if found is None:
        raise NotFound(f"no order {order_id}")
    return found


def read_timeline(unit: Unit, order: Row) -> Sequence[Row]:
    """Return the order's audit events, oldest first."""
    return unit.rows(
        "SELECT * FROM audit.order_events WHERE order_date = %(order_date)s AND order_id = %(order_id)s ORDER BY seq",
        {"order_date": order.order_date, "order_id": order.order_id},
    )


def _insert_params(request: OrderRequest, origin: Origin) -> dict[str, Any]:
    terms = request.terms
    return {
        "order_id": request.order_id,
        "order_date": request.requested_at.date(),
        "account_id": request.account_id,
        "account_type": request.account_type,
        "account_type_source": request.account_type_source,
        "client_order_id": request.client_order_id,
        "broker_client_id": broker_client_id(request.order_id),
        "request_hash": request.request_hash,
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
        "replaces": request.replaces,
        "replaced_filled": request.replaced_filled,
        "multiplier": request.multiplier,
        "place_before": request.place_before,
        "source": request.source,
        "cancel_after_s": None if request.cancel_after is None else request.cancel_after.total_seconds(),
        "auto_sell_enabled": request.auto_sell_enabled,
        "actor": origin.actor,
        "host": origin.host,
        "process": origin.process,
        "trace_id": request.trace_id,
        "requested_at": request.requested_at,
        "total_ms": round(request.total_ms, 3),
        "event_type": OrderEvent.REQUESTED.value,
        "detail": json.dumps({"client_order_id": request.client_order_id, **terms.values(), **request.because}),
    }
