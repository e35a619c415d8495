"""The books in Alpaca's JSON: the full documented field sets, money as strings, times in RFC 3339 with nanoseconds."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from exchange.assets import ASSETS, asset_id
from exchange.clock import expires_at, rfc3339
from exchange.decimals import ZERO, plain, rounded
from exchange.quotes import Quote
from exchange.state import OPTIONS_LEVEL, Account, Fill, Order, Position

Quoter = Callable[[str], Quote | None]
_NOT_OF_LEGS = frozenset({"expires_at", "ratio_qty", "source", "subtag"})
_AVERAGE_DECIMALS = 6
_RATIO_DECIMALS = 10


def nested_json(account: Account, order: Order, status: str | None = None) -> dict[str, Any]:
    """Show an Order with its legs, as answers to a POST and to `nested` do."""
    shown = order_json(order, status)
    if order.legs:
        shown["legs"] = [_leg_json(account.orders[key]) for key in order.legs]
    return shown


def _leg_json(order: Order) -> dict[str, Any]:
    return {name: value for name, value in order_json(order).items() if name not in _NOT_OF_LEGS}


def order_json(order: Order, status: str | None = None) -> dict[str, Any]:
    """Show an Order; `status` overrides the book's, because the answer to a POST says accepted."""
    at = rfc3339(order.at_ns)
    filled = order.filled_qty
    average = plain(rounded(order.filled_notional / filled, _AVERAGE_DECIMALS)) if filled else None
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": at,
        "updated_at": rfc3339(order.updated_ns),
        "submitted_at": at,
        "filled_at": _stamp(order.filled_ns),
        "expired_at": _stamp(order.expired_ns),
        "expires_at": expires_at(order.at_ns, order.time_in_force),
        "canceled_at": _stamp(order.canceled_ns),
        "failed_at": _stamp(order.failed_ns),
        "replaced_at": _stamp(order.replaced_ns),
        "replaced_by": order.replaced_by,
        "replaces": order.replaces,
        "asset_id": asset_id(order.symbol),
        "symbol": order.symbol,
        "asset_class": order.asset_class,
        "notional": _plain(order.notional),
        "qty": _plain(order.qty),
        "filled_qty": plain(filled),
        "filled_avg_price": average,
        "order_class": order.order_class,
        "order_type": order.type,
        "type": order.type,
        "side": order.side,
        "position_intent": order.position_intent,
        "time_in_force": order.time_in_force,
        "limit_price": _plain(order.limit_price),
        "stop_price": _plain(order.stop),
        "status": status or order.status,
        "extended_hours": order.extended_hours,
        "legs": None,
        "trail_percent": _plain(order.trail_percent),
        "trail_price": _plain(order.trail_price),
        "hwm": _plain(order.hwm),
        "ratio_qty": None,
        "subtag": None,
        "source": None,
    }


def _stamp(at_ns: int | None) -> str | None:
    return None if at_ns is None else rfc3339(at_ns)


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def account_json(account: Account, quoter: Quoter, last_equity: Decimal) -> dict[str, Any]:
    """Show a TradeAccount: cash exact, values at the last trade, no margin; `last_equity` is the last close's."""
    values = [_market_value(position, quoter) for position in account.positions.values()]
    long_value, short_value = sum((v for v in values if v > 0), ZERO), sum((v for v in values if v < 0), ZERO)
    cash, equity = plain(account.cash), plain(account.cash + long_value + short_value)
    power = plain(max(account.buying_power, ZERO))
    return {
        "id": account.id,
        "account_number": account.account_number,
        "status": account.status,
        "crypto_status": "INACTIVE",
        "currency": "USD",
        "buying_power": power,
        "regt_buying_power": power,
        "non_marginable_buying_power": power,
        "options_buying_power": power,
        "options_approved_level": OPTIONS_LEVEL,
        "options_trading_level": min(OPTIONS_LEVEL, account.configurations["max_options_trading_level"]),
        "cash": cash,
        "accrued_fees": "0",
        "pending_transfer_in": "0",
        "pending_transfer_out": "0",
        "pending_reg_taf_fees": "0",
        "portfolio_value": equity,
        "equity": equity,
        "last_equity": plain(last_equity),
        "long_market_value": plain(long_value),
        "short_market_value": plain(short_value),
        "initial_margin": plain(long_value - short_value),
        "maintenance_margin": plain(long_value - short_value),
        "last_maintenance_margin": "0",
        "sma": "0",
        "multiplier": "1",
        "shorting_enabled": account.may_short,
        "trading_blocked": account.trading_blocked,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": account.configurations["suspend_trade"],
        "created_at": rfc3339(account.created_ns),
        "balance_asof": rfc3339(account.created_ns)[:10],
        "intraday_adjustments": "0",
    }


def _market_value(position: Position, quoter: Quoter) -> Decimal:
    quote = quoter(position.symbol)
    return position.qty * position.multiplier * quote.last if quote else position.cost


def position_json(account: Account, position: Position, quoter: Quoter) -> dict[str, Any]:
    """Show a Position at the last trade; `qty` is negative when short."""
    asset = ASSETS.get(position.symbol)
    value = _market_value(position, quoter)
    gain = value - position.cost
    ratio = plain(rounded(gain / abs(position.cost), _RATIO_DECIMALS)) if position.cost else "0"
    price = plain(rounded(value / position.qty / position.multiplier, _AVERAGE_DECIMALS))
    average = rounded(position.cost / position.qty / position.multiplier, _AVERAGE_DECIMALS)
    return {
        "asset_id": asset_id(position.symbol),
        "symbol": position.symbol,
        "exchange": asset.exchange if asset else "",
        "asset_class": "us_equity" if asset else "us_option",
        "asset_marginable": bool(asset and asset.marginable),
        "avg_entry_price": plain(average),
        "qty": plain(position.qty),
        "qty_available": plain(position.qty - account.held.get(position.symbol, ZERO)),
        "side": "long" if position.qty > 0 else "short",
        "market_value": plain(value),
        "cost_basis": plain(rounded(position.cost, _AVERAGE_DECIMALS)),
        "unrealized_pl": plain(rounded(gain, _AVERAGE_DECIMALS)),
        "unrealized_plpc": ratio,
        "unrealized_intraday_pl": plain(rounded(gain, _AVERAGE_DECIMALS)),
        "unrealized_intraday_plpc": ratio,
        "current_price": price,
        "lastday_price": price,
        "change_today": "0",
    }


def fill_json(fill: Fill) -> dict[str, Any]:
    """Show a FILL activity; it has no client_order_id, as on Alpaca."""
    return {
        "id": fill.id,
        "activity_type": "FILL",
        "transaction_time": rfc3339(fill.at_ns),
        "type": "partial_fill" if fill.leaves_qty else "fill",
        "price": plain(fill.price),
        "qty": plain(fill.qty),
        "side": fill.side,
        "symbol": fill.symbol,
        "leaves_qty": plain(fill.leaves_qty),
        "order_id": fill.order_id,
        "cum_qty": plain(fill.cum_qty),
        "order_status": "partially_filled" if fill.leaves_qty else "filled",
    }
