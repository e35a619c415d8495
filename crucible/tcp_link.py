"""A link that can be broken: a TCP proxy in its own thread, between our processes and one of their servers."""

import asyncio
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from stack.ports import LOOPBACK

PASS, CUT, REFUSE, STALL, DELAY, CUT_WITHIN, HALF_OPEN = (
    "pass",
    "cut",
    "refuse",
    "stall",
    "delay",
    "cut_within",
    "half_open",
)
_CHUNK = 65536
_DELAY_S = 0.3
_WITHIN_BYTES = 40
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: a close is a reset


@dataclass(eq=False)
class _Connection:
    """One client and its connection to the server; `answered` counts bytes since the answers are to be cut."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_dead: bool = False
    answered: int = 0

    def break_off(self) -> None:
        for side in (self.client, self.server):
            raw = side.get_extra_info("socket")
            if raw is not None:
                with suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            side.transport.abort()


@dataclass
class Link:
    """Forwards from `port` to `target`, unless `mode` says otherwise; `fired` counts what each mode has done.

    cut: every connection is reset, and a new one as soon as something is sent on it. refuse: all are reset, new ones
    at once. stall: bytes wait until the mode ends. delay: each piece comes 0.3 s late. cut_within: a connection is
    reset within its next answer, after 40 bytes of it. half_open: what is open goes silent, and nobody says so.
    """

    name: str
    target: int
    port: int = 0
    mode: str = PASS
    fired: Counter[str] = field(default_factory=Counter)
    _open: set[_Connection] = field(default_factory=set)
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def set_mode(self, mode: str) -> None:
        """Begin a mode; to be called in the links' own thread."""
        before, self.mode = self.mode, mode
        if mode == STALL:
            self._flowing.clear()
        else:
            self._flowing.set()
        for connection in list(self._open):
            connection.answered = 0
            if mode in {CUT, REFUSE}:
                self._break(connection, mode)
            elif mode == HALF_OPEN:
                connection.is_dead = True
            elif before == HALF_OPEN and connection.is_dead:
                connection.break_off()  # its client has noticed by itself, or never would

    async def serve(self, client_in: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        if self.mode == REFUSE:
            self.fired[REFUSE] += 1
            client.transport.abort()
            return
        try:
            server_in, server = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            client.transport.abort()
            return
        connection = _Connection(client, server)
        self._open.add(connection)
        try:
            await asyncio.gather(
                self._carry(connection, client_in, server, answers=False),
                self._carry(connection, server_in, client, answers=True),
            )
        finally:
            self._open.discard(connection)
            client.close()
            server.close()

    async def _carry(
        self, connection: _Connection, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(_CHUNK):
                if await self._passes(connection, sink, data, answers=answers):
                    sink.write(data)
                    await sink.drain()
        sink.close()  # after a reset as well: the other side is to learn of it

    async def _passes(self, connection: _Connection, sink: asyncio.StreamWriter, data: bytes, *, answers: bool) -> bool:
        """Return whether the bytes go on now; wait, swallow or break as the mode says."""
        if self.mode == DELAY:
            self.fired[DELAY] += 1
            await asyncio.sleep(_DELAY_S)
        if self.mode == STALL:
            self.fired[STALL] += 1
            await self._flowing.wait()
        if connection.is_dead:
            self.fired[HALF_OPEN] += 1
            return False
        if self.mode in {CUT, REFUSE}:
            self._break(connection, self.mode)
            return False
        if self.mode == CUT_WITHIN and answers:
            left = _WITHIN_BYTES - connection.answered
            connection.answered += len(data)
            if len(data) > left:
                sink.write(data[: max(0, left)])
                await asyncio.sleep(0)
                self._break(connection, CUT_WITHIN)
                return False
        return True

    def _break(self, connection: _Connection, why: str) -> None:
        self.fired[why] += 1
        self._open.discard(connection)
        connection.break_off()


class Links:
    """Several links, listening as long as the block runs; `port`s are chosen when it begins."""

    def __init__(self, targets: dict[str, int]) -> None:
        self._links = {name: Link(name, target) for name, target in targets.items()}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._servers: list[asyncio.Server] = []

    def __getitem__(self, name: str) -> Link:
        return self._links[name]

    def set_mode(self, name: str, mode: str) -> None:
        """Begin a mode of one link, from any thread."""
        self._loop.call_soon_threadsafe(self._links[name].set_mode, mode)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        for link in self._links.values():
            server = await asyncio.start_server(link.serve, LOOPBACK, 0, backlog=512)
            link.port = int(server.sockets[0].getsockname()[1])
            self._servers.append(server)

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        carrying = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
