"""One order's way to the broker: budget, ask, claim, one POST, outcome (DESIGN section 2, R5-R10)."""

import uuid
from decimal import Decimal

from loguru import logger

from brokers.protocol import BrokerUnavailable, EntryLocked
from brokers.rate_budget import Purpose
from brokers.registry import NoSuchBroker
from config import log_context
from config.logging import log_operation
from domain.broker import NotAccepted, Outcome, Rejected, Ticket, Timed, Unknown
from domain.order_state import OrderEvent
from domain.orders import Lane
from domain.timing import OrderLine, ReadLine, Step
from risk.verdict import Decision
from services.due import make_due
from services.operations import Operation, record_operation
from services.order_claim import Brief, Claim, Clocks, brief_of, claim_for_placing, defer, stopped_since
from services.order_outcome import Attempt, backoff_s, record_outcome
from services.order_transition import After, Event
from tasks.context import Context
from tasks.holding import hold_entry
from tasks.reconcile_account import is_to_reconcile, reconcile_account
from tasks.stopwatch import Stopwatch

SEND_WITHIN_MS = 4000
FRESH_MS = 100  # for so long a claim's look at the account is as good as a new one


def place_order(ctx: Context, order_id: uuid.UUID) -> float | None:
    """Place an order that is due; return the seconds after which it is worth another hint, None when done."""
    watch = Stopwatch(ctx.clock)
    with ctx.database.statement() as unit:
        brief = brief_of(unit, order_id)
    if brief is None:
        return None
    log_context.add(account=brief.account, account_type=brief.account_type, trace_id=brief.trace_id)
    if brief.lane is Lane.ENTRY and (gate := ctx.breaker.gate(brief.account)).wait_s:
        return hold_entry(ctx, order_id, brief, gate=gate, watch=watch)
    wait_s = ctx.budget.take(brief.account, purpose=_purpose(brief))
    if wait_s:
        return _put_off(ctx, order_id, wait_s, watch)
    return _claim_and_send(ctx, order_id, brief, watch)


def _claim_and_send(ctx: Context, order_id: uuid.UUID, brief: Brief, watch: Stopwatch) -> float | None:
    if is_to_reconcile(ctx, brief):
        reconcile_account(ctx, brief.account_id)  # the claim below sees whether it finished
    ask = _ask(ctx, brief) if brief.needs_ask else None
    before_claim_ms = ctx.clock.monotonic_ms()
    policy = ctx.policy(brief.account)
    with ctx.database.unit() as unit:
        clocks = Clocks(watch.started_at, watch.now(), watch.elapsed_ms)
        claim = claim_for_placing(unit, order_id, ask=ask, policy=policy, clocks=clocks, origin=ctx.origin)
    if claim is None:
        return None
    if claim.ruling.decision is Decision.WAIT:
        return claim.wait_s
    if claim.ruling.decision is Decision.DENY:
        log_attempt(claim, watch.elapsed_ms, None, claim.ruling.reason_code)
        return None
    for warning in claim.ruling.warnings:
        logger.warning("Order {} allowed with a warning: {} ({})", order_id, warning.reason, claim.account)
    stop = None if claim.is_exit else _stopped(ctx, order_id, before_claim_ms)
    timed = stop or send(ctx, claim.account, claim.ticket, before_claim_ms, identity=policy.identity)
    return finish(ctx, claim, timed, watch, stage="send")


def _stopped(ctx: Context, order_id: uuid.UUID, before_claim_ms: float) -> Timed | None:
    """Return the refusal of an entry whose account stopped after the claim; asked for where time has passed (R9)."""
    if ctx.clock.monotonic_ms() - before_claim_ms <= FRESH_MS:
        return None
    with ctx.database.statement() as unit:
        reason = stopped_since(unit, order_id)
    return None if reason is None else Timed(Rejected("entries_stopped", reason, by="opitios"), None, None)


def send(
    ctx: Context, account: str, ticket: Ticket, before_claim_ms: float, *, identity: tuple[str, str] | None = None
) -> Timed:
    """Send one POST, if less than four seconds have passed since before the claim (R8).

    With `identity` the order leaves as that one (endpoint and key) or not at all: it was judged for no other (R24).
    """
    try:
        section, broker = ctx.brokers.connection(account)
    except NoSuchBroker as error:
        return Timed(Rejected("no_broker", str(error), by="opitios"), None, None)
    except BrokerUnavailable as error:  # the SDK is not the one we know: nothing was sent
        return Timed(NotAccepted(error.reason_code, error.message), None, None)
    if identity not in {None, section.identity}:
        return Timed(NotAccepted("account_changed", "the account's endpoint or key was changed"), None, None)
    if ctx.clock.monotonic_ms() - before_claim_ms > SEND_WITHIN_MS:
        return Timed(NotAccepted("claim_too_slow", "more than 4 s passed between claim and send"), None, None)
    try:
        return broker.place(ticket)
    except EntryLocked as error:
        return Timed(Rejected("live_not_armed", str(error), by="opitios"), None, None)


def finish(ctx: Context, claim: Claim, timed: Timed, watch: Stopwatch, *, stage: str) -> float | None:
    """Record the outcome and its line; return the seconds to the next hint when the broker did not take it."""
    attempt = Attempt(
        order_id=claim.order_id,
        fence=claim.fence,
        attempts=claim.attempts,
        stage=stage,
        started_at=watch.started_at,
        finished_at=watch.now(),
        total_ms=watch.elapsed_ms,
        network_ms=timed.network_ms,
        request_id=timed.request_id,
    )
    with ctx.database.statement() as unit:
        ours = record_outcome(unit, attempt, timed.outcome, ctx.origin)
        if claim.replaces is not None:
            make_due(unit, claim.replaces)
    if not ours:
        logger.warning(
            "Order {}: an answer came after another worker had taken over; kept as late_result", claim.order_id
        )
    log_attempt(claim, attempt.total_ms, timed.network_ms, _error(timed.outcome))
    return backoff_s(claim.attempts) if isinstance(timed.outcome, NotAccepted) else None


def log_attempt(claim: Claim, total_ms: float, network_ms: float | None, error: str | None) -> None:
    """Write the documented line of one attempt (TRD-001)."""
    line = OrderLine(
        step=Step.PLACE if claim.replaces is None else Step.REPLACE,
        side=claim.ticket.terms.side,
        symbol=claim.ticket.terms.symbol,
        size=claim.ticket.terms.size,
        order_id=str(claim.order_id),
        total_ms=total_ms,
        network_ms=network_ms,
        account=claim.account,
        account_type=claim.account_type,
        source=claim.source,
        error=error,
    )
    log_operation(line)


def _error(outcome: Outcome) -> str | None:
    return outcome.reason_code if isinstance(outcome, Rejected | NotAccepted | Unknown) else None


def _purpose(brief: Brief) -> Purpose:
    if brief.lane is Lane.EXIT:
        return Purpose.PROTECT
    return Purpose.MANUAL if brief.source == "api" else Purpose.AUTOMATIC


def _put_off(ctx: Context, order_id: uuid.UUID, wait_s: float, watch: Stopwatch) -> float:
    event = Event(
        OrderEvent.DEFERRED,
        "claim",
        watch.now(),
        success=False,
        reason_code="rate_budget",
        reason="no request left in this minute's budget",
        detail={"retry_in_s": round(wait_s, 3)},
    )
    with ctx.database.statement() as unit:
        defer(unit, order_id, event, wait=After(wait_s), origin=ctx.origin)
    return wait_s


def _ask(ctx: Context, brief: Brief) -> Decimal | None:
    known, ask = ctx.asks.get(brief.symbol)
    if known:
        return ask
    watch = Stopwatch(ctx.clock)
    reason = None
    try:
        broker = ctx.broker(brief.account)
        ask = broker.latest_ask(brief.symbol, brief.asset_class)
        network_ms = broker.wire_time().network_ms
        ctx.asks.put(brief.symbol, ask)
    except (BrokerUnavailable, NoSuchBroker) as error:
        reason, network_ms = str(error), None  # not kept: one account's broken broker is not the market
    read = Operation(
        operation="price_read",
        started_at=watch.started_at,
        occurred_at=watch.now(),
        total_ms=watch.elapsed_ms,
        success=reason is None,
        source="system",
        trace_id=brief.trace_id,
        network_ms=network_ms,
        account_id=brief.account_id,
        account_name=brief.account,
        account_type=brief.account_type,
        account_type_source=brief.account_type_source,
        symbol=brief.symbol,
        reason_code=None if reason is None else "price_unavailable",
        reason=reason,
        detail={"ask": None if ask is None else str(ask)},
    )
    with ctx.database.statement() as unit:
        record_operation(unit, read, ctx.origin, ctx.ids)
    _log_read(brief, read, ask)
    return ask


def _log_read(brief: Brief, read: Operation, ask: Decimal | None) -> None:
    line = ReadLine(
        step=Step.PRICE_READ,
        what=f"{brief.symbol} ask={'-' if ask is None else ask}",
        symbol=brief.symbol,
        account=brief.account,
        account_type=brief.account_type,
        source=read.source,
        total_ms=read.total_ms,
        network_ms=read.network_ms,
        error=read.reason_code,
    )
    log_operation(line)
