"""Health: each part with its state and numbers; names of accounts are not for callers who have not signed in."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response

from api.auth import signed_in
from api.deadline import in_time
from api.state import ApiState, State
from config.settings import AccountSettings
from domain.alerts import Severity
from domain.breaker import BreakerState
from domain.errors import StoreUnavailable
from models.unit import StoreError
from services.accounts import all_accounts
from services.clock_checks import KINDS
from services.gauges import Gauges
from services.health import Standing
from services.sealing import Patience

router = APIRouter(tags=["health"])

PATIENCE_S = 2
_NAMED = ("name", "account_type", "account_type_source", "type_read_at", "entries_blocked")


@router.get("/health", operation_id="health")
async def health(request: Request, state: State, response: Response) -> dict[str, Any]:
    """Return 200 when orders can be accepted, 503 when not; Redis away is `degraded` (orders wait, none is lost).

    `configuration` is degraded while any process could not take the file over: it says which and why.

    `brokers` counts accounts by their circuit breaker; names are at /api/v1/accounts for who has signed in.

    A part that hangs is `down` after two seconds. `processes` shows the database connections of every process as it
    told them within the last half minute: limit, active, idle, waiting, borrowed, waited_ms, errors, replaced.
    `streams` is degraded while one is not connected for a quarter of a minute: orders are polled meanwhile.
    `sealing` is degraded while the audit trail is sealed late: `lag_ms` is the age of the last seal.
    `clock` is a `warning`, and nothing more, where no time service keeps a host's clock or it is not the database's;
    `unknown` where nobody can say.
    `alerts` counts the open ones by kind; their names are at /api/v1/alerts for who has signed in.
    `account_types` counts the accounts; for who has signed in `accounts` tells each one's type by name (MON-001).
    """
    (database, standing), redis, brokers = await asyncio.gather(_database(state), _redis(state), _brokers(state))
    if standing is None:
        response.status_code = 503
    configuration = _configuration(state, [] if standing is None else standing.processes)
    parts = {"database": database, "redis": redis, "configuration": configuration, "brokers": brokers}
    healthy = redis["state"] == configuration["state"] == brokers["state"] == "healthy"
    sealing = {} if standing is None else _sealing(state, standing)
    healthy = healthy and sealing.get("state") != "degraded"
    named = None if standing is None else await _accounts(request, state)
    good = standing is not None and healthy and not _troubled(standing, state.settings.accounts)
    return {
        "status": "healthy" if good else "down" if standing is None else "degraded",
        "parts": parts | _counts(standing) | ({} if standing is None else {"sealing": sealing}),
        "account_types": {} if standing is None else _types(standing),
        "alerts": [] if standing is None else [asdict(count) for count in standing.alerts],
        "processes": [] if standing is None else [asdict(gauges) for gauges in standing.processes],
        "checked_at": state.clock.now().isoformat(),
    } | ({} if named is None else {"accounts": named})


async def _accounts(request: Request, state: ApiState) -> list[dict[str, Any]] | None:
    """Return each account's type for who has signed in; None for anybody else, and while nobody can be asked."""
    if await signed_in(request, state) is None:
        return None

    def read() -> list[dict[str, Any]]:
        with state.database.statement() as unit:
            return [{name: getattr(row, name) for name in _NAMED} for row in all_accounts(unit)]

    try:
        return await in_time(read, request, state, writes=False)
    except (StoreUnavailable, StoreError):
        return None


async def _database(state: ApiState) -> tuple[dict[str, Any], Standing | None]:
    started = state.clock.monotonic_ms()
    standing, error = None, "no answer"
    try:
        standing = await state.database_probe.answer(PATIENCE_S)
    except StoreError as failure:
        error = type(failure).__name__
    said = {"state": "down", "error": error} if standing is None else {"state": "healthy"}
    took = {"response_ms": round(state.clock.monotonic_ms() - started, 1)}
    return said | took | {"pool": asdict(state.database.stats())}, standing


async def _redis(state: ApiState) -> dict[str, Any]:
    started = state.clock.monotonic_ms()
    up = await state.redis_probe.answer(PATIENCE_S)
    return {"state": "healthy" if up else "down", "response_ms": round(state.clock.monotonic_ms() - started, 1)}


async def _brokers(state: ApiState) -> dict[str, Any]:
    """Count the enabled accounts by their circuit breaker: open and half-open ones hold entries (R26)."""
    names = [account.name for account in state.settings.accounts if account.enabled]
    found = await asyncio.to_thread(state.breakers.read, names)
    if found is None:
        return {"state": "unknown"}
    counts = {kind.value: sum(reading.state is kind for reading in found.values()) for kind in BreakerState}
    return {"state": "healthy" if counts[BreakerState.CLOSED] == len(names) else "degraded"} | counts


def _configuration(state: ApiState, processes: Sequence[Gauges]) -> dict[str, Any]:
    """Return whether every process works with what the file says; with an error the values before it are in force."""
    told = {gauges.process: gauges.configuration for gauges in processes if gauges.configuration is not None}
    told[state.origin("system:api").process] = asdict(state.live.standing)
    refusing = {process: said for process, said in told.items() if said["error"] is not None}
    first = min(refusing.values(), key=lambda said: str(said["since"]), default=asdict(state.live.standing))
    return {
        "state": "degraded" if refusing else "healthy",
        "since": first["since"],
        "error": first["error"],
        "processes": sorted(refusing),
        "needs_restart": sorted({name for said in told.values() for name in said["needs_restart"]}),
    }


def _troubled(standing: Standing, configured: Sequence[AccountSettings]) -> bool:
    """Return whether anything keeps orders waiting, an account among them that nobody has read since it was named."""
    critical = any(count.severity == Severity.CRITICAL for count in standing.alerts)
    accounts = standing.paper + standing.live + standing.fallback
    unread = not standing.instruments if accounts else any(account.enabled for account in configured)
    return bool(standing.not_read or standing.blocked or standing.streams.down or critical or unread)


def _counts(standing: Standing | None) -> dict[str, dict[str, Any]]:
    if standing is None:
        return {}
    return {
        "accounts": {
            "not_read": standing.not_read,
            "entries_blocked": standing.blocked,
            "mismatch": standing.mismatch,
            "number_changed": standing.number_changed,
            "disabled": standing.disabled,
        },
        "instruments": {"known": standing.instruments},
        "orders": {"overdue": standing.overdue, "quarantined": standing.quarantined},
        "streams": {"state": "degraded" if standing.streams.down else "healthy"} | asdict(standing.streams),
        "clock": _clock(standing),
    }


def _sealing(state: ApiState, standing: Standing) -> dict[str, Any]:
    audit, sealing = state.settings.audit, standing.sealing
    return {
        "state": sealing.state(Patience(audit.heartbeat, audit.lag_alarm)),
        "last_seal_no": sealing.last_seal_no,
        "sealed_at": sealing.sealed_at,
        "lag_ms": sealing.lag_ms,
    }


def _clock(standing: Standing) -> dict[str, Any]:
    """Return how the hosts' clocks stand; a warning is no trouble of ours unless `clock.required` makes it critical."""
    clock = standing.clock
    warned = any(count.kind in KINDS for count in standing.alerts)
    known = clock.hosts > 0 and clock.synchronized == clock.hosts
    return {"state": "warning" if warned else "healthy" if known else "unknown"} | asdict(clock)


def _types(standing: Standing) -> dict[str, int]:
    return {"paper": standing.paper, "live": standing.live, "fallback": standing.fallback}
