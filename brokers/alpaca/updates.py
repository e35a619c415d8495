"""Alpaca's trade updates in the house's words, tolerant: what cannot be read is kept as it came, never dropped."""

import hashlib
import json
from decimal import Decimal
from typing import Any, NoReturn

from brokers.alpaca.parse import decimal, parse_order, stamp
from domain.broker import BrokerFill, BrokerOrder
from domain.trade_updates import TradeUpdate

# https://docs.alpaca.markets/docs/websocket-streaming: events of trade_updates, common and rare
_EVENTS = frozenset(
    {
        *("new", "fill", "partial_fill", "canceled", "expired", "done_for_day", "replaced"),
        *("accepted", "rejected", "pending_new", "stopped", "pending_cancel", "pending_replace", "calculated"),
        *("suspended", "order_replace_rejected", "order_cancel_rejected", "restated", "held"),
    }
)
_EXECUTIONS = frozenset({"fill", "partial_fill"})
_LONGEST = 4_000
_UNREADABLE = "unreadable"


def parse_frame(frame: bytes | str) -> tuple[str, Any]:
    """Return the stream of a frame and its data; an empty stream is a frame that is no message at all."""
    text = frame.decode(errors="replace") if isinstance(frame, bytes) else frame
    try:
        message = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return "", text
    if not isinstance(message, dict):
        return "", text
    if message.get("action") == "error":
        return "error", message.get("data")
    return str(message.get("stream", "")), message.get("data", message)


def parse_update(frame: bytes | str) -> TradeUpdate:
    """Return what a frame of an open stream says; `trouble` when it is not all known to us."""
    stream, data = parse_frame(frame)
    text = frame.decode(errors="replace") if isinstance(frame, bytes) else frame
    if stream != "trade_updates" or not isinstance(data, dict):
        what = "no JSON message" if not stream else f"a message of {stream!r} without an order"
        return _unreadable(text, what)
    order = parse_order(data.get("order"))
    if order is None:
        return _unreadable(text, "an event without an order")
    event = str(data.get("event", ""))
    fill = _fill(data, order) if event in _EXECUTIONS else None
    return TradeUpdate(_key(data, event, order), event, text, order, fill, _trouble(event, order, fill))


def _trouble(event: str, order: BrokerOrder, fill: BrokerFill | None) -> str | None:
    if event not in _EVENTS:
        return f"event {event!r} is not known"
    if order.status is None:
        return f"status {order.raw_status!r} is not known"
    return "an execution without its figures" if event in _EXECUTIONS and fill is None else None


def _fill(data: dict[str, Any], order: BrokerOrder) -> BrokerFill | None:
    """Return the execution: its key is the cumulative quantity, because its id is another one over REST (R15)."""
    qty, price, occurred_at = decimal(data.get("qty")), decimal(data.get("price")), stamp(data.get("timestamp"))
    if qty is None or price is None or occurred_at is None or not Decimal(0) < qty <= order.filled_qty:
        return None
    return BrokerFill(
        broker_fill_id=str(data.get("execution_id", "")),
        broker_order_id=order.broker_order_id,
        symbol=order.symbol,
        side=order.side,
        qty=qty,
        price=price,
        cum_qty=order.filled_qty,
        occurred_at=occurred_at,
    )


def _key(data: dict[str, Any], event: str, order: BrokerOrder) -> str:
    """Return the broker's id of the event, or without one what tells it from every other (R16)."""
    given = data.get("event_id")
    if isinstance(given, str) and given:
        return given[:_LONGEST]
    return _hash(f"{event}|{order.broker_order_id}|{data.get('timestamp')}|{order.filled_qty}")


def _unreadable(text: str, what: str) -> TradeUpdate:
    raw = json.dumps({_UNREADABLE: text[:_LONGEST]})
    return TradeUpdate(_hash(text), _UNREADABLE, raw, trouble=what)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity are no JSON, and Postgres takes none of them
