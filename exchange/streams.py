"""The open trade_updates streams: one an account, fed in the step that writes the journal, so in the books' order.

Nothing is kept for a stream that is not open and listening. Frames wait in a queue of their own, because the books must
not wait for a slow reader; one that falls too far behind is hung up on.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from exchange.clock import now_ns, rfc3339
from exchange.engine import Engine
from exchange.journal import Event
from exchange.state import Account
from exchange.trade_updates import frames

_MOST_WAITING = 10_000


class Stream:
    """One authorized connection; `hang_up` breaks it off."""

    def __init__(self, account: Account, hang_up: Callable[[], None]) -> None:
        self.account = account
        self.listening = False
        self.sent = 0
        self.since_ns = now_ns()
        self._hang_up = hang_up
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(_MOST_WAITING)

    def put(self, frame: bytes) -> None:
        """Send a frame behind those that wait; what may break it on its way is exchange/stream_fault_kinds.py."""
        try:
            self._waiting.put_nowait(frame)
        except asyncio.QueueFull:
            self._hang_up()

    async def next(self) -> bytes:
        """Give the next frame for the socket."""
        return await self._waiting.get()

    def watch(self, event: Event) -> None:
        """Tell of an event that the books have just applied."""
        if self.listening:
            for frame in frames(self.account, event):
                self.put(frame)

    def shown(self) -> dict[str, Any]:
        """Give the stream as the control port prints it."""
        since = rfc3339(self.since_ns)
        return {"account": self.account.name, "since": since, "listening": self.listening, "sent": self.sent}


class Streams:
    """Who is connected, by account."""

    def __init__(self, engine: Engine) -> None:
        self._watchers = engine.watchers
        self._open: dict[str, Stream] = {}

    def open(self, stream: Stream) -> bool:
        """Begin a stream; False when its account has one already."""
        name = stream.account.name
        if name in self._open:
            return False
        self._open[name] = stream
        self._watchers[name] = stream.watch
        return True

    def close(self, stream: Stream) -> None:
        """Forget a stream that `open` began."""
        del self._open[stream.account.name], self._watchers[stream.account.name]

    def is_taken(self, account: Account) -> bool:
        """Whether the account has a stream."""
        return account.name in self._open

    def all(self) -> list[Stream]:
        """Every stream that is open, oldest first."""
        return list(self._open.values())
