"""Accounts as the broker's answers have shown them (ACC-001)."""

from fastapi import APIRouter

from api.auth import CurrentUser
from api.schemas import AccountOut
from api.state import State
from services.accounts import all_accounts

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])


@router.get("", operation_id="listAccounts")
def list_accounts(state: State, user: CurrentUser) -> list[AccountOut]:  # noqa: ARG001  signed in is enough to read
    """Return every account with its type, the source of the type, and its last balance."""
    with state.database.statement() as unit:
        rows = all_accounts(unit, enabled_only=False)
    return [AccountOut.model_validate(row._asdict()) for row in rows]
