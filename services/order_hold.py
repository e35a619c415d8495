"""Entries while their broker does not work: held until `place_before`, then refused; woken when it answers (R26)."""

import uuid

from domain.order_state import OrderStatus
from domain.orders import LANES, Lane, OrderTerms
from models.unit import Unit
from services.order_facts import terms_of
from services.order_transition import Event, Move, move
from services.origin import Origin

UNAVAILABLE = "broker_unavailable"

_WAITING = """
SELECT * FROM trading.orders
 WHERE order_id = %(order_id)s AND status = 'requested' AND due_at <= clock_timestamp()
"""

# spread over a second: what was held for a minute must not come back as one crowd
_WAKE = """
UPDATE trading.orders o SET due_at = clock_timestamp() + random() * interval '1 second', hints = 0, next_hint_at = NULL
  FROM trading.accounts a
 WHERE a.account_id = o.account_id AND a.name = %(account)s AND o.status = 'requested'
   AND o.due_at > clock_timestamp() + interval '1 second' AND coalesce(o.position_intent, o.side) = ANY(%(entries)s)
"""


def give_up(unit: Unit, order_id: uuid.UUID, event: Event, *, origin: Origin) -> OrderTerms | None:
    """Reject an order that is past its time and whose broker could not be tried; None when somebody was quicker."""
    row = unit.row(_WAITING, {"order_id": order_id})
    if row is None:
        return None
    changes = {"rejected_by": "opitios", "reason_code": event.reason_code, "reason": event.reason}
    moved = move(unit, Move(order_id, OrderStatus.REJECTED, row.fence, changes), [event], origin)
    return None if moved is None else terms_of(row)


def wake_entries(unit: Unit, account: str) -> int:
    """Have the entries of an account tried now that its broker answers; return how many waited longer."""
    entries = [str(intent) for intent, lane in LANES.items() if lane is Lane.ENTRY]
    return unit.run(_WAKE, {"account": account, "entries": entries})
