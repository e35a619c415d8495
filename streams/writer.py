"""Events on their way into the inbox: many accounts' in one batch, each account's in order, off the reading loop."""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Sequence

from loguru import logger

from config import log_context
from config.celery import CHECK_BALANCE, RECONCILE_ACCOUNT, SETTLE_ORDER
from domain.trade_updates import TradeUpdate
from models.unit import StoreAway, StoreError
from services.inbox import Arrived, Written, keep_failed, receive
from services.streams import StreamedAccount
from tasks.context import Context
from tasks.polling import CHECK_EVERY_MS, log_heard

BATCH = 200
_GATHER_MS = 3.0
_PACE_MS = 20.0
"""A lone event is written at once; of many, all that came in the meantime: a transaction costs more than an event."""
_FIRST_WAIT_S = 0.02
_LONGEST_WAIT_S = 1.0
_AWAY_S = 0.5
RECONCILE_EVERY_MS = 1000


class Writer:
    """Writes what streams tell; `lost` is called with an account whose lease turned out to be somebody else's."""

    def __init__(self, ctx: Context, lost: Callable[[uuid.UUID], None]) -> None:
        self._ctx = ctx
        self._lost = lost
        self._arrived: deque[Arrived] = deque()
        self._wake = asyncio.Event()

    def put(self, account: StreamedAccount, update: TradeUpdate) -> None:
        """Take an event; it is kept and applied soon, after those before it."""
        clock = self._ctx.clock
        self._arrived.append(Arrived(account, update, clock.now(), clock.monotonic_ms()))
        self._wake.set()

    def forget(self, account_id: uuid.UUID) -> None:
        """Drop what waits of an account whose stream is no longer ours."""
        self._arrived = deque(one for one in self._arrived if one.account.account_id != account_id)

    async def run(self) -> None:
        """Write until cancelled. With the database away events wait: once the lease is gone, they are forgotten."""
        began_ms = 0.0
        while True:
            await self._wake.wait()
            since_ms = self._ctx.clock.monotonic_ms() - began_ms
            await asyncio.sleep(max(_GATHER_MS, _PACE_MS - since_ms) / 1000)
            began_ms = self._ctx.clock.monotonic_ms()
            batch = [self._arrived.popleft() for _ in range(min(BATCH, len(self._arrived)))]
            if not self._arrived:
                self._wake.clear()
            if batch and not await self._written(batch):
                self._arrived.extendleft(reversed(batch))
                self._wake.set()
                await asyncio.sleep(_AWAY_S)

    async def _written(self, batch: Sequence[Arrived]) -> bool:
        try:
            written = await asyncio.to_thread(self._write, batch)
        except StoreAway as error:
            logger.warning("{} events of streams wait for the database: {}", len(batch), type(error).__name__)
            return False
        except StoreError:
            for one in batch:
                await self._written_alone(one)
            return True
        self._after(written)
        return True

    async def _written_alone(self, arrived: Arrived) -> None:
        try:
            written = await asyncio.to_thread(self._write, [arrived])
        except StoreError as error:
            name, event = arrived.account.name, arrived.update.event
            logger.error("Event {} of {} could not be applied: {}", event, name, type(error).__name__)
            try:
                written = await asyncio.to_thread(self._keep_failed, arrived)
            except StoreError:
                logger.error("Event {} of {} could not be kept either", event, name)
                return
        self._after(written)

    def _write(self, batch: Sequence[Arrived]) -> Written:
        ctx = self._ctx
        with ctx.database.unit() as unit:
            return receive(unit, batch, now=ctx.clock.now(), owner=ctx.origin.process, ids=ctx.ids, origin=ctx.origin)

    def _keep_failed(self, arrived: Arrived) -> Written:
        with self._ctx.database.unit() as unit:
            return keep_failed(unit, arrived, owner=self._ctx.origin.process)

    def _after(self, written: Written) -> None:
        """Tell what holds now that the transaction does."""
        ctx = self._ctx
        for arrived, heard in written.heard:
            with log_context.scope(account=arrived.account.name):
                log_heard(arrived.account.name, heard, ctx.clock.monotonic_ms() - arrived.received_ms, None)
        for account_id in written.ended:
            ctx.hints.hint(CHECK_BALANCE, str(account_id), every_ms=CHECK_EVERY_MS)
        for order_id in written.unsettled:
            ctx.hints.hint(SETTLE_ORDER, str(order_id))
        for account_id in written.strange:
            ctx.hints.hint(RECONCILE_ACCOUNT, str(account_id), every_ms=RECONCILE_EVERY_MS)
        for account_id in written.lost:
            self._lost(account_id)
        for arrived in written.waiting:
            pause = min(_FIRST_WAIT_S * 2 ** (arrived.tries - 1), _LONGEST_WAIT_S)
            asyncio.get_running_loop().call_later(pause, self._again, arrived)

    def _again(self, arrived: Arrived) -> None:
        self._arrived.append(arrived)
        self._wake.set()
