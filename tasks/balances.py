"""Balance checks as tasks of their own; the same read tells what kind of account it is (ACC-001, ACC-002)."""

import uuid
from typing import Any

from loguru import logger

from brokers.protocol import BrokerUnavailable
from brokers.registry import NoSuchBroker
from config import log_context
from config.celery import CHECK_BALANCE, CHECK_BALANCES
from config.ids import trace_id
from config.logging import log_operation
from domain.broker import AccountReading
from domain.timing import ReadLine, Step
from services.accounts import TypeUpdate, all_accounts, has_spent, next_read_seq, store_balance, store_type
from services.leases import take_lease
from services.operations import Operation, record_operation
from tasks.app import app
from tasks.context import Context, context
from tasks.stopwatch import Stopwatch

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


def _read(ctx: Context, account_id: uuid.UUID, name: str) -> bool:
    watch = Stopwatch(ctx.clock)
    log_context.add(account=name)
    with ctx.database.statement() as unit:
        read_seq = next_read_seq(unit)
    reading: AccountReading | None = None
    failed: str | None = None
    network_ms: float | None = None
    try:
        broker = ctx.broker(name)
        reading = broker.read_account()
        network_ms = broker.wire_time().network_ms
    except (BrokerUnavailable, NoSuchBroker) as error:
        failed = str(error)
    _store(ctx, account_id, name, reading=reading, failed=failed, read_seq=read_seq, network_ms=network_ms, watch=watch)
    return failed is None


def _store(
    ctx: Context,
    account_id: uuid.UUID,
    name: str,
    *,
    reading: AccountReading | None,
    failed: str | None,
    read_seq: int,
    network_ms: float | None,
    watch: Stopwatch,
) -> None:
    account = ctx.settings.account(name)
    if account is None:
        logger.error("Account {} is in the table but not in the configuration", name)
        return
    number = None if reading is None else reading.account_number
    with ctx.database.unit() as unit:
        update = store_type(unit, account, number, failed=failed, now=watch.now(), ids=ctx.ids, origin=ctx.origin)
        if reading is not None:
            store_balance(unit, account_id, reading, read_seq)
        kind = update.reading
        read = Operation(
            operation="balance_read",
            started_at=watch.started_at,
            occurred_at=watch.now(),
            total_ms=watch.elapsed_ms,
            success=failed is None,
            source="system",
            trace_id=trace_id(),
            network_ms=network_ms,
            account_id=account_id,
            account_name=name,
            account_type=kind.account_type.value,
            account_type_source=kind.source.value,
            reason_code=None if failed is None else "balance_unavailable",
            reason=failed,
            detail={} if reading is None else {"cash": str(reading.cash), "read_seq": read_seq},
        )
        record_operation(unit, read, ctx.origin, ctx.ids)
    _log(read, reading)
    _log_type(name, update, failed)


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


def _log_type(name: str, update: TypeUpdate, failed: str | None) -> None:
    kind = update.reading
    if failed is not None:
        logger.error("Account {}: not read ({}); type {} from {}", name, failed, kind.account_type, kind.source)
    elif update.changed:
        logger.info("Account {}: {} account, {}", name, kind.account_type, kind.source)
    if update.mismatch is not None:
        logger.error("Account {}: entries blocked, {}", name, update.mismatch)
