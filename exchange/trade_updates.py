"""What the trade_updates stream says about an event of the books, in Alpaca's words.

A message is made from the books in the step that changed them. Its ids derive from the event's stamp, which never
repeats; an execution has another id here than as an activity, because clients may not rely on them being equal.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

from exchange.clock import rfc3339
from exchange.decimals import plain
from exchange.groups import is_entry
from exchange.journal import Event
from exchange.state import OPEN, Account, Fill, Order
from exchange.wire import order_json

_NAMESPACE = uuid.UUID("9b6c7c0e-5a63-4f0a-8a53-6a4a9d1f2c55")
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MS_NS = 1_000_000


def frames(account: Account, event: Event) -> Iterator[bytes]:
    """Give the messages of an event that has just been applied, none for what is not about an order."""
    for number, (name, order) in enumerate(_changes(account, event)):
        data = _update(event["at_ns"], number, name, order)
        if number == 0 and event["event"] == "fill":
            data |= _execution(account, order)
        yield frame("trade_updates", data)


def frame(stream: str, data: dict[str, Any]) -> bytes:
    """Give one message of a stream as it goes over the socket."""
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def _changes(account: Account, event: Event) -> list[tuple[str, Order]]:
    match event["event"]:
        case "order":
            order = account.orders[event["id"]]
            return [("new", order), *((leg.status, leg) for leg in _legs(account, order) if leg.status != "held")]
        case "replace":
            return [("replaced", account.orders[event["replaces"]]), ("new", account.orders[event["id"]])]
        case "fill":
            order = account.orders[event["order_id"]]
            return [("partial_fill" if order.leaves else "fill", order), *_of_group(account, order)]
        case "cancel" | "cancel_asked" | "status":
            order = account.orders[event["order_id"]]
            return [(order.status, order), *_of_group(account, order)]
        case _:
            return []


def _of_group(account: Account, order: Order) -> list[tuple[str, Order]]:
    """Give what the step did to others of the order's group: they bear its stamp, which no other step has."""
    if not order.order_class:
        return []
    head = order if order.parent is None else account.orders[order.parent]
    group = (other for other in (head, *_legs(account, head)) if other is not order)
    touched = [other for other in group if other.updated_ns == order.updated_ns]
    shrunk = order.status in OPEN and not is_entry(order)
    return [("restated" if shrunk else other.status, other) for other in touched]


def _legs(account: Account, order: Order) -> list[Order]:
    return [account.orders[key] for key in order.legs]


def _update(at_ns: int, number: int, name: str, order: Order) -> dict[str, Any]:
    event_id, at = _ulid(at_ns, number), rfc3339(at_ns)
    return {
        "at": at,
        "event_id": event_id,
        "event": name,
        "timestamp": at,
        "order": order_json(order),
        "execution_id": str(uuid.uuid5(_NAMESPACE, event_id + order.id)),
    }


def _execution(account: Account, order: Order) -> dict[str, str]:
    fill = account.activities[-1]
    if not isinstance(fill, Fill):
        raise TypeError(f"the last activity must be the fill that was just applied, not {fill.type}")
    return {
        "price": plain(fill.price),
        "qty": plain(fill.qty),
        "position_qty": plain(account.owned(order.symbol)),
    }


def _ulid(at_ns: int, number: int) -> str:
    """Give 26 letters that sort in the order of the events: 48 bits of milliseconds, the rest of the stamp, a count."""
    milliseconds, rest = divmod(at_ns, _MS_NS)
    value = (milliseconds << 80) | (rest << 60) | number
    return "".join(_LETTERS[value >> shift & 31] for shift in range(125, -1, -5))
