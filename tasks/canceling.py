"""Asking the broker to cancel: one request, then the order is asked for; repeated until it has ended (R13)."""

import uuid

from brokers.protocol import BrokerUnavailable
from brokers.rate_budget import Purpose
from brokers.registry import NoSuchBroker
from config import log_context
from config.celery import POLL_ORDERS
from config.logging import log_operation
from domain.broker import CancelAnswer
from domain.timing import OrderLine, Step
from services.order_cancel import CancelTask, account_of_cancel, claim_cancel, defer_cancel, record_cancel
from services.order_outcome import Attempt
from tasks.context import Context
from tasks.stopwatch import Stopwatch


def cancel_order(ctx: Context, order_id: uuid.UUID) -> None:
    """Send one request that is due; a second delivery finds it taken and stops."""
    watch = Stopwatch(ctx.clock)
    with ctx.database.statement() as unit:
        account = account_of_cancel(unit, order_id)
    if account is None:
        return
    wait_s = ctx.budget.take(account, purpose=Purpose.PROTECT)
    with ctx.database.statement() as unit:
        if wait_s:
            defer_cancel(unit, order_id, wait_s)
            return
        task = claim_cancel(unit, order_id)
    if task is None:
        return
    log_context.add(account=task.account, account_type=task.account_type, trace_id=task.trace_id)
    answer = _send(ctx, task)
    attempt = Attempt(
        order_id=order_id,
        fence=task.held.fence or 0,
        attempts=task.attempts,
        stage="cancel",
        started_at=watch.started_at,
        finished_at=watch.now(),
        total_ms=watch.elapsed_ms,
        network_ms=answer.network_ms,
        request_id=answer.request_id,
    )
    with ctx.database.statement() as unit:
        record_cancel(unit, task, attempt, answer, origin=ctx.origin)
    _log(task, attempt, answer)
    ctx.hints.hint(POLL_ORDERS, str(task.account_id))


def _log(task: CancelTask, attempt: Attempt, answer: CancelAnswer) -> None:
    line = OrderLine(
        step=Step.CANCEL,
        side=task.terms.side,
        symbol=task.terms.symbol,
        size=task.terms.size,
        order_id=str(task.order_id),
        total_ms=attempt.total_ms,
        network_ms=answer.network_ms,
        account=task.account,
        account_type=task.account_type,
        source=task.source,
        error=None if answer.taken else answer.reason_code,
    )
    log_operation(line)


def _send(ctx: Context, task: CancelTask) -> CancelAnswer:
    try:
        return ctx.broker(task.account).cancel(task.broker_order_id)
    except NoSuchBroker as error:
        return CancelAnswer(False, "no_broker", str(error), None, None)  # noqa: FBT003  named by its field
    except BrokerUnavailable as error:
        return CancelAnswer(False, error.reason_code, error.message, None, None)  # noqa: FBT003  likewise
