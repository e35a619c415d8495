"""The seals of the audit trail, and whether it is what was sealed (R29)."""

import asyncio
import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from api.auth import allowed
from api.state import State
from api.verifying import MOST_ROWS, Verifying
from domain.errors import InvalidRequest
from models.users import Role
from services.sealing import list_seals, sealed_rows
from services.users import UserRef

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

Reader = Annotated[UserRef, Depends(allowed(Role.ADMIN, Role.COMPLIANCE))]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[int | None, Query(ge=1, description="the next_cursor of an earlier page, unchanged")]
FirstDay = Annotated[dt.date, Query(alias="from", description="first day of the seals, UTC")]
LastDay = Annotated[dt.date, Query(alias="to", description="last day of the seals, UTC")]

_verifying = Verifying()


class SealOut(BaseModel):
    """One seal: how many rows of which parts, and the hash that is signed. Hashes and signature in hex."""

    model_config = ConfigDict(from_attributes=True)

    seal_no: int
    sealed_at: dt.datetime
    epoch: int
    from_xid: int
    to_xid: int
    row_count: int
    parts: list[dict[str, Any]]
    root: str
    previous_hash: str
    hash: str
    signature: str
    key_id: str
    host: str


class SealPage(BaseModel):
    """Seals, newest first."""

    seals: list[SealOut]
    next_cursor: int | None


@router.get("/seals", operation_id="listSeals")
def get_seals(state: State, user: Reader, limit: Limit = 50, cursor: Cursor = None) -> SealPage:  # noqa: ARG001  the role is enough
    """Return a page of seals, newest first."""
    with state.database.statement() as unit:
        found = list_seals(unit, before=cursor, limit=limit + 1)
    page = [SealOut.model_validate(row) for row in found[:limit]]
    return SealPage(seals=page, next_cursor=page[-1].seal_no if len(found) > limit else None)


@router.post("/verify", operation_id="verifyAudit")
async def verify(state: State, user: Reader, first: FirstDay, last: LastDay) -> dict[str, Any]:  # noqa: ARG001  likewise
    """Compare the rows that were sealed on these days with their seals, and those with chain, key and checkpoints.

    `holds` says whether everything is what was sealed; `findings` what is not, and what is to be known. It takes some
    15 s for a million rows, which is the most; `opitios audit verify` takes any number.
    """
    if last < first:
        raise InvalidRequest(f"from {first} to {last}: expected the first day to come first")
    rows = await asyncio.to_thread(_rows, state, first, last)
    if rows > MOST_ROWS:
        raise InvalidRequest(f"{rows} rows were sealed on these days, expected at most {MOST_ROWS}: take fewer days")
    return await _verifying.run(first, last)


def _rows(state: State, first: dt.date, last: dt.date) -> int:
    with state.database.statement() as unit:
        return sealed_rows(unit, first, last)
