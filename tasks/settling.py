"""Finding out what became of an order nobody knows: ask for our id, adopt it, or send the same id again (R11)."""

import uuid
from dataclasses import replace

from brokers.protocol import BrokerUnavailable
from brokers.rate_budget import Purpose
from brokers.registry import NoSuchBroker
from config import log_context
from config.logging import log_operation
from domain.broker import BrokerOrder, NotAccepted, Outcome, Rejected, Unknown
from domain.timing import OrderLine, Step
from risk.pipeline import Ruling
from risk.verdict import Decision
from services.order_claim import Claim, stopped_since
from services.order_outcome import Attempt
from services.order_settlement import (
    Age,
    Settlement,
    account_to_ask,
    claim_for_resend,
    claim_for_settling,
    difference,
    record_found,
    record_missing,
    record_no_answer,
)
from tasks.context import Context
from tasks.placing import finish, send
from tasks.quarantine_alerts import tell_quarantined
from tasks.stopwatch import Stopwatch


def settle_order(ctx: Context, order_id: uuid.UUID) -> None:
    """Settle an order that is due for it; a second delivery finds it claimed and stops."""
    with ctx.database.statement() as unit:
        account = account_to_ask(unit, order_id)
    if account is None or ctx.budget.take(account, purpose=Purpose.PROTECT):
        return  # without budget it stays due, and the relay hints again (R5)
    watch = Stopwatch(ctx.clock)
    with ctx.database.unit() as unit:
        settlement = claim_for_settling(unit, order_id, now=watch.now(), origin=ctx.origin)
    if settlement is None:
        return
    log_context.add(account=settlement.account, account_type=settlement.account_type, trace_id=settlement.trace_id)
    network_ms: float | None = None
    try:
        broker = ctx.broker(settlement.account)
        found = broker.find_order(settlement.ticket.broker_client_id)
        network_ms = broker.wire_time().network_ms
    except (BrokerUnavailable, NoSuchBroker) as error:
        code = error.reason_code if isinstance(error, BrokerUnavailable) else "no_broker"
        attempt = _attempt(settlement, watch, network_ms)
        with ctx.database.statement() as unit:
            record_no_answer(unit, attempt, code, str(error), origin=ctx.origin)
        _log(settlement, attempt, code)
        return
    attempt = _attempt(settlement, watch, network_ms)
    if found is None and settlement.age is not Age.IN_TIME:
        with ctx.database.statement() as unit:
            record_missing(unit, attempt, settlement, origin=ctx.origin)
        _log(settlement, attempt, "not_at_broker")
    elif found is None:
        _send_again(ctx, settlement, attempt, watch)
    else:
        _adopt(ctx, settlement, attempt, found)


def _adopt(ctx: Context, settlement: Settlement, attempt: Attempt, found: BrokerOrder) -> None:
    with ctx.database.statement() as unit:
        ours = record_found(unit, attempt, settlement, found, origin=ctx.origin)
    _log(settlement, attempt, None if ours else "overtaken")
    if ours and difference(settlement, found) is not None:
        tell_quarantined(ctx, settlement.account_id, settlement.account)


def _log(settlement: Settlement, attempt: Attempt, error: str | None) -> None:
    terms = settlement.ticket.terms
    line = OrderLine(
        step=Step.SETTLE,
        side=terms.side,
        symbol=terms.symbol,
        size=terms.size,
        order_id=str(settlement.order_id),
        total_ms=attempt.total_ms,
        network_ms=attempt.network_ms,
        account=settlement.account,
        account_type=settlement.account_type,
        source=settlement.source,
        error=error,
    )
    log_operation(line)


def _send_again(ctx: Context, settlement: Settlement, attempt: Attempt, watch: Stopwatch) -> None:
    before_claim_ms = ctx.clock.monotonic_ms()
    with ctx.database.statement() as unit:
        if stopped_since(unit, settlement.order_id) is not None:
            record_missing(unit, attempt, replace(settlement, age=Age.STOPPED), origin=ctx.origin)
            return
        fence = claim_for_resend(unit, attempt, ctx.origin)
    if fence is None:
        return
    claim = Claim(
        order_id=settlement.order_id,
        fence=fence,
        account=settlement.account,
        account_type=settlement.account_type,
        source=settlement.source,
        ticket=settlement.ticket,
        ruling=Ruling(Decision.ALLOW, None, None, ()),
        attempts=settlement.attempts,
        replaces=settlement.replaces,
    )
    timed = send(ctx, claim.account, claim.ticket, before_claim_ms)
    finish(ctx, claim, replace(timed, outcome=_sure(ctx, claim, timed.outcome)), watch, stage="settle")


def _sure(ctx: Context, claim: Claim, outcome: Outcome) -> Outcome:
    """Return what a second POST really tells: its refusal says nothing of the first, which may have arrived (R11).

    A refusal stands only when the broker still has no order under our id; what was not taken stays unknown.
    """
    if isinstance(outcome, NotAccepted):
        return Unknown(outcome.reason_code, outcome.message)
    if not isinstance(outcome, Rejected):
        return outcome
    try:
        found = ctx.broker(claim.account).find_order(claim.ticket.broker_client_id)
    except (BrokerUnavailable, NoSuchBroker):
        return Unknown(outcome.reason_code, outcome.message)
    return outcome if found is None else Unknown("first_request_arrived", outcome.message)


def _attempt(settlement: Settlement, watch: Stopwatch, network_ms: float | None) -> Attempt:
    return Attempt(
        order_id=settlement.order_id,
        fence=settlement.fence,
        attempts=settlement.attempts,
        stage="settle",
        started_at=watch.started_at,
        finished_at=watch.now(),
        total_ms=watch.elapsed_ms,
        network_ms=network_ms,
    )
