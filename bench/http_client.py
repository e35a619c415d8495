"""An HTTP client just large enough for the generator: a general one costs more CPU than the server it measures."""

import asyncio
from collections.abc import Mapping

_TRUSTED_S = 3


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time; answers must carry a Content-Length."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._answer: asyncio.Future[int] | None = None
        self._used_at = 0.0

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        """Connect. Raises OSError."""
        _, made = await asyncio.get_running_loop().create_connection(cls, host, port)
        return made

    async def send(self, request: bytes) -> int:
        """Send one whole request; return the answer's status. Raises ConnectionError when the peer goes away."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the server closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._received.clear()
        self._transport.write(request)
        status = await self._answer
        self._used_at = asyncio.get_running_loop().time()
        return status

    def usable(self) -> bool:
        """Tell whether the server can be trusted to keep the connection while a request is on its way to it.

        uvicorn closes one that was idle for 5 s; a request that crosses the closing is lost, and would look like the
        server's failure.
        """
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and asyncio.get_running_loop().time() - self._used_at < _TRUSTED_S
        )

    def close(self) -> None:
        """Let the connection go."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._used_at = asyncio.get_running_loop().time()

    def data_received(self, data: bytes) -> None:
        """Complete the answer when its body is there."""
        self._received += data
        status = whole_answer(self._received)
        if status is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError(f"the server closed the connection ({exc})"))


def whole_answer(received: bytes | bytearray) -> int | None:
    """Return the status once head and body are complete, None before."""
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    head = bytes(received[:head_end]).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return int(head[9:12]) if len(received) >= head_end + 4 + length else None


def post(host: str, path: str, headers: Mapping[str, str], body: str) -> bytes:
    """Return the bytes of one POST with a JSON body."""
    content = body.encode()
    named = {"Host": host, "Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + content
