"""Alpaca's JSON in the house's words, tolerant: an unknown status or field never loses an order."""

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any

from domain.broker import AccountReading, BrokerFill, BrokerOrder, BrokerPosition
from domain.order_state import OrderStatus
from domain.orders import OrderTerms, OrderType, PositionIntent, Side, TimeInForce

_S = OrderStatus

# https://docs.alpaca.markets: order statuses. What works at the broker is `accepted` here until something fills.
_STATUS = {
    "new": _S.ACCEPTED,
    "accepted": _S.ACCEPTED,
    "pending_new": _S.ACCEPTED,
    "accepted_for_bidding": _S.ACCEPTED,
    "held": _S.ACCEPTED,
    "stopped": _S.ACCEPTED,
    "suspended": _S.ACCEPTED,
    "calculated": _S.ACCEPTED,
    "done_for_day": _S.ACCEPTED,
    "pending_cancel": _S.ACCEPTED,
    "pending_replace": _S.ACCEPTED,
    "pending_review": _S.ACCEPTED,
    "partially_filled": _S.PARTIALLY_FILLED,
    "filled": _S.FILLED,
    "canceled": _S.CANCELED,
    "expired": _S.EXPIRED,
    "replaced": _S.REPLACED,
    "rejected": _S.REJECTED,
}


def decimal(value: Any) -> Decimal | None:
    """Return a broker's number (string, int or float) exactly as written, None for null."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def stamp(value: Any) -> dt.datetime | None:
    """Return an RFC 3339 time as aware UTC; nanoseconds are cut to microseconds."""
    if not isinstance(value, str) or not value:
        return None
    head, dot, tail = value.replace("Z", "+00:00").partition(".")
    if dot:
        digits = tail[: next((i for i, char in enumerate(tail) if not char.isdigit()), len(tail))]
        value = f"{head}.{digits[:6].ljust(6, '0')}{tail[len(digits) :]}"
    else:
        value = head
    try:
        parsed = dt.datetime.fromisoformat(value)
        return parsed.astimezone(dt.UTC) if parsed.tzinfo is not None else parsed.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None


def parse_order(raw: Any, *, with_terms: bool = False) -> BrokerOrder | None:
    """Return the order an answer carries, None when it is no order at all (a 200 that says nothing)."""
    if not isinstance(raw, dict) or not raw.get("id"):
        return None
    raw_status = str(raw.get("status", ""))
    filled = decimal(raw.get("filled_qty")) or Decimal(0)
    status = _STATUS.get(raw_status)
    if status is _S.ACCEPTED and filled > 0:
        status = _S.PARTIALLY_FILLED
    return BrokerOrder(
        broker_order_id=str(raw["id"]),
        client_order_id=str(raw.get("client_order_id", "")),
        symbol=str(raw.get("symbol", "")),
        side=str(raw.get("side", "")),
        qty=decimal(raw.get("qty")),
        filled_qty=filled,
        filled_avg_price=decimal(raw.get("filled_avg_price")),
        status=status,
        raw_status=raw_status,
        created_at=stamp(raw.get("created_at")),
        notional=decimal(raw.get("notional")),
        terms=_terms(raw) if with_terms else None,
    )


def _terms(raw: dict[str, Any]) -> OrderTerms | None:
    """Return the order's terms, None when the house has no words for them (several legs, an unknown side or type).

    A time in force that only Alpaca knows (`opg`, `cls`) ends with the day, and is kept as `day`.
    """
    qty, notional = decimal(raw.get("qty")), decimal(raw.get("notional"))
    words = raw.get("side"), raw.get("type") or raw.get("order_type")
    if not raw.get("symbol") or (qty is None and notional is None):
        return None
    try:
        side, order_type = Side(str(words[0])), OrderType(str(words[1]))
    except ValueError:
        return None
    lasts, intent = str(raw.get("time_in_force")), str(raw.get("position_intent"))
    return OrderTerms(
        symbol=str(raw["symbol"]),
        side=side,
        order_type=order_type,
        time_in_force=TimeInForce(lasts) if lasts in set(TimeInForce) else TimeInForce.DAY,
        qty=qty,
        notional=notional if qty is None else None,
        **{name: decimal(raw.get(name)) for name in ("limit_price", "stop_price", "trail_price", "trail_percent")},
        extended_hours=raw.get("extended_hours") is True,
        position_intent=PositionIntent(intent) if intent in set(PositionIntent) else None,
    )


def parse_position(raw: dict[str, Any]) -> BrokerPosition | None:
    """Return what is held of a symbol, None when symbol or quantity is missing."""
    qty = decimal(raw.get("qty"))
    if qty is None or not raw.get("symbol"):
        return None
    signed = -abs(qty) if raw.get("side") == "short" else qty
    return BrokerPosition(str(raw["symbol"]), signed, decimal(raw.get("avg_entry_price")))


def parse_fill(raw: Any) -> BrokerFill | None:
    """Return the execution a FILL activity tells, None when a needed field is missing."""
    qty, price, cum_qty = (decimal(raw.get(name)) for name in ("qty", "price", "cum_qty"))
    occurred_at = stamp(raw.get("transaction_time"))
    if qty is None or price is None or cum_qty is None or occurred_at is None or not raw.get("order_id"):
        return None
    return BrokerFill(
        broker_fill_id=str(raw.get("id", "")),
        broker_order_id=str(raw["order_id"]),
        symbol=str(raw.get("symbol", "")),
        side=str(raw.get("side", "")),
        qty=qty,
        price=price,
        cum_qty=cum_qty,
        occurred_at=occurred_at,
    )


def parse_account(raw: Any) -> AccountReading | None:
    """Return number and money of an account, None without a readable cash field."""
    if not isinstance(raw, dict):
        return None
    cash = decimal(raw.get("cash"))
    if cash is None:
        return None
    return AccountReading(
        account_number=str(raw.get("account_number") or "") or None,
        cash=cash,
        buying_power=decimal(raw.get("buying_power")) or Decimal(0),
        equity=decimal(raw.get("equity")) or cash,
        trading_blocked=bool(raw.get("trading_blocked") or raw.get("account_blocked")),
    )
