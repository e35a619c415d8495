"""What was changed in settings, accounts and users: when, by whom, old and new (CFG-001)."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api.auth import allowed
from api.schemas import ConfigChangeOut, ConfigChangePage
from api.state import State
from models.users import Role
from services.config_changes import list_changes
from services.users import UserRef

router = APIRouter(prefix="/api/v1/admin/config", tags=["admin"])

Reader = Annotated[UserRef, Depends(allowed(Role.ADMIN, Role.COMPLIANCE))]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[uuid.UUID | None, Query(description="the next_cursor of an earlier page, unchanged")]


@router.get("/changes", operation_id="listConfigChanges")
def get_changes(state: State, user: Reader, limit: Limit = 50, cursor: Cursor = None) -> ConfigChangePage:  # noqa: ARG001  the role is enough
    """Return a page of changes, newest first; of a secret only that it changed."""
    with state.database.statement() as unit:
        found = list_changes(unit, after=cursor, limit=limit + 1)
    page = [ConfigChangeOut.model_validate(row._asdict() | _values(row)) for row in found[:limit]]
    return ConfigChangePage(changes=page, next_cursor=page[-1].change_id if len(found) > limit else None)


def _values(row: Any) -> dict[str, Any]:
    """Return old and new without the mapping that a single value stands in."""
    return {name: _single(getattr(row, name)) for name in ("old", "new")}


def _single(value: dict[str, Any] | None) -> Any:
    return value["value"] if value is not None and value.keys() == {"value"} else value
