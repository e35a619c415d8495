"""From a request to a stored order: checked, written once, hinted; a refusal is audited with its timing (TRD-001)."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import Request
from loguru import logger
from pydantic import BaseModel

from api.schemas import OrderIn
from api.state import ApiState
from api.tracing import trace_of
from config import log_context
from config.celery import placing_task
from domain.errors import InvalidOrder, KeyMissing, OutcomeUnknown, UnknownAccount
from domain.occ import parse_occ
from domain.order_checks import problems, problems_with
from domain.orders import FieldProblem, Instrument, Lane, OrderTerms, OrderType, fingerprint
from models.unit import NotConnected, StoreAway, StoreError
from services.accounts import AccountRef
from services.instruments import find_instrument
from services.orders import OrderRequest, Requested, request_order
from services.origin import Origin
from services.users import UserRef

BodyT = TypeVar("BodyT", bound=BaseModel)
_REFUSED_WHOLE = {"57014", "55P03"}  # statement_timeout, lock_timeout


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """What the answer says."""

    order_id: uuid.UUID
    client_order_id: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class Incoming(Generic[BodyT]):
    """One request to place or replace an order, with when it was received (ms of the monotonic clock for durations)."""

    body: BodyT
    key_header: str | None
    user: UserRef
    trace_id: str
    received_at: dt.datetime
    received_ms: float


def incoming(request: Request, body: BodyT, user: UserRef, key_header: str | None) -> Incoming[BodyT]:
    """Return the request with the stamps its middleware took."""
    scope = request.scope
    scope["opitios.body"] = body.model_dump()  # what a refusal is recorded with
    return Incoming(body, key_header, user, trace_of(request), scope["opitios.started_at"], scope["opitios.started_ms"])


def accept_order(state: ApiState, given: Incoming[OrderIn]) -> AcceptedOrder:
    """Store the order under its key and hint the workers. Raises DomainError; nothing is half-written.

    The same key again finds the stored order; while the first request is still at work it raises KeyInFlight.
    """
    order = _checked(state, given)
    requested = store(state, given.user, order)
    if not requested.replayed:
        state.hints.hint(placing_task(order.terms.lane), str(requested.order_id))
    return AcceptedOrder(requested.order_id, order.client_order_id, requested.replayed)


def key_of(client_order_id: str | None, header: str | None) -> str:
    """Return the caller's key, of the header or the body. Raises KeyMissing, InvalidOrder when the two differ."""
    given = header.strip().strip('"') if header else None
    if given and client_order_id and given != client_order_id:
        problems = [FieldProblem("client_order_id", client_order_id, f"the Idempotency-Key ({given}) or none")]
        raise InvalidOrder("two different keys", problems)
    key = given or client_order_id
    if not key:
        expected = "a key of your own in the header Idempotency-Key or the field client_order_id"
        raise KeyMissing(expected, [FieldProblem("client_order_id", "missing", expected)])
    return key


def _checked(state: ApiState, given: Incoming[OrderIn]) -> OrderRequest:
    body = given.body
    key = key_of(body.client_order_id, given.key_header)
    terms = terms_in(body)
    said = _auto_sell_problems(body.auto_sell_enabled, terms)
    refuse([*problems(terms), *_expiry_problems(terms, given.received_at.date()), *said])
    account = _account(state, body.account)
    instrument = instrument_of(state, account.broker, terms.symbol)
    refuse(problems_with(terms, instrument))
    return OrderRequest(
        order_id=state.ids.new(),
        account_id=account.account_id,
        account_name=account.name,
        account_type=account.account_type.value,
        account_type_source=account.account_type_source.value,
        client_order_id=key,
        terms=terms,
        multiplier=int(instrument.multiplier) if instrument is not None else 1,
        place_before=given.received_at + patience(state, account.name, terms),
        source="api",
        trace_id=given.trace_id,
        requested_at=given.received_at,
        total_ms=state.clock.monotonic_ms() - given.received_ms,
        asked_for=_asked_for(body, terms),
        cancel_after=cancel_after(state, terms),
        auto_sell_enabled=body.auto_sell_enabled,
    )


def cancel_after(state: ApiState, terms: OrderTerms) -> dt.timedelta | None:
    """Return how long such an order may work at the broker before its end is asked for, None for as long as it can."""
    return state.settings.sell_module.cancel_after("api", terms.asset_class, terms.order_type)


def patience(state: ApiState, account: str, terms: OrderTerms) -> dt.timedelta:
    """Return how long such an order of the account may wait to be placed (R2)."""
    trading = state.settings.trading_of(account)
    return trading.market_place_before if terms.order_type is OrderType.MARKET else trading.limit_place_before


def terms_in(body: OrderIn) -> OrderTerms:
    """Return the terms a body asks for."""
    return OrderTerms(
        symbol=body.symbol,
        side=body.side,
        order_type=body.type,
        time_in_force=body.time_in_force,
        qty=body.qty,
        limit_price=body.limit_price,
        notional=body.notional,
        stop_price=body.stop_price,
        trail_price=body.trail_price,
        trail_percent=body.trail_percent,
        extended_hours=body.extended_hours,
        position_intent=body.position_intent,
    )


def refuse(found: list[FieldProblem]) -> None:
    """Raise InvalidOrder when anything was found."""
    if found:
        raise InvalidOrder("; ".join(f"{item.field} {item.value}: expected {item.expected}" for item in found), found)


def _asked_for(body: OrderIn, terms: OrderTerms) -> bytes | None:
    """Return the hash of a request that says more than its terms; None leaves it to them, as it always was."""
    if body.auto_sell_enabled is None:
        return None
    said = {"account": body.account, "auto_sell_enabled": str(body.auto_sell_enabled)}
    return fingerprint(terms.values() | said)


def _auto_sell_problems(said: bool | None, terms: OrderTerms) -> list[FieldProblem]:  # noqa: FBT001  a field's value
    if said is None or terms.lane is Lane.ENTRY:
        return []
    expected = "none: the order closes a position, which has its owner's word already"
    return [FieldProblem("auto_sell_enabled", str(said).lower(), expected)]


def _expiry_problems(terms: OrderTerms, today: dt.date) -> list[FieldProblem]:
    contract = parse_occ(terms.symbol)
    if contract is None or contract.expiration >= today:
        return []
    return [
        FieldProblem("symbol", terms.symbol, f"a contract that has not expired (this one did on {contract.expiration})")
    ]


def _account(state: ApiState, name: str) -> AccountRef:
    account = state.account(name)
    if account is None:
        problems = [FieldProblem("account", name, "the name of an account; see GET /api/v1/accounts")]
        raise UnknownAccount(f"no account {name!r}", problems)
    return account


def instrument_of(state: ApiState, broker: str, symbol: str) -> Instrument | None:
    """Return what may be traded under a symbol at a broker."""

    def load() -> Instrument | None:
        with state.database.statement() as unit:
            return find_instrument(unit, broker, symbol)

    return state.instruments.get((broker, symbol), load)


def store(state: ApiState, user: UserRef, order: OrderRequest) -> Requested:
    """Write the order once, whatever becomes of the connection. Raises OutcomeUnknown (R22)."""
    origin = state.origin(user.username)
    log_context.add(order_id=str(order.order_id), account=order.account_name, account_type=order.account_type)
    try:
        with state.keys.hold(order.account_name, order.client_order_id), state.database.statement() as unit:
            return request_order(unit, order, origin)
    except StoreAway as error:
        if isinstance(error, NotConnected) or error.sqlstate in _REFUSED_WHOLE:
            raise  # nothing was sent, or the server took it back whole
        logger.warning("Order {}: the connection broke while it was stored ({})", order.order_id, type(error).__name__)
        return _store_again(state, order, origin)


def _store_again(state: ApiState, order: OrderRequest, origin: Origin) -> Requested:
    """Store the same order under the same key on a new connection (R22). Raises OutcomeUnknown.

    The first statement may still be at work in the database. A look for its row could come too early and call the
    order lost; an insert of the same key waits for it and then returns what it wrote.
    """
    try:
        with state.database.statement() as unit:
            return request_order(unit, order, origin)
    except StoreError:
        detail = f"order {order.order_id}: send it again with the same key, or ask for it"
        raise OutcomeUnknown(detail, f"/api/v1/orders/{order.order_id}") from None
