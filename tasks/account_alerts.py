"""What a worker says of an account's kind: lines in the log, alerts until their cause is gone (ACC-001, MON-001)."""

import uuid
from collections.abc import Iterator

from loguru import logger

from domain.account_type import AccountTypeReading, masked
from domain.alerts import Severity
from services.account_types import KINDS, MISMATCH, NUMBER_CHANGED, UNREAD, TypeUpdate, resolve_strays
from services.alerts import Alert
from tasks.alerting import settle_alerts
from tasks.context import Context


def tell_type(ctx: Context, account_id: uuid.UUID, name: str, update: TypeUpdate) -> None:
    """Log an account's kind at this process's first good read and whenever it changes, and settle its alerts."""
    kind, before = update.after.reading, update.before.reading
    if update.failed is not None:
        logger.warning("Account {} not read: {} [{}]", name, update.failed, _fields(name, kind))
    elif update.changed or name not in ctx.announced:
        was = f" (was {before.account_type}, {before.source})" if update.changed else ""
        why = f", {kind.reason}" if kind.reason else ""
        number = masked(update.after.number)
        logger.info(
            "Account {}: {}{}, number {}{} [{}]", name, kind.account_type, was, number, why, _fields(name, kind)
        )
        ctx.announced.add(name)
    settle_alerts(ctx, name, wrong=list(_wrong(account_id, name, update)), kinds=KINDS)


def forget_strays(ctx: Context) -> None:
    """Close the alerts about accounts that are read no more."""
    with ctx.database.statement() as unit:
        closed = resolve_strays(unit, now=ctx.clock.now())
    for alert in closed:
        logger.info("Alert {} resolved: {} is read no more", alert.kind, alert.subject)


def _wrong(account_id: uuid.UUID, name: str, update: TypeUpdate) -> Iterator[Alert]:
    kind = update.after.reading
    detail = {
        "account": name,
        "account_type": kind.account_type.value,
        "account_type_source": kind.source.value,
        "confirmed_number": masked(update.after.confirmed),
        "account_number": masked(update.after.number),
    }

    def alert(what: str, severity: Severity, message: str) -> Alert:
        return Alert(kind=what, subject=name, severity=severity, message=message, account_id=account_id, detail=detail)

    if update.failed is not None:
        severity = Severity.WARNING if update.after.was_read else Severity.CRITICAL
        so = "the type read before stays" if update.after.was_read else "orders wait, paper rights until it is read"
        yield alert(UNREAD, severity, f"its type could not be read ({update.failed}); {so}")
    if update.after.mismatch is not None:
        yield alert(MISMATCH, Severity.CRITICAL, f"entries blocked: {update.after.mismatch}")
    if update.after.number_changed:
        moved = f"was {masked(update.after.confirmed)} and now is {masked(update.after.number)}"
        remedy = f"confirm it with: opitios admin accounts confirm {name}"
        yield alert(NUMBER_CHANGED, Severity.CRITICAL, f"entries blocked: the account number {moved}; {remedy}")


def _fields(name: str, kind: AccountTypeReading) -> str:
    return f"account={name} account_type={kind.account_type} account_type_source={kind.source}"
