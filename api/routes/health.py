"""Health: each part with its state and numbers; names of accounts are not for callers who have not signed in."""

from typing import Any

import sqlalchemy.exc
from fastapi import APIRouter, Response

from api.state import ApiState, State

router = APIRouter(tags=["health"])

_ACCOUNTS = """
SELECT count(*) FILTER (WHERE account_type_source <> 'fallback' AND account_type = 'paper') AS paper,
       count(*) FILTER (WHERE account_type_source <> 'fallback' AND account_type = 'live') AS live,
       count(*) FILTER (WHERE account_type_source = 'fallback') AS fallback,
       count(*) FILTER (WHERE type_read_at IS NULL) AS not_read,
       count(*) FILTER (WHERE entries_blocked IS NOT NULL) AS blocked,
       (SELECT count(*) FROM trading.instruments) AS instruments,
       (SELECT count(*) FROM trading.orders WHERE due_at < clock_timestamp() - interval '10 seconds') AS overdue
  FROM trading.accounts WHERE enabled
"""


@router.get("/health", operation_id="health")
def health(state: State, response: Response) -> dict[str, Any]:
    """Return 200 when orders can be accepted, 503 when not; Redis away is `degraded` (orders wait, none is lost)."""
    started = state.clock.monotonic_ms()
    database = _database(state)
    database["response_ms"] = round(state.clock.monotonic_ms() - started, 1)
    started = state.clock.monotonic_ms()
    redis = {"state": "healthy" if state.hints.ping() else "down"}
    redis_ms = round(state.clock.monotonic_ms() - started, 1)
    up = database["state"] == "healthy"
    if not up:
        response.status_code = 503
    accounts = database.pop("accounts", None) or {}
    waiting = int(accounts.pop("not_read", 0)) if accounts else 0
    overdue = accounts.pop("overdue", 0)
    instruments = accounts.pop("instruments", 0)
    blocked = accounts.pop("blocked", 0)
    good = up and redis["state"] == "healthy" and not waiting and not blocked
    return {
        "status": "healthy" if good else "degraded" if up else "down",
        "parts": {
            "database": database,
            "redis": redis | {"response_ms": redis_ms},
            "accounts": {"not_read": waiting, "entries_blocked": blocked},
            "instruments": {"known": instruments},
            "orders": {"overdue": overdue},
        },
        "account_types": accounts,
        "checked_at": state.clock.now().isoformat(),
    }


def _database(state: ApiState) -> dict[str, Any]:
    try:
        with state.database.statement() as unit:
            row = unit.row(_ACCOUNTS)
    except sqlalchemy.exc.SQLAlchemyError as error:
        return {"state": "down", "error": type(error).__name__}
    return {"state": "healthy", "accounts": {} if row is None else row._asdict()}
