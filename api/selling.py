"""The seller as the predecessor's clients know it: its fields, with what is true in them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Literal

from api.sell_schemas import ControlOut, LegacyOut, SellHealthOut, SellStatusOut
from api.state import ApiState
from config.sell_settings import DEFAULT_MINUTES, SellSettings
from domain.errors import InvalidAction
from domain.orders import FieldProblem
from domain.timing import safe
from models.unit import Unit
from services.alerts import OpenAlert, open_alerts
from services.sell_health import SellHealth, SellState, read_sell_health
from services.sell_module import SellAction, control
from services.users import UserRef

Word = Literal["success", "warning", "error"]
_WORDS: Mapping[SellState, Word] = {
    SellState.RUNNING: "success",
    SellState.STOPPED: "warning",
    SellState.NEVER_RAN: "warning",
    SellState.STALE: "error",
}
_HEALTH = {"success": "healthy", "warning": "stopped", "error": "unhealthy"}
_SPOKEN = {"sell_module_stopped", "sell_prices_unavailable"}


def read_health(state: ApiState) -> tuple[SellHealth, list[OpenAlert]]:
    """Return how the seller is, and what of it is being alerted."""
    with state.database.unit() as unit:
        health = read_sell_health(unit, interval=state.settings.sell_module.check_interval)
        return health, [alert for alert in open_alerts(unit) if alert.kind in _SPOKEN]


def health_out(state: ApiState) -> SellHealthOut:
    """Return all of it, with the predecessor's three fields."""
    found, alerts = read_health(state)
    switch = found.switch
    return SellHealthOut.model_validate(
        {
            "state": found.state,
            "since": switch.changed_at,
            "changed_by": switch.changed_by,
            "seconds_since_tick": None if found.quiet_s is None else Decimal(str(round(found.quiet_s, 1))),
            "tick_begun_at": switch.tick_begun_at,
            "tick_ended_at": switch.tick_ended_at,
            "tick_process": switch.tick_process,
            "last_tick": None if found.last_tick is None else asdict(found.last_tick),
            "tick_ms": asdict(found.last_hour) | {"trend": [asdict(hour) for hour in found.trend]},
            "sells": asdict(found.sells) | {"success_rate": found.sells.success_rate},
            "price_failures": {"last_hour": found.price_failures_hour, "last_day": found.price_failures_day},
            "cancel_errors": found.cancel_errors,
            "stale_positions": {
                "count": found.stale_count,
                "positions": [asdict(position) for position in found.stale_positions],
            },
            "next_cancels": [asdict(order) for order in found.next_cancels],
            "restarts": {"last_day": found.restarts, "last_at": found.last_restart_at},
            "status": _WORDS[found.state],
            "data": _checks(state, found, alerts),
            "timestamp": state.clock.now(),
        }
    )


def status_out(state: ApiState) -> SellStatusOut:
    """Return the predecessor's page."""
    found, alerts = read_health(state)
    return SellStatusOut(
        service=_service(state, found),
        health=_checks(state, found, alerts),
        config=config_of(state.settings.sell_module),
        statistics=_statistics(found),
        timestamp=state.clock.now(),
    )


def envelope(state: ApiState, part: Literal["status", "config", "service"]) -> LegacyOut:
    """Return one part of the page as the removed routes did."""
    found, alerts = read_health(state)
    data = {
        "status": _service(state, found) | {"health": _checks(state, found, alerts), "statistics": _statistics(found)},
        "config": config_of(state.settings.sell_module),
        "service": _service(state, found),
    }
    return LegacyOut(status=_WORDS[found.state], data=data[part], timestamp=state.clock.now())


def act(state: ApiState, word: str, user: UserRef) -> ControlOut:
    """Turn the switch. Raises InvalidAction for a word that is none of start, stop and restart."""
    action = _action(word)
    with state.database.unit() as unit:
        return _act(unit, state, action, user)


def _act(unit: Unit, state: ApiState, action: SellAction, user: UserRef) -> ControlOut:
    stamp = state.stamp(user.username)
    result = control(unit, action, stamp)
    stands = "running" if result.after.running else "stopped"
    said = {SellAction.START: "started", SellAction.STOP: "stopped", SellAction.RESTART: "restarted"}[action]
    message = f"the sell module was {said} by {user.username}" if result.changed else f"the sell module is {stands}"
    return ControlOut(
        action=action,
        message=message,
        new_status="unchanged" if not result.changed else "running" if result.after.running else "stopped",
        timestamp=stamp.now,
    )


def _action(word: str) -> SellAction:
    try:
        return SellAction(word.strip().lower())
    except ValueError:
        expected = "start, stop or restart"
        problem = FieldProblem("action", safe(word)[:100], expected)
        raise InvalidAction(f"action: expected {expected}", [problem]) from None


def config_of(settings: SellSettings) -> dict[str, Any]:
    """Return the settings in force by the predecessor's names, numbers as numbers."""
    minutes = {key: _number(value) for key, value in settings.order_cancel_minutes.items()}
    one = settings.strategy_one
    return {
        "enabled": settings.enabled,
        "check_interval": _number(Decimal(str(settings.check_interval.total_seconds()))),
        "order_cancel_minutes": minutes[DEFAULT_MINUTES] if len(minutes) == 1 else minutes,
        "zero_day_handling": settings.zero_day_handling,
        "strategy_one": {
            "enabled": one.enabled,
            "profit_rate": _number(one.profit_rate),
            "stop_loss_rate": _number(one.stop_loss_rate),
        },
    }


def _service(state: ApiState, found: SellHealth) -> dict[str, Any]:
    started = found.switch.started_at
    uptime = None if started is None else state.clock.now() - started
    return {
        "name": "sell_module",
        "status": "running" if found.switch.running else "stopped",
        "enabled": found.switch.running,
        "uptime": None if uptime is None else str(dt.timedelta(seconds=int(uptime.total_seconds()))),
        "task_status": found.state.value,
        "integration": "celery",
        "non_blocking": True,
    }


def _checks(state: ApiState, found: SellHealth, alerts: list[OpenAlert]) -> dict[str, Any]:
    ticks = found.state is SellState.RUNNING
    return {
        "status": _HEALTH[_WORDS[found.state]],
        "last_check": found.switch.tick_ended_at,
        "checks": {
            "service_enabled": state.settings.sell_module.enabled,
            "service_running": found.switch.running,
            "task_running": ticks,
            "watcher_initialized": found.switch.tick_begun_at is not None,
            "account_pool_ready": any(account.enabled for account in state.settings.accounts),
        },
        "errors": [alert.message for alert in alerts],
    }


def _statistics(found: SellHealth) -> dict[str, Any]:
    """Return the numbers of the last day."""
    rate = found.sells.success_rate
    return {
        "orders_processed": found.sells.attempted,
        "success_rate": None if rate is None else float(rate),
        "last_activity": found.sells.last_at,
    }


def _number(value: Decimal | None) -> float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)
