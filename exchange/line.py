"""A stream's way to its client: whole frames, half ones, and two ways to end, for the faults in its way."""

import socket
import struct
from typing import TYPE_CHECKING

from aiohttp import web

from exchange.streams import Stream

if TYPE_CHECKING:
    from exchange.faults import Fault

_BINARY = 0x82
_TWO_BYTES = 126
"""A frame of this length or longer tells it in two bytes more (RFC 6455, 5.2); no update reaches the next step."""
_RESET = struct.pack("ii", 1, 0)


class Line:
    """The socket of one stream, and what a fault has left on it: a frame held back, or silence."""

    def __init__(self, stream: Stream, request: web.Request, websocket: web.WebSocketResponse) -> None:
        self.held: bytes | None = None
        self.muted_by: Fault | None = None
        self._stream = stream
        self._request = request
        self._websocket = websocket

    @property
    def account(self) -> str:
        """The name of the account whose stream it is."""
        return self._stream.account.name

    async def send(self, frame: bytes) -> None:
        """Send a frame."""
        await self._websocket.send_bytes(frame)
        self._stream.sent += 1

    def send_half(self, frame: bytes) -> None:
        """Announce a frame, send its first half, and close the connection without a word."""
        if (transport := self._request.transport) is not None:
            transport.write(_announced(len(frame)) + frame[: len(frame) // 2])
            transport.close()

    def reset(self) -> None:
        """Break the connection off with a reset (TCP RST)."""
        reset(self._request)


def _announced(length: int) -> bytes:
    if length < _TWO_BYTES:
        return struct.pack("!BB", _BINARY, length)
    return struct.pack("!BBH", _BINARY, _TWO_BYTES, length)


def reset(request: web.Request) -> None:
    """Break a connection off with a reset: without the option a closed socket says goodbye."""
    if (transport := request.transport) is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
