"""Keeps the table of instruments as the broker lists them: looked after every few seconds, read every ten minutes."""

import datetime as dt
from typing import Any

from loguru import logger

from brokers.protocol import BrokerUnavailable
from brokers.registry import NoSuchBroker
from config.celery import SYNC_INSTRUMENTS
from services.instruments import due_brokers, store_listings
from services.leases import drop_lease, take_lease
from tasks.app import app
from tasks.context import Context, context

_MAX_AGE = dt.timedelta(minutes=10)
_RETRIES = 3
_LEASE_S = 30


@app.task(name=SYNC_INSTRUMENTS, bind=True, max_retries=_RETRIES)
def sync(task: Any) -> None:
    """Sync every broker whose turn it is; retried after 1, 2 and 4 seconds.

    The beat comes again soon: an account that was not on record yet, or a sync whose worker died, waits no longer.
    """
    if not sync_instruments(context()):
        tried: int = task.request.retries
        if tried < _RETRIES:
            raise task.retry(countdown=2**tried)


def sync_instruments(ctx: Context, max_age: dt.timedelta = _MAX_AGE) -> bool:
    """Read each due broker's listings through its first account that answers; return whether all brokers did."""
    with ctx.database.unit() as unit:
        if not take_lease(unit, SYNC_INSTRUMENTS, ctx.origin.process, _LEASE_S):
            return True
        due = due_brokers(unit, max_age)
    done = [_sync_broker(ctx, broker, accounts) for broker, accounts in due.items()]
    with ctx.database.unit() as unit:
        drop_lease(unit, SYNC_INSTRUMENTS, ctx.origin.process)
    return all(done)


def _sync_broker(ctx: Context, broker: str, accounts: list[str]) -> bool:
    for account in accounts:
        if ctx.budget.take(account):
            continue
        try:
            listings = ctx.broker(account).listings()
        except (BrokerUnavailable, NoSuchBroker) as error:
            logger.warning("Instruments of {} not read through {}: {}", broker, account, error)
            continue
        rows = [(i.symbol, i.asset_class.value, i.name, i.tradable, i.fractionable) for i in listings]
        with ctx.database.unit() as unit:
            count = store_listings(unit, broker, rows, ctx.clock.now())
        logger.info("Instruments of {} synced: {}", broker, count)
        return True
    return False
