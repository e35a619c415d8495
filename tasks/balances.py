"""Balance checks as tasks of their own; the same read tells what kind of account it is (ACC-001, ACC-002)."""

import uuid
from dataclasses import dataclass
from typing import Any

from loguru import logger

from brokers.protocol import BrokerUnavailable
from brokers.registry import NoSuchBroker
from config import log_context
from config.celery import CHECK_BALANCE, CHECK_BALANCES
from config.ids import trace_id
from config.logging import log_operation
from config.settings import AccountSettings
from domain.account_type import masked
from domain.broker import AccountReading
from domain.timing import ReadLine, Step
from services.account_types import TypeUpdate, store_type
from services.accounts import all_accounts, has_spent, next_read_seq, store_balance
from services.leases import take_lease
from services.operations import Operation, record_operation
from tasks.account_alerts import forget_strays, tell_type
from tasks.app import app
from tasks.context import Context, context
from tasks.stopwatch import Stopwatch
from tasks.stream_alerts import watch_streams

_RETRIES = 3
_SWEEP_LEASE_S = 8


@app.task(name=CHECK_BALANCE, bind=True, max_retries=_RETRIES)
def check(task: Any, account_id: str) -> None:
    """Read one account; a failed read is retried after 1, 2 and 4 seconds."""
    if not check_balance(context(), uuid.UUID(account_id)):
        tried: int = task.request.retries
        if tried < _RETRIES:
            raise task.retry(countdown=2**tried)


@app.task(name=CHECK_BALANCES)
def check_all() -> None:
    """Hint a check of every enabled account; a second beat finds the lease taken."""
    ctx = context()
    with ctx.database.unit() as unit:
        if not take_lease(unit, CHECK_BALANCES, ctx.origin.process, _SWEEP_LEASE_S):
            return
        accounts = [str(row.account_id) for row in all_accounts(unit)]
    for account in accounts:
        ctx.hints.hint(CHECK_BALANCE, account)
    forget_strays(ctx)
    watch_streams(ctx)


def check_balance(ctx: Context, account_id: uuid.UUID) -> bool:
    """Read the account and store type, balance and timing; return whether the broker answered.

    Where fills wait for a balance that shows them, it is read a second time: two reads that agree free them (R18).
    """
    with ctx.database.statement() as unit:
        row = unit.row("SELECT name FROM trading.accounts WHERE account_id = %(id)s", {"id": account_id})
    if row is None or ctx.budget.take(row.name):
        return True  # without budget the next beat is ten seconds away
    if not _read(ctx, account_id, row.name):
        return False
    with ctx.database.statement() as unit:
        again = has_spent(unit, account_id)
    return not again or bool(ctx.budget.take(row.name)) or _read(ctx, account_id, row.name)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a read of an account brought, or why it brought nothing; `read_seq` was drawn before it was sent (R18)."""

    read_seq: int
    watch: Stopwatch
    reading: AccountReading | None = None
    failed: str | None = None
    network_ms: float | None = None


def _read(ctx: Context, account_id: uuid.UUID, name: str) -> bool:
    watch = Stopwatch(ctx.clock)
    log_context.add(account=name)
    with ctx.database.statement() as unit:
        read_seq = next_read_seq(unit)
    account = ctx.settings.account(name)
    try:
        account, broker = ctx.brokers.connection(name)
        reading = broker.read_account()
        answer = _Answer(read_seq, watch, reading, network_ms=broker.wire_time().network_ms)
    except (BrokerUnavailable, NoSuchBroker) as error:
        answer = _Answer(read_seq, watch, failed=str(error))
    if account is None:
        logger.error("Account {} is in the table but not in the configuration", name)
        return False
    return _store(ctx, account_id, account, answer) and answer.failed is None


def _store(ctx: Context, account_id: uuid.UUID, account: AccountSettings, answer: _Answer) -> bool:
    number = None if answer.reading is None else answer.reading.account_number
    with ctx.database.unit() as unit:
        update = store_type(
            unit,
            account,
            number,
            failed=answer.failed,
            read_seq=answer.read_seq,
            now=answer.watch.now(),
            ids=ctx.ids,
            origin=ctx.origin,
        )
        if update is None:
            return False  # the keys were changed meanwhile: the reading is of another account
        if answer.reading is not None:
            store_balance(unit, account_id, answer.reading, answer.read_seq)
        read = _operation(account_id, account.name, answer, update)
        record_operation(unit, read, ctx.origin, ctx.ids)
    _log(read, answer.reading)
    tell_type(ctx, account_id, account.name, update)
    return True


def _operation(account_id: uuid.UUID, name: str, answer: _Answer, update: TypeUpdate) -> Operation:
    kind, reading = update.after.reading, answer.reading
    money = {} if reading is None else {"cash": str(reading.cash), "read_seq": answer.read_seq}
    return Operation(
        operation="balance_read",
        started_at=answer.watch.started_at,
        occurred_at=answer.watch.now(),
        total_ms=answer.watch.elapsed_ms,
        success=answer.failed is None,
        source="system",
        trace_id=trace_id(),
        network_ms=answer.network_ms,
        account_id=account_id,
        account_name=name,
        account_type=kind.account_type.value,
        account_type_source=kind.source.value,
        reason_code=None if answer.failed is None else "balance_unavailable",
        reason=answer.failed,
        detail={"account_number": masked(update.after.number), "type_reason": kind.reason} | money,
    )


def _log(read: Operation, reading: AccountReading | None) -> None:
    line = ReadLine(
        step=Step.BALANCE_READ,
        what=f"cash={'-' if reading is None else reading.cash}",
        account=read.account_name or "",
        account_type=read.account_type or "",
        source=read.source,
        total_ms=read.total_ms,
        network_ms=read.network_ms,
        error=read.reason_code,
    )
    log_operation(line, trace_id=read.trace_id)
