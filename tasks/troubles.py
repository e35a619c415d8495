"""What is said of a loss and of its end: the line in the log, the alert, the audit row (UC-SYSTEM-002, R26)."""

import datetime as dt

from config.ids import trace_id
from domain.alerts import Severity
from domain.system_status import DATABASE_LOST, REDIS_LOST, Trouble
from events.breakers import BreakerReading
from services.accounts import AccountRef
from services.alerts import Alert
from services.operations import Operation

_LOSSES = {
    DATABASE_LOST: (
        "Postgres connection lost",
        "new orders are answered 503; what is on its way is settled when it is back; see `opitios status` and its log",
    ),
    REDIS_LOST: (
        "Redis connection lost",
        "orders are accepted, and placed when it is back; see `opitios status` and its log",
    ),
}
_BROKER_LOSS = "entries wait; exits, cancels and look-ups are tried on; see the broker's status page and the network"


def words_at_loss(trouble: Trouble) -> str:
    """Return the line of the log."""
    what, effect = _LOSSES.get(trouble.kind, (f"Broker of {trouble.subject} unavailable", _BROKER_LOSS))
    return f"{what}: {effect}"


def words_at_end(trouble: Trouble) -> str:
    """Return the line of the log."""
    if trouble.kind in _LOSSES:
        return _LOSSES[trouble.kind][0].replace("lost", "restored")
    return f"Broker of {trouble.subject} answers again: its entries go on"


def alert_of(trouble: Trouble, account: AccountRef | None, reading: BreakerReading | None) -> Alert:
    """Return the alert; `account` is None where it is about none, or nobody knows it yet."""
    message = words_at_loss(trouble)
    detail: dict[str, str | None] = {}
    if trouble.kind not in _LOSSES:
        detail = {"account": trouble.subject, "why": None if reading is None else reading.why}
    if account is not None:
        detail |= {"account_type": account.account_type.value, "account_type_source": account.account_type_source.value}
    return Alert(
        kind=trouble.kind,
        subject=trouble.subject,
        severity=Severity.CRITICAL,
        message=message,
        account_id=None if account is None else account.account_id,
        detail=detail,
    )


def operation_of(
    trouble: Trouble, account: AccountRef | None, reading: BreakerReading | None, *, now: dt.datetime, is_lost: bool
) -> Operation:
    """Return the audit row of a breaker that opened or closed; it has no duration of its own."""
    why = None if reading is None else reading.why
    return Operation(
        operation="breaker_opened" if is_lost else "breaker_closed",
        started_at=now,
        occurred_at=now,
        total_ms=0,
        success=not is_lost,
        source="system",
        trace_id=trace_id(),
        account_id=None if account is None else account.account_id,
        account_name=trouble.subject,
        account_type=None if account is None else account.account_type.value,
        account_type_source=None if account is None else account.account_type_source.value,
        reason_code=trouble.kind if is_lost else None,
        reason=f"the broker did not work: {why}" if is_lost else None,
        detail={"opened_ms": None if reading is None else reading.last_opened_ms, "why": why},
    )
