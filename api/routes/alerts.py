"""Alerts by name, for whoever has signed in; health counts them for everybody (MON-001, US-SYSTEM-012)."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.auth import CurrentUser
from api.cursors import read_cursor, write_cursor
from api.schemas import AlertOut, AlertPage
from api.state import State
from models.unit import Row
from services.alerts import AlertPosition, list_alerts

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


class Which(StrEnum):
    """Which alerts: those whose cause is not gone, or every one there was."""

    OPEN = "open"
    ALL = "all"


@router.get("", operation_id="listAlerts")
def get_alerts(  # noqa: PLR0917  FastAPI passes by name
    state: State,
    user: CurrentUser,  # noqa: ARG001  signed in is enough to read
    which: Annotated[Which, Query(alias="state", description="open ones alone, or all")] = Which.OPEN,
    cursor: Annotated[str | None, Query(max_length=200, description="next_cursor of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="alerts at most")] = 50,
) -> AlertPage:
    """Return a page of alerts, newest first."""
    after = None if cursor is None else AlertPosition(*read_cursor(cursor))
    with state.database.statement() as unit:
        found = list_alerts(unit, open_only=which is Which.OPEN, after=after, limit=limit + 1)
    page = found[:limit]
    more = len(found) > len(page)
    return AlertPage(
        alerts=[AlertOut.model_validate(_fields(row)) for row in page],
        next_cursor=write_cursor(page[-1].occurred_at, page[-1].notification_id) if more else None,
    )


def _fields(row: Row) -> dict[str, Any]:
    return row._asdict() | {"alert_id": row.notification_id}  # type: ignore[no-any-return]
