"""The seller: its switch, its health, and the positions it may sell (MON-002, FR-006, US-SYSTEM-003).

The paths of the predecessor answer with its fields; those it had removed are aliases of their own part.
"""

from typing import Annotated

from fastapi import APIRouter, Path
from loguru import logger

from api.auth import CurrentUser, Operator, Trader
from api.schemas import Name, Symbol
from api.sell_schemas import (
    AutoSellIn,
    ControlIn,
    ControlOut,
    LegacyOut,
    SellHealthOut,
    SellPositionOut,
    SellStatusOut,
)
from api.selling import act, envelope, health_out, status_out
from api.state import ApiState, State
from models.unit import Row
from services.sell_module import SellAction
from services.sell_positions import sell_positions, set_auto_sell
from services.users import UserRef

router = APIRouter(prefix="/api/v1/sell", tags=["sell"])


@router.get("", operation_id="getSellModule")
def get_status(state: State, user: CurrentUser) -> SellStatusOut:  # noqa: ARG001  signed in is enough to read
    """Return the seller's state, settings and numbers of the last day by the predecessor's names."""
    return status_out(state)


@router.get("/health", operation_id="getSellHealth")
def get_health(state: State, user: CurrentUser) -> SellHealthOut:  # noqa: ARG001  likewise
    """Return how the seller is: ticks, sells, failures by type, stale positions, due cancels, restarts."""
    return health_out(state)


@router.post("/control", operation_id="controlSellModule")
def post_control(body: ControlIn, state: State, user: Operator) -> ControlOut:
    """Start, stop or restart the seller; the word holds over restarts of everything, and is audited."""
    return _done(state, body.action, user)


@router.get("/positions", operation_id="listSellPositions")
def get_positions(state: State, user: CurrentUser) -> list[SellPositionOut]:  # noqa: ARG001  signed in is enough
    """Return every open position with what it could be closed at, and whether the seller may sell it."""
    with state.database.statement() as unit:
        return [_position(row) for row in sell_positions(unit)]


@router.put("/positions/{account}/{symbol}", operation_id="setAutoSell")
def put_position(  # noqa: PLR0917  FastAPI passes by name
    account: Annotated[Name, Path(description="the account's name")],
    symbol: Annotated[Symbol, Path(description="the position's symbol")],
    body: AutoSellIn,
    state: State,
    user: Trader,
) -> SellPositionOut:
    """Let the seller sell an open position, or forbid it; 404 without one. The word binds every exit."""
    with state.database.unit() as unit:
        enabled = body.auto_sell_enabled
        row = set_auto_sell(unit, account, symbol, enabled=enabled, stamp=state.stamp(user.username))
    logger.info("Position {} of {}: auto-sell {} by {}", symbol, account, "on" if enabled else "off", user.username)
    return _position(row)


@router.get("/status", operation_id="getSellStatus", deprecated=True)
def get_status_part(state: State, user: CurrentUser) -> LegacyOut:  # noqa: ARG001  signed in is enough to read
    """Return service, health and statistics in the predecessor's envelope."""
    return envelope(state, "status")


@router.get("/config", operation_id="getSellConfig", deprecated=True)
def get_config_part(state: State, user: CurrentUser) -> LegacyOut:  # noqa: ARG001  likewise
    """Return the settings in force in the predecessor's envelope."""
    return envelope(state, "config")


@router.get("/service-info", operation_id="getSellServiceInfo", deprecated=True)
def get_service_part(state: State, user: CurrentUser) -> LegacyOut:  # noqa: ARG001  likewise
    """Return the service's part in the predecessor's envelope."""
    return envelope(state, "service")


@router.post("/start", operation_id="startSellModule", deprecated=True)
def post_start(state: State, user: Operator) -> LegacyOut:
    """Start the seller; `warning` when it runs already."""
    return _enveloped(state, SellAction.START, user)


@router.post("/stop", operation_id="stopSellModule", deprecated=True)
def post_stop(state: State, user: Operator) -> LegacyOut:
    """Stop the seller; `warning` when it is stopped already."""
    return _enveloped(state, SellAction.STOP, user)


@router.post("/restart", operation_id="restartSellModule", deprecated=True)
def post_restart(state: State, user: Operator) -> LegacyOut:
    """Restart the seller."""
    return _enveloped(state, SellAction.RESTART, user)


def _done(state: ApiState, word: str, user: UserRef) -> ControlOut:
    done = act(state, word, user)
    logger.info("Sell module: {} by {}, {}", done.action, user.username, done.new_status)
    return done


def _enveloped(state: ApiState, action: SellAction, user: UserRef) -> LegacyOut:
    done = _done(state, action, user)
    data = done.model_dump(mode="json", exclude={"timestamp"})
    unchanged = done.new_status == "unchanged"
    return LegacyOut(status="warning" if unchanged else "success", data=data, timestamp=done.timestamp)


def _position(row: Row) -> SellPositionOut:
    return SellPositionOut.model_validate(row._asdict() | {"side": "short" if row.qty < 0 else "long"})
