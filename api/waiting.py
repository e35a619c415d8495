"""`Prefer: wait=N` (RFC 7240): an answer that stays until the broker has spoken, for the price of a dictionary entry.

No thread is held, and all who wait in this process share one query: it asks for all their orders at once.
"""

import asyncio
import contextvars
import re
import uuid

from fastapi import Request
from loguru import logger

from models.session import Database
from models.unit import StoreError
from services.order_list import settled_among

LONGEST_S = 30
_MOST = 500
_PAUSE_S = 0.025
_WAIT = re.compile(r'wait\s*=\s*(?:([0-9]{1,9})|"([0-9]{1,9})")', re.IGNORECASE)


def wanted_wait(request: Request) -> int:
    """Return how many seconds the caller would wait (at most 30), 0 without a wish that can be read."""
    for preference in ",".join(request.headers.getlist("prefer")).split(","):
        match = _WAIT.fullmatch(preference.partition(";")[0].strip())
        if match is not None:
            return min(int(match[1] or match[2]), LONGEST_S)
    return 0


class Waiting:
    """Those who wait for an order in this process; used by its event loop alone."""

    def __init__(self, database: Database, most: int = _MOST) -> None:
        self._database = database
        self._most = most
        self._orders: dict[asyncio.Future[None], uuid.UUID] = {}
        self._asking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._orders)

    @property
    def has_room(self) -> bool:
        """Whether one more may wait."""
        return len(self._orders) < self._most

    async def settled(self, order_id: uuid.UUID, seconds: float, caller: Request) -> bool:
        """Return true once the order has the broker's word, false when the time is over or the caller has left."""
        word = asyncio.get_running_loop().create_future()
        left = asyncio.ensure_future(_left(caller))
        self._orders[word] = order_id
        if self._asking is None or self._asking.done():
            # it asks for all: what rides on the log lines of the request that began it is not its own
            self._asking = asyncio.create_task(self._ask(), context=contextvars.Context())
        try:
            await asyncio.wait({word, left}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return word.done()
        finally:
            del self._orders[word]
            left.cancel()

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self) -> None:
        while self._orders:
            settled = await asyncio.to_thread(self._settled, list(set(self._orders.values())))
            for word, order_id in self._orders.items():
                if order_id in settled and not word.done():
                    word.set_result(None)
            await asyncio.sleep(_PAUSE_S)

    def _settled(self, order_ids: list[uuid.UUID]) -> frozenset[uuid.UUID]:
        try:
            with self._database.statement() as unit:
                return settled_among(unit, order_ids)
        except StoreError as error:  # they are answered 202 when their time is over
            logger.warning("Waiting orders could not be read: {}", type(error).__name__)
            return frozenset()


async def _left(caller: Request) -> None:
    while (await caller.receive())["type"] != "http.disconnect":
        pass
