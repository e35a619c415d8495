"""Exits that were sent while Postgres was away: as lines of a spool, and as orders once it is back (R20, R21).

The order is written as one that nobody knows the fate of: it is looked up at the broker by its id and told from there.
Where the normal way had written the same exit, its row is the one: the broker has one order of that id.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from domain.exits import ExitDecision, ExitReason, Mark, OpenLot, Trigger
from domain.occ import is_occ_symbol
from domain.order_state import OrderEvent, OrderStatus
from domain.orders import AssetClass, OrderTerms, OrderType, PositionIntent, Side, TimeInForce
from models.unit import Unit
from services.exits import PlannedExit, write_exit
from services.lots import WatchedLot
from services.order_transition import After, Event, Move, move
from services.orders import request_order
from services.origin import Origin

WHAT = "exit"
_STAGE = "degraded"


def exit_line(exit_: PlannedExit) -> dict[str, Any]:
    """Return what a spool keeps of an exit, before it is sent."""
    lot, watched, terms = exit_.decision.lot, exit_.watched, exit_.terms
    return {
        "lot_id": str(lot.lot_id),
        "account_id": str(lot.account_id),
        "account": watched.account,
        "account_type": watched.account_type,
        "account_type_source": watched.account_type_source,
        "base_url": watched.base_url,
        "symbol": lot.symbol,
        "held": str(lot.qty),
        "entry_price": None if lot.entry_price is None else str(lot.entry_price),
        "opened_at": lot.opened_at.isoformat(),
        "attempt": exit_.attempt,
        "side": terms.side.value,
        "order_type": terms.order_type.value,
        "qty": str(terms.qty),
        "limit_price": None if terms.limit_price is None else str(terms.limit_price),
        "trigger": asdict(exit_.decision.trigger),
        "mark": asdict(exit_.decision.mark),
        "decided_at": exit_.decided_at.isoformat(),
        "trace_id": exit_.trace_id,
        "cancel_after_s": None if exit_.cancel_after is None else exit_.cancel_after.total_seconds(),
    }


def write_degraded_exit(unit: Unit, found: Mapping[str, Any], origin: Origin) -> None:
    """Write the exit, and its order as unknown and due to be looked up. Raises KeyError and ValueError on nonsense."""
    exit_ = _planned(found)
    requested = request_order(unit, exit_.request(0), origin)
    write_exit(unit, exit_, degraded=True)
    if requested.replayed or requested.status != OrderStatus.REQUESTED:
        return
    sent = Event(
        OrderEvent.SUBMITTING,
        _STAGE,
        exit_.decided_at,
        reason_code="database_unavailable",
        reason="sent while the database was away, after a look at the broker's position and open orders",
        detail={"checks": {"minimum_balance": {"decision": "allow", "exempt": "an exit of the sell module"}}},
    )
    taken = {"fence": 1, "attempts": 1, "submitted_at": exit_.decided_at, "lease_until": After(0)}
    move(unit, Move(exit_.order_id, OrderStatus.SUBMITTING, 0, taken), [sent], origin)
    unknown = Event(
        OrderEvent.UNKNOWN,
        _STAGE,
        exit_.decided_at,
        success=False,
        reason_code="database_unavailable",
        reason="its outcome could not be written: it is looked up",
    )
    move(unit, Move(exit_.order_id, OrderStatus.UNKNOWN, 1, {"due_at": After(0)}), [unknown], origin)


def _planned(found: Mapping[str, Any]) -> PlannedExit:
    side = Side(found["side"])
    lot = OpenLot(
        lot_id=uuid.UUID(found["lot_id"]),
        account_id=uuid.UUID(found["account_id"]),
        symbol=found["symbol"],
        asset_class=AssetClass.OPTION if is_occ_symbol(found["symbol"]) else AssetClass.STOCK,
        qty=Decimal(found["held"]),
        entry_price=_decimal(found["entry_price"]),
        opened_at=_time(found["opened_at"]),
        auto_sell_enabled=True,
    )
    terms = OrderTerms(
        symbol=lot.symbol,
        side=side,
        order_type=OrderType(found["order_type"]),
        time_in_force=TimeInForce.DAY,
        qty=Decimal(found["qty"]),
        limit_price=_decimal(found["limit_price"]),
        position_intent=PositionIntent.BUY_TO_CLOSE if side is Side.BUY else PositionIntent.SELL_TO_CLOSE,
    )
    return PlannedExit(
        watched=_watched(found, lot),
        decision=ExitDecision(lot, _mark(found["mark"]), Decimal(found["qty"]), _trigger(found["trigger"])),
        attempt=int(found["attempt"]),
        terms=terms,
        decided_at=_time(found["decided_at"]),
        trace_id=str(found["trace_id"]),
        cancel_after=None if found["cancel_after_s"] is None else dt.timedelta(seconds=found["cancel_after_s"]),
    )


def _watched(found: Mapping[str, Any], lot: OpenLot) -> WatchedLot:
    return WatchedLot(
        lot=lot,
        account=found["account"],
        account_type=found["account_type"],
        account_type_source=found["account_type_source"],
        base_url=found["base_url"],
        reconciled_from=None,
        last_exit=None,
    )


def _mark(found: Mapping[str, Any]) -> Mark:
    return Mark(price=Decimal(found["price"]), at=_time(found["at"]), source=str(found["source"]))


def _trigger(found: Mapping[str, Any]) -> Trigger:
    return Trigger(ExitReason(found["reason"]), str(found["message"]), dict(found["inputs"]))


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _time(value: str) -> dt.datetime:
    return dt.datetime.fromisoformat(value)
