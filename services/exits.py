"""The seller's orders: which attempt it is, what is sent, and one row for each, whoever decides it (R20)."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Any

from config.sell_settings import ExitOrderType, SellSettings
from domain.exits import ExitDecision, Mark, OpenLot
from domain.orders import AssetClass, OrderTerms, OrderType, PositionIntent, Side, TimeInForce, plain
from models.unit import Unit
from services.lots import LastExit, WatchedLot, multiplier_of
from services.order_facts import SELLER
from services.orders import OrderRequest, request_order
from services.origin import Origin

PLACE_WITHIN = dt.timedelta(seconds=30)  # a price that is older decides nothing any more
_CENT = Decimal("0.01")
_LONGEST_PAUSE_S = 60


@dataclass(frozen=True, slots=True)
class PlannedExit:
    """An exit on its way: the lot's account, the attempt, and the terms; `order_id` follows from lot and attempt."""

    watched: WatchedLot
    decision: ExitDecision
    attempt: int
    terms: OrderTerms
    decided_at: dt.datetime
    trace_id: str
    cancel_after: dt.timedelta | None

    @property
    def order_id(self) -> uuid.UUID:
        """The same for everybody who decides this exit: two of them make one order."""
        return exit_order_id(self.decision.lot.lot_id, self.attempt)

    def request(self, total_ms: float) -> OrderRequest:  # float: milliseconds
        """Return the order as it is stored."""
        lot, watched = self.decision.lot, self.watched
        return OrderRequest(
            order_id=self.order_id,
            account_id=lot.account_id,
            account_name=watched.account,
            account_type=watched.account_type,
            account_type_source=watched.account_type_source,
            client_order_id=f"exit-{lot.lot_id}-{self.attempt}",
            terms=self.terms,
            multiplier=int(multiplier_of(lot)),
            place_before=self.decided_at + PLACE_WITHIN,
            source=SELLER,
            trace_id=self.trace_id,
            requested_at=self.decided_at,
            total_ms=total_ms,
            cancel_after=self.cancel_after,
            because={"exit": self.because},
        )

    @property
    def because(self) -> dict[str, Any]:
        """What the seller saw when it decided: it stands on the order's first event (FR-005)."""
        lot, mark, trigger = self.decision.lot, self.decision.mark, self.decision.trigger
        return {
            "lot_id": str(lot.lot_id),
            "attempt": self.attempt,
            "reason": trigger.reason.value,
            "message": trigger.message,
            "inputs": dict(trigger.inputs),
            "held": plain(lot.qty),
            "entry_price": None if lot.entry_price is None else plain(lot.entry_price),
            "price": plain(mark.price),
            "price_at": mark.at.isoformat(),
            "price_source": mark.source,
        }


_INSERT = """
INSERT INTO trading.exits (lot_id, attempt, order_id, reason, message, price, price_at, price_source, degraded,
                           decided_at)
SELECT %(lot_id)s, %(attempt)s, %(order_id)s, %(reason)s, %(message)s, %(price)s, %(price_at)s, %(price_source)s,
       %(degraded)s, %(decided_at)s
ON CONFLICT DO NOTHING
"""

_BEFORE = """
SELECT 1 FROM trading.exits e JOIN trading.orders o USING (order_id)
 WHERE e.lot_id = %(lot_id)s AND (
   e.attempt >= %(attempt)s OR o.status NOT IN ('filled', 'canceled', 'expired', 'replaced', 'rejected'))
"""

# the lot's row keeps a second seller out until the first has written; it also holds the owner's last word
_LOCK = """
SELECT auto_sell_enabled FROM trading.lots WHERE lot_id = %(lot_id)s AND closed_at IS NULL FOR NO KEY UPDATE
"""


def exit_order_id(lot_id: uuid.UUID, attempt: int) -> uuid.UUID:
    """Return the id of a lot's nth exit (R20)."""
    return uuid.uuid5(lot_id, str(attempt))


def may_try(last: LastExit | None, reason: str, *, now: dt.datetime, reprice_times: int) -> bool:
    """Return whether a next attempt may begin: the last has ended, and it is neither too soon nor one too many.

    After a refusal the pause doubles up to a minute. What nobody filled is priced anew `reprice_times` times, for each
    reason apart.
    """
    if last is None:
        return True
    if not last.has_ended:
        return False
    if last.reason != reason:
        return True
    if last.unfilled > reprice_times:
        return False
    pause = min(_LONGEST_PAUSE_S, 2 ** min(last.refused, 6)) if last.refused else 0
    return now - last.since >= dt.timedelta(seconds=pause)


def terms_of_exit(decision: ExitDecision, settings: SellSettings) -> OrderTerms | None:
    """Return what is sent; None when not one whole contract is free."""
    lot, qty = decision.lot, decision.qty
    is_option = lot.asset_class is AssetClass.OPTION
    if is_option:
        qty = qty.to_integral_value(ROUND_DOWN)
    is_limit = settings.order_type is ExitOrderType.LIMIT and (is_option or qty == qty.to_integral_value())
    if qty <= 0:
        return None
    return OrderTerms(
        symbol=lot.symbol,
        side=Side.BUY if lot.is_short else Side.SELL,
        order_type=OrderType.LIMIT if is_limit else OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        qty=qty,
        limit_price=limit_price(lot, decision.mark, settings.limit_offset) if is_limit else None,
        position_intent=PositionIntent.BUY_TO_CLOSE if lot.is_short else PositionIntent.SELL_TO_CLOSE,
    )


def limit_price(lot: OpenLot, mark: Mark, offset: Decimal) -> Decimal:
    """Return the limit in USD: `offset` worse than the mark, in whole cents, one at least."""
    if lot.is_short:
        return (mark.price * (1 + offset)).quantize(_CENT, ROUND_UP)
    return max(_CENT, (mark.price * (1 - offset)).quantize(_CENT, ROUND_DOWN))


def place_exit(unit: Unit, exit_: PlannedExit, *, total_ms: float, origin: Origin) -> bool:  # float: milliseconds
    """Write the exit and its order, due at once; False when somebody else has, or its owner has opted out since."""
    lot_id = exit_.decision.lot.lot_id
    locked = unit.row(_LOCK, {"lot_id": lot_id})
    if locked is None or not locked.auto_sell_enabled:
        return False
    if unit.row(_BEFORE, {"lot_id": lot_id, "attempt": exit_.attempt}) is not None:
        return False
    request_order(unit, exit_.request(total_ms), origin)
    write_exit(unit, exit_, degraded=False)
    return True


def write_exit(unit: Unit, exit_: PlannedExit, *, degraded: bool) -> None:
    """Write the exit beside its order."""
    trigger, mark = exit_.decision.trigger, exit_.decision.mark
    unit.run(
        _INSERT,
        {
            "lot_id": exit_.decision.lot.lot_id,
            "attempt": exit_.attempt,
            "order_id": exit_.order_id,
            "reason": trigger.reason.value,
            "message": trigger.message,
            "price": mark.price,
            "price_at": mark.at,
            "price_source": mark.source,
            "degraded": degraded,
            "decided_at": exit_.decided_at,
        },
    )


def line_of(exit_: PlannedExit) -> str:
    """Return the decision as a sentence for the log (US-SYSTEM-003)."""
    lot, trigger = exit_.decision.lot, exit_.decision.trigger
    return (
        f"Position {lot.lot_id} of {exit_.watched.account} closed - {trigger.reason}: {exit_.terms.side} "
        f"{exit_.terms.size} {lot.symbol} at {plain(exit_.decision.mark.price)} ({trigger.message}), attempt "
        f"{exit_.attempt}"
    )
