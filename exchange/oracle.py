"""What really happened, for the judge of a fault test: every account with its orders, fills and attempts."""

from typing import Any

from exchange.decimals import plain
from exchange.state import Account, Fill, Order, Position
from exchange.world import World

_TERMS = ("qty", "notional", "limit_price", "stop_price", "trail_price", "trail_percent")


def ledger(world: World, *, account: str | None, since_us: int) -> list[dict[str, Any]]:
    """Accounts by name (None: all) with the orders received at `since_us` (us since the epoch) or later."""
    accounts = world.engine.book.accounts.values()
    return [_account(a, since_us) for a in accounts if account in {None, a.name}]


def request_counts(world: World) -> list[dict[str, Any]]:
    """Count requests to the brokers' API by account, method, route and status (or the fault's kind, unanswered)."""
    names = ("account", "method", "path", "status")
    return [{**dict(zip(names, key, strict=True)), "count": n} for key, n in sorted(world.requests.items())]


def _account(account: Account, since_us: int) -> dict[str, Any]:
    fills: dict[str, list[Fill]] = {}
    for fill in account.fills:
        fills.setdefault(fill.order_id, []).append(fill)
    return {
        "name": account.name,
        "id": account.id,
        "account_number": account.account_number,
        "status": account.status,
        "cash": plain(account.cash),
        "buying_power": plain(account.buying_power),
        "reserved": plain(account.reserved),
        "rate_limit": account.rate_limit,
        "positions": [_position(position) for position in account.positions.values()],
        "orders": [
            _order(order, account.attempts[order.client_order_id], fills.get(order.id, []))
            for order in account.orders.values()
            if order.received_us >= since_us
        ],
        "attempts": dict(account.attempts),
    }


def _position(position: Position) -> dict[str, str]:
    return {"symbol": position.symbol, "qty": plain(position.qty), "cost": plain(position.cost)}


def _order(order: Order, attempts: int, fills: list[Fill]) -> dict[str, Any]:
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "time_in_force": order.time_in_force,
        **{name: None if (value := getattr(order, name)) is None else plain(value) for name in _TERMS},
        "extended_hours": order.extended_hours,
        "position_intent": order.position_intent,
        "order_class": order.order_class,
        "parent": order.parent,
        "replaces": order.replaces,
        "replaced_by": order.replaced_by,
        "filled_qty": plain(order.filled_qty),
        "status": order.status,
        "received_at": order.received_us / 1e6,
        "attempts": attempts,
        "fills": [{"id": f.id, "qty": plain(f.qty), "price": plain(f.price), "at": f.at_ns / 1e9} for f in fills],
    }
