"""The websocket at /stream: who it is for, what it listens to, and the trade updates of that account.

JSON in binary frames, as Alpaca sends them; text frames are understood as well. Alpaca refuses a second connection of
an account with 429 at the handshake, which it can tell when the keys are in the headers. A client that sends its keys
only in its first message is refused then, with an error and a close.
"""

import asyncio
import contextlib
import json
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from exchange.faults import Fault, Moment, Place
from exchange.gate import NOBODY, answer
from exchange.line import Line, reset
from exchange.state import Account
from exchange.stream_fault_kinds import LIMIT, NEW_NUMBER, REFUSALS, RESET, carry
from exchange.streams import Stream
from exchange.trade_updates import frame
from exchange.world import STREAM_PATH, World

_AUTH_S = 10.0
_PING_S = 60.0
"""A peer that answers no ping is gone half of it later: such half-dead connections linger 90 s at Alpaca."""
_CLOSE_S = 0.2
_LARGEST_MESSAGE = 16_384
_KNOWN = ("trade_updates",)
_OPENING, _KEYED = frozenset({Place.HANDSHAKE}), frozenset({Place.KEYS})
_REFUSED = {
    403: {"code": 40310000, "message": "forbidden"},
    429: {"code": 42910000, "message": "connection limit exceeded"},
}
_LIMIT = {"error_message": "connection limit exceeded", "code": 406}


class StreamRoutes:
    """The route of the stream."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [web.get(STREAM_PATH, self.serve, allow_head=False)]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET with an upgrade: serve one connection until either side closes it."""
        headers = request.headers
        keys = headers.get("APCA-API-KEY-ID", ""), headers.get("APCA-API-SECRET-KEY", "")
        account = self._world.engine.book.account_of(*keys)
        fault = self._world.faults.take(Moment(_OPENING, account.name if account else NOBODY))
        if fault is not None:
            return self._not_opened(fault, request)
        if account is not None and self._world.streams.is_taken(account):
            return _refused(429)
        socket = web.WebSocketResponse(
            heartbeat=_PING_S, compress=False, max_msg_size=_LARGEST_MESSAGE, timeout=_CLOSE_S
        )
        await socket.prepare(request)
        end = asyncio.create_task(self._close_at_stop(socket))
        try:
            await _Connection(self._world, request, socket).serve()
        finally:
            end.cancel()
        return socket

    def _not_opened(self, fault: Fault, request: web.Request) -> web.Response:
        if fault.kind == RESET:
            reset(request)
        return _refused(REFUSALS.get(fault.kind, 403))

    async def _close_at_stop(self, socket: web.WebSocketResponse) -> None:
        await self._world.stopping.wait()
        await socket.close(code=WSCloseCode.GOING_AWAY)


class _WrongMessageError(Exception):
    """A message that cannot be understood; its words go to the client, and the connection ends."""


class _Connection:
    def __init__(self, world: World, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._world = world
        self._request = request
        self._socket = socket

    async def serve(self) -> None:
        """Authorize, then send until the client leaves."""
        try:
            async with asyncio.timeout(_AUTH_S):
                account = await self._authorized()
            if account is not None:
                await self._follow(account)
        except TimeoutError:
            await self._refuse({"error_message": "auth timeout"})
        except _WrongMessageError as error:
            await self._refuse({"error_message": str(error)})

    async def _authorized(self) -> Account | None:
        """Wait for the keys of an account; None when the client leaves before."""
        while (message := await self._receive()) is not None:
            action = message.get("action")
            if action in {"auth", "authenticate"}:
                account = self._world.engine.book.account_of(*_keys(message))
                if account is not None:
                    return account
                action = "authenticate"
            await self._socket.send_bytes(_authorization("unauthorized", action))
        return None

    async def _follow(self, account: Account) -> None:
        stream = Stream(account, self._abort)
        fault = self._world.faults.take(Moment(_KEYED, account.name))
        if fault is not None and fault.kind == NEW_NUMBER:
            self._world.engine.change_account(account, {"account_number": fault.account_number})
        if (fault is not None and fault.kind == LIMIT) or not self._world.streams.open(stream):
            await self._refuse(_LIMIT)
            return
        stream.put(_authorization("authorized", "authenticate"))
        sender = asyncio.create_task(self._send(stream))
        try:
            await self._obey(stream)
        finally:
            self._world.streams.close(stream)
            sender.cancel()

    async def _obey(self, stream: Stream) -> None:
        """Listen to what the client asks for; whatever is listed last counts, an empty list is silence."""
        while (message := await self._receive()) is not None:
            if message["action"] != "listen":
                stream.put(_authorization("authorized", "authenticate"))
                continue
            wanted = [name for name in _KNOWN if name in _asked(message)]
            stream.listening = bool(wanted)
            stream.put(frame("listening", {"streams": wanted}))

    async def _send(self, stream: Stream) -> None:
        line = Line(stream, self._request, self._socket)
        with contextlib.suppress(ConnectionError):
            while True:
                await carry(await stream.next(), line, self._world.faults)

    async def _receive(self) -> dict[str, Any] | None:
        """Give the next message, None once the connection is closed."""
        received = await self._socket.receive()
        if received.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
            return None
        try:
            message = json.loads(received.data)
        except (ValueError, RecursionError):
            raise _WrongMessageError("invalid message: not JSON") from None
        if not isinstance(message, dict) or message.get("action") not in {"auth", "authenticate", "listen"}:
            raise _WrongMessageError("invalid message: action must be auth, authenticate or listen")
        return message

    async def _refuse(self, data: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionError):
            await self._socket.send_bytes(json.dumps({"action": "error", "data": data}).encode())
        await self._socket.close(code=WSCloseCode.POLICY_VIOLATION)

    def _abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()


def _refused(status: int) -> web.Response:
    return answer(_REFUSED[status], status)


def _authorization(status: str, action: Any) -> bytes:
    return frame("authorization", {"status": status, "action": action})


def _keys(message: dict[str, Any]) -> tuple[str, str]:
    """Read the keys in either of the two documented places; what is no text is no key."""
    data = message.get("data")
    if isinstance(data, dict):
        key, secret = data.get("key_id"), data.get("secret_key")
    else:
        key, secret = message.get("key"), message.get("secret")
    return (key, secret) if isinstance(key, str) and isinstance(secret, str) else ("", "")


def _asked(message: dict[str, Any]) -> list[Any]:
    data = message.get("data")
    streams = data.get("streams") if isinstance(data, dict) else None
    if not isinstance(streams, list):
        raise _WrongMessageError("invalid message: data.streams must be a list")
    return streams
