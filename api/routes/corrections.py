"""Corrections of the audit trail, by officers: new rows that name the old ones, which stay as they are (MON-001)."""

import json
import uuid
from typing import Annotated, Any, NoReturn

from fastapi import APIRouter, Request
from loguru import logger
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from api.auth import FreshOfficer
from api.exact_json import ExactRoute
from api.state import State
from api.tracing import trace_of
from domain.errors import InvalidRequest
from domain.orders import FieldProblem
from services.corrections import Correction, correct_change, correct_event, correct_operation

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], route_class=ExactRoute)

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
_LONGEST = 8000  # characters of JSON


class CorrectionIn(BaseModel):
    """Which row is wrong, why, and what it should have said.

    The row is `order_id` with `seq` (an event of an order), `operation_id`, or `change_id` (of the configuration).
    `values` is any JSON object: the fields by their names and what they should have been.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "order_id": "019a7c1e-9f00-7000-8000-000000000000",
                    "seq": 4,
                    "reason": "the broker has restated the fill: trade bust 4711",
                    "values": {"price": "189.90"},
                }
            ]
        },
    )
    order_id: uuid.UUID | None = None
    seq: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None
    operation_id: uuid.UUID | None = None
    change_id: uuid.UUID | None = None
    reason: Reason
    values: dict[str, Any] = {}

    @field_validator("values")
    @classmethod
    def _storable(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values as they will be stored: decimals as text; no sign that no JSON column takes."""
        try:
            text = json.dumps(values, default=str, ensure_ascii=False)
            text.encode()
        except (RecursionError, UnicodeEncodeError):
            raise ValueError("an object that can be stored as JSON in UTF-8") from None
        if len(text) > _LONGEST or "\\u0000" in text:
            raise ValueError(f"an object of at most {_LONGEST} characters as JSON, without NUL")
        plain: dict[str, Any] = json.loads(text)
        return plain

    def require_one_row(self) -> None:
        """Refuse what names no row, or more than one. Raises InvalidRequest."""
        given = [name for name in ("order_id", "operation_id", "change_id") if getattr(self, name) is not None]
        if len(given) != 1:
            _refuse("order_id", " and ".join(given) or "missing", "one of order_id, operation_id and change_id")
        if (self.order_id is None) != (self.seq is None):
            _refuse("seq", "missing" if self.seq is None else str(self.seq), "the number of an event, with order_id")


def _refuse(field: str, value: str, expected: str) -> NoReturn:
    raise InvalidRequest(f"not as expected: {field}", [FieldProblem(field, value, expected)])


class CorrectionOut(BaseModel):
    """The new row: `seq` of the same order, or the id of the new operation or change."""

    order_id: uuid.UUID | None = None
    seq: int | None = None
    operation_id: uuid.UUID | None = None
    change_id: uuid.UUID | None = None


@router.post("/corrections", operation_id="correctAuditRow", status_code=201)
def post_correction(body: CorrectionIn, request: Request, state: State, user: FreshOfficer) -> CorrectionOut:
    """Correct a row of the audit trail by a new one; nothing is changed in place. 404 names what does not exist."""
    body.require_one_row()
    stamp = state.stamp(user.username)
    spent_ms = state.clock.monotonic_ms() - request.scope["opitios.started_ms"]
    started_at = request.scope["opitios.started_at"]
    correction = Correction(body.reason, body.values, started_at, spent_ms, trace_of(request))
    with state.database.unit() as unit:
        if body.order_id is not None and body.seq is not None:
            seq = correct_event(unit, body.order_id, body.seq, correction, stamp=stamp)
            made = CorrectionOut(order_id=body.order_id, seq=seq)
        elif body.operation_id is not None:
            made = CorrectionOut(operation_id=correct_operation(unit, body.operation_id, correction, stamp=stamp))
        elif body.change_id is not None:
            made = CorrectionOut(change_id=correct_change(unit, body.change_id, correction, stamp=stamp))
        else:  # pragma: no cover  the model has refused it
            raise AssertionError(body)
    logger.info("Audit trail corrected by {}: {}", user.username, made.model_dump(exclude_none=True, mode="json"))
    return made
