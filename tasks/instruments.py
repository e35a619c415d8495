"""Keeps the table of instruments as the broker lists them."""

from typing import Any

from loguru import logger

from brokers.protocol import BrokerUnavailable
from brokers.registry import NoSuchBroker
from config.celery import SYNC_INSTRUMENTS
from services.accounts import all_accounts
from services.instruments import store_listings
from services.leases import drop_lease, take_lease
from tasks.app import app
from tasks.context import Context, context

_RETRIES = 5
_LEASE_S = 30


@app.task(name=SYNC_INSTRUMENTS, bind=True, max_retries=_RETRIES)
def sync(task: Any) -> None:
    """Sync every broker that has an account; retried after 1, 2, 4 ... seconds."""
    if not sync_instruments(context()):
        tried: int = task.request.retries
        if tried < _RETRIES:
            raise task.retry(countdown=min(2**tried, 20))


def sync_instruments(ctx: Context) -> bool:
    """Read each broker's listings through its first account that answers; return whether all brokers did."""
    with ctx.database.unit() as unit:
        if not take_lease(unit, SYNC_INSTRUMENTS, ctx.origin.process, _LEASE_S):
            return True
        by_broker: dict[str, list[str]] = {}
        for row in all_accounts(unit):
            by_broker.setdefault(row.broker, []).append(row.name)
    done = [_sync_broker(ctx, broker, accounts) for broker, accounts in by_broker.items()]
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
