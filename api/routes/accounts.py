"""Accounts as the broker's answers have shown them, with the figures every claim is judged by (ACC-001, ACC-002)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path

from api.auth import CurrentUser
from api.schemas import AccountOut, Name
from api.state import ApiState, State
from domain.account_type import masked
from domain.errors import UnknownAccount
from domain.orders import FieldProblem
from domain.venue import classify_endpoint
from events.breakers import BreakerReading
from models.unit import Row
from services.account_figures import limits_of, read_figures, thresholds_of

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])


@router.get("", operation_id="listAccounts")
def list_accounts(state: State, user: CurrentUser) -> list[AccountOut]:  # noqa: ARG001  signed in is enough to read
    """Return every account with its type, its money and the thresholds in force, by name."""
    with state.database.statement() as unit:
        rows = read_figures(unit)
    breakers = state.breakers.read([row.name for row in rows])
    return [_shown(state, row, breakers) for row in rows]


@router.get("/{name}", operation_id="getAccount")
def get_account(name: Annotated[Name, Path()], state: State, user: CurrentUser) -> AccountOut:  # noqa: ARG001  likewise
    """Return one account."""
    with state.database.statement() as unit:
        rows = read_figures(unit, name)
    if not rows:
        problem = FieldProblem("account", name, "the name of an account; see GET /api/v1/accounts")
        raise UnknownAccount(f"no account {name!r}", [problem])
    return _shown(state, rows[0], state.breakers.read([name]))


def _shown(state: ApiState, row: Row, breakers: Mapping[str, BreakerReading] | None) -> AccountOut:
    settings = state.settings
    figures = {
        "enabled": row.enabled and row.disabled_by is None,
        "account_number": None if row.account_number is None else masked(row.account_number),
        "endpoint": classify_endpoint(row.base_url, settings.exchange_url),
        "breaker": None if breakers is None else breakers[row.name].state,
        "available": None if row.cash is None else row.cash - row.reserved,
    }
    limits = {name: asdict(limit) for name, limit in limits_of(settings.account(row.name), settings.trading).items()}
    return AccountOut.model_validate(row._asdict() | figures | asdict(thresholds_of(row, settings.trading)) | limits)
