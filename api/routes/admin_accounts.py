"""Accounts, for admins: their whole numbers, the word for a new one, the switch of their entries (ACC-001)."""

from typing import Annotated

from fastapi import APIRouter, Path
from loguru import logger

from api.admin_schemas import AdminAccountOut, ConfirmIn, SwitchIn, TypeChangeOut
from api.auth import Admin, FreshAdmin
from api.schemas import Name
from api.state import ApiState, State
from domain.account_type import masked
from services.account_types import NUMBER_CHANGED, confirm_number, read_history, switch_account
from services.accounts import all_accounts

router = APIRouter(prefix="/api/v1/admin/accounts", tags=["admin"])

Named = Annotated[Name, Path(description="the account's name")]


@router.get("", operation_id="listAccountsForAdmins")
def get_accounts(state: State, user: Admin) -> list[AdminAccountOut]:  # noqa: ARG001  an admin may read
    """Return every account with its number, by name."""
    return _all(state)


@router.get("/{name}/history", operation_id="getAccountHistory")
def get_history(name: Named, state: State, user: Admin) -> list[TypeChangeOut]:  # noqa: ARG001  likewise
    """Return every change of the account's kind and number, newest first."""
    with state.database.statement() as unit:
        return [TypeChangeOut.model_validate(row._asdict()) for row in read_history(unit, name)]


@router.post("/{name}/confirm", operation_id="confirmAccountNumber")
def post_confirm(name: Named, body: ConfirmIn, state: State, user: FreshAdmin) -> AdminAccountOut:
    """Take the number read last for the account's own, so that entries go on. 409 when it is another one by now."""
    with state.database.unit() as unit:
        confirm_number(unit, name, body.account_number, stamp=state.stamp(user.username))
    shown = masked(body.account_number)
    logger.info("Alert {} resolved: {}, number {} confirmed by {}", NUMBER_CHANGED, name, shown, user.username)
    return _shown(state, name)


@router.patch("/{name}", operation_id="switchAccount")
def patch_account(name: Named, body: SwitchIn, state: State, user: FreshAdmin) -> AdminAccountOut:
    """Switch the account's entries off, or on again; exits and cancels always go on."""
    with state.database.unit() as unit:
        changed = switch_account(unit, name, enabled=body.enabled, stamp=state.stamp(user.username))
    if changed:
        logger.info("Account {}: switched {} by {}", name, "on" if body.enabled else "off", user.username)
    return _shown(state, name)


def _all(state: ApiState) -> list[AdminAccountOut]:
    with state.database.statement() as unit:
        return [AdminAccountOut.model_validate(row._asdict()) for row in all_accounts(unit, enabled_only=False)]


def _shown(state: ApiState, name: str) -> AdminAccountOut:
    return next(shown for shown in _all(state) if shown.name == name)
