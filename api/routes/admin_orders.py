"""Orders that wait for a person: what an operator decides of a quarantined one (R11, US-SYSTEM-016)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Request
from loguru import logger
from pydantic import BaseModel, ConfigDict, StringConstraints

from api.auth import FreshOperator
from api.state import State
from domain.order_state import OrderStatus
from services.quarantine import Decision, Resolution, resolve

router = APIRouter(prefix="/api/v1/admin/orders", tags=["admin"])

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ResolveIn(BaseModel):
    """A decision and why.

    `look_again`: the broker is asked once more, at once. `adopt`: whatever it has under our id is ours, with its terms.
    `not_ours`, `ended`: our order ends, and its money is free once two balance reads agree.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"decision": "adopt", "note": "changed on Alpaca's page"}]}
    )
    decision: Decision
    note: Note


class Resolved(BaseModel):
    """Where the order stands now; an order that is looked up is `unknown` until the broker has answered."""

    order_id: uuid.UUID
    decision: Decision
    status: OrderStatus
    href: str


@router.post("/{order_id}/resolve", operation_id="resolveOrder")
def post_resolve(  # noqa: PLR0917  FastAPI passes by name
    order_id: uuid.UUID, body: ResolveIn, request: Request, state: State, user: FreshOperator
) -> Resolved:
    """Decide what becomes of a quarantined order; 409 for any other. The decision is an event of the order."""
    stamp = state.stamp(user.username)
    spent_ms = state.clock.monotonic_ms() - request.scope["opitios.started_ms"]
    resolution = Resolution(body.decision, body.note, stamp.now, spent_ms)
    with state.database.unit() as unit:
        status = resolve(unit, order_id, resolution, stamp=stamp)
    logger.info("Order {}: {} by {}, now {}", order_id, body.decision, user.username, status)
    return Resolved(order_id=order_id, decision=body.decision, status=status, href=f"/api/v1/orders/{order_id}")
