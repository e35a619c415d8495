"""Reads where an order stands out of its audit trail alone, by the table of states."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from domain.order_state import TERMINAL, OrderEvent, OrderStatus, may_follow

_ARRIVALS = {OrderEvent(status.value): status for status in OrderStatus}
_FILLS = {OrderEvent.FILLED, OrderEvent.PARTIALLY_FILLED}


@dataclass(frozen=True, slots=True)
class Folded:
    """The status an audit trail leads to; `broken` says what no trail may hold."""

    status: str | None
    broken: str | None = None


def fold(events: Iterable[dict[str, Any]]) -> Folded:
    """Return where these events (in the order of their `seq`) lead; they begin at 1 and leave none out."""
    status: OrderStatus | None = None
    for expected, event in enumerate(events, start=1):
        kind = OrderEvent(event["event_type"])
        if event["seq"] != expected:
            return Folded(None, f"its audit trail has {event['seq']} where {expected} was to come")
        after = _after(status, kind)
        if status is None:
            if after is not OrderStatus.REQUESTED:
                return Folded(None, f"its audit trail begins with {kind.value}")
        elif not may_follow(status, after):
            return Folded(None, f"its audit trail goes from {status.value} to {after.value}")
        status = after
    return Folded(None, "it has no audit trail") if status is None else Folded(status.value)


def _after(before: OrderStatus | None, kind: OrderEvent) -> OrderStatus:
    if kind in _FILLS and before in TERMINAL and before is not None:
        return before  # a fill after the end moves quantities, never the status
    if kind is OrderEvent.DEFERRED and before is OrderStatus.SUBMITTING:
        return OrderStatus.REQUESTED  # the broker definitely did not take it
    if kind in _ARRIVALS:
        return _ARRIVALS[kind]
    return before if before is not None else OrderStatus.QUARANTINED
