"""Reconciles as tasks: one account each, and the tick that hints those whose turn it is (R31)."""

import uuid

from config.celery import RECONCILE_ACCOUNT, RECONCILE_ACCOUNTS, RECONCILE_TICK_S
from services.leases import take_lease
from services.reconcile import due_accounts
from tasks.app import app
from tasks.context import Context, context
from tasks.reconcile_account import reconcile_account

_LEASE_S = 1
_EVERY_MS = 5000  # a queue that is slow to empty gets no account twice


@app.task(name=RECONCILE_ACCOUNT)
def reconcile(account_id: str) -> None:
    """Reconcile one account; one that another process is at is left to it."""
    reconcile_account(context(), uuid.UUID(account_id))


@app.task(name=RECONCILE_ACCOUNTS)
def reconcile_due() -> None:
    """Hint the accounts whose turn it is; a second beat finds the lease taken."""
    hint_due(context())


def hint_due(ctx: Context) -> int:
    """Return how many accounts were hinted: a few each tick, so that a start is no crowd."""
    with ctx.database.unit() as unit:
        if not take_lease(unit, RECONCILE_ACCOUNTS, str(ctx.ids.new()), _LEASE_S):
            return 0
        due = due_accounts(unit, ctx.settings.reconcile.interval, RECONCILE_TICK_S)
    for account_id in due:
        ctx.hints.hint(RECONCILE_ACCOUNT, str(account_id), every_ms=_EVERY_MS)
    return len(due)
