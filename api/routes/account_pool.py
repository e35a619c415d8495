"""The account pool's figures, with the predecessor's fields and each account's type (MON-001, ACC-001)."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from api.auth import Admin
from api.state import State
from domain.account_type import AccountType, AccountTypeSource, masked
from models.unit import Row
from services.account_pool import read_pool

router = APIRouter(prefix="/api/v1/admin/account-pool", tags=["admin"])


class ClientOut(BaseModel):
    """A process's client of an account: calls since it was made, and their mean time on the wire in seconds.

    `in_use`: a call of it ended within the last minute.
    """

    created_at: dt.datetime
    last_used: dt.datetime | None
    usage_count: int
    error_count: int
    avg_response_time: float | None
    is_healthy: bool
    in_use: bool


class PooledAccountOut(BaseModel):
    """An account: its type and how that is known, whether it takes entries, its clients by `host/process:pid`.

    `tier` is the predecessor's; there are none here.
    """

    account_id: uuid.UUID
    account_name: str
    account_number: str
    account_type: AccountType
    account_type_source: AccountTypeSource
    type_read_at: dt.datetime | None
    tier: None = None
    paper_trading: bool
    is_available: bool
    connection_count: int
    connection_details: dict[str, ClientOut]


class AccountTypesOut(BaseModel):
    """How many active accounts are of each type; a fallback is nobody's proven paper account, and counts apart."""

    paper: int
    live: int
    fallback: int


class AccountPoolOut(BaseModel):
    """All accounts, those in use (`active`: not switched off), and the clients that stand."""

    total_accounts: int
    active_accounts: int
    total_connections: int
    account_types: AccountTypesOut
    account_stats: dict[str, PooledAccountOut]


@router.get("/stats", operation_id="getAccountPoolStats")
def get_stats(state: State, user: Admin) -> AccountPoolOut:  # noqa: ARG001  an admin may read
    """Return every account by name with its type and its clients in all processes, as told within half a minute."""
    with state.database.statement() as unit:
        pool = read_pool(unit)
    now = state.clock.now()
    stats = {row.name: _account(row, pool.clients.get(row.name, {}), now) for row in pool.accounts}
    active = [row for row in pool.accounts if _is_active(row)]
    kinds = Counter("fallback" if row.account_type_source == "fallback" else row.account_type for row in active)
    return AccountPoolOut(
        total_accounts=len(stats),
        active_accounts=len(active),
        total_connections=sum(account.connection_count for account in stats.values()),
        account_types=AccountTypesOut(paper=kinds["paper"], live=kinds["live"], fallback=kinds["fallback"]),
        account_stats=stats,
    )


def _is_active(row: Row) -> bool:
    return bool(row.enabled) and row.disabled_by is None


def _account(row: Row, clients: Mapping[str, Mapping[str, Any]], now: dt.datetime) -> PooledAccountOut:
    return PooledAccountOut(
        account_id=row.account_id,
        account_name=row.name,
        account_number=masked(row.account_number),
        account_type=row.account_type,
        account_type_source=row.account_type_source,
        type_read_at=row.type_read_at,
        paper_trading=row.account_type == AccountType.PAPER,
        is_available=_is_active(row) and row.entries_blocked is None and row.type_read_at is not None,
        connection_count=len(clients),
        connection_details={process: _client(client, now) for process, client in clients.items()},
    )


def _client(client: Mapping[str, Any], now: dt.datetime) -> ClientOut:
    used, mean_ms = client["last_used"], client["avg_response_ms"]
    return ClientOut(
        created_at=client["created_at"],
        last_used=used,
        usage_count=client["usage_count"],
        error_count=client["error_count"],
        avg_response_time=None if mean_ms is None else mean_ms / 1000,
        is_healthy=client["is_healthy"],
        in_use=used is not None and now - dt.datetime.fromisoformat(used) < dt.timedelta(minutes=1),
    )
