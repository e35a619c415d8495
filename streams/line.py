"""One account's connection: opened again and again until it is hung up for good, and listened to for silence."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from loguru import logger

from brokers.protocol import FeedBusy, FeedLost, TradeFeed
from brokers.registry import NoSuchBroker
from config.settings import AccountSettings
from domain.clock import Clock
from domain.trade_updates import TradeUpdate
from models.unit import StoreError
from services.streams import StreamedAccount, StreamState

if TYPE_CHECKING:
    import datetime as dt

QUIET_S = 4.0
"""After so long without a frame the broker is asked whether it is there; it has four seconds more to answer."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 20.0
_BUSY_PAUSE_S = 3.0
_SAY_EVERY = 10


class LeaseLost(Exception):
    """Somebody else has the account's stream."""


class Line:
    """An account's stream for as long as we hold its lease.

    `began` is called on every new connection and records it; it raises LeaseLost. `told` takes every event.
    `chance` gives numbers of 0 to 1, so that many who lost a broker do not all come back at once.
    """

    def __init__(
        self,
        account: StreamedAccount,
        section: AccountSettings,
        *,
        feed: Callable[[], TradeFeed],
        began: Callable[[StreamedAccount], Awaitable[object]],
        told: Callable[[StreamedAccount, TradeUpdate], None],
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self.account = account
        self.section = section
        self._feed, self._began, self._told = feed, began, told
        self._clock, self._chance = clock, chance
        self._failures = 0
        self._is_connected = False
        self._last_frame_at: dt.datetime | None = None
        self._last_heard_at: dt.datetime | None = None
        self._complaint: str | None = None
        self._hung_up = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=account.lease)

    @property
    def is_over(self) -> bool:
        """Whether it has ended for good, its connection closed."""
        return self._task.done()

    def state(self) -> StreamState:
        """Return how it is doing."""
        account, frame, heard = self.account, self._last_frame_at, self._last_heard_at
        return StreamState(account.account_id, account.lease, self._is_connected, frame, heard)

    def hang_up(self, complaint: str) -> None:
        """Close the connection and open a new one."""
        self._complaint = complaint
        self._hung_up.set()

    async def stop(self) -> None:
        """Close the connection for good."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled() and self._task.exception() is not None:
            logger.error("Stream of {} ended: {}", self.account.name, type(self._task.exception()).__name__)

    async def _run(self) -> None:
        pause = 0.0
        with suppress(LeaseLost):
            while True:
                await asyncio.sleep(pause)
                pause = await self._once()

    async def _once(self) -> float:  # float: seconds of a timer
        """Connect, follow until the end, and return how long to wait before the next try."""
        try:
            feed = self._feed()
        except NoSuchBroker as error:
            return self._pause(FeedLost(str(error)))
        try:
            await feed.open()
            await self._began(self.account)
            await self._follow(feed)
        except (FeedLost, StoreError) as error:
            return self._pause(error)
        finally:
            self._is_connected = False
            await feed.close()
        return 0

    async def _follow(self, feed: TradeFeed) -> None:
        self._failures = 0
        self._hung_up.clear()
        self._is_connected = True
        self._last_frame_at = self._last_heard_at = self._clock.now()
        logger.info("Stream of {} connected", self.account.name)
        hung_up = asyncio.create_task(self._hung_up.wait())
        listening = asyncio.create_task(self._listen(feed))
        try:
            await asyncio.wait({hung_up, listening}, return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                await listening
            raise FeedLost(self._complaint or "hung up by us")
        finally:
            hung_up.cancel()
            listening.cancel()
            await asyncio.wait({hung_up, listening})

    async def _listen(self, feed: TradeFeed) -> None:
        while True:
            try:
                async with asyncio.timeout(QUIET_S):
                    update = await feed.next()
            except TimeoutError:
                await feed.ping()
            else:
                self._last_frame_at = self._clock.now()
                self._told(self.account, update)
            self._last_heard_at = self._clock.now()

    def _pause(self, error: Exception) -> float:  # float: seconds of a timer
        self._failures += 1
        longest = _BUSY_PAUSE_S if isinstance(error, FeedBusy) else _LONGEST_PAUSE_S
        pause = min(_FIRST_PAUSE_S * 2.0 ** min(self._failures - 1, 10), longest) * (1 + self._chance()) / 2
        if self._failures % _SAY_EVERY == 1:
            words = str(error) if isinstance(error, FeedLost) else type(error).__name__
            logger.warning("Stream of {} is away: {}; tried again in {:.1f} s", self.account.name, words, pause)
        return pause
