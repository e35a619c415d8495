"""Account activities in Alpaca's JSON: executions in one form, everything else in another."""

from typing import Any

from exchange.clock import rfc3339
from exchange.decimals import plain
from exchange.state import Activity, Fill, Movement
from exchange.wire import fill_json

_DATE = slice(0, len("2026-11-20"))


def activity_type(activity: Activity) -> str:
    """Give Alpaca's name for what it is."""
    return "FILL" if isinstance(activity, Fill) else activity.type


def activity_json(activity: Activity) -> dict[str, Any]:
    """Show an activity."""
    return fill_json(activity) if isinstance(activity, Fill) else _movement_json(activity)


def _movement_json(movement: Movement) -> dict[str, Any]:
    at = rfc3339(movement.at_ns)
    shown = {
        "id": movement.id,
        "activity_type": movement.type,
        "date": f"{at[_DATE]}T00:00:00Z",
        "created_at": at,
        "net_amount": plain(movement.net_amount),
        "currency": "USD",
        "status": "executed",
    }
    if movement.symbol is not None:
        shown |= {"symbol": movement.symbol, "qty": plain(movement.qty)}
    return shown
