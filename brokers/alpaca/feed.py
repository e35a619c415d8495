"""One connection to Alpaca's trade_updates; alpaca-py's own stream drops what it cannot read and notices silence late.

Measured of its `TradingStream`: an unknown status or an exception loses the message, a peer that stands still is
noticed after 190 s, and a refused connection is tried again without saying why.
"""

import asyncio
import json
import logging
from typing import Any, Literal
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from brokers.alpaca.updates import parse_frame, parse_update
from brokers.protocol import FeedBusy, FeedLost, FeedRefused, TradeFeed
from domain.trade_updates import TradeUpdate

_OPEN_S = 5.0
_PONG_S = 4.0
_CLOSE_S = 1
_WAITING = 1024
_LARGEST = 1 << 20
_TOO_MANY = {406, 429}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# the library logs what it sends at DEBUG, keys included
_SILENT = logging.getLogger("opitios.websocket")
_SILENT.setLevel(logging.WARNING)


class AlpacaFeed(TradeFeed):
    """See `brokers.protocol.TradeFeed`. Keys go into the headers, where a busy account is refused, and the message."""

    def __init__(self, base_url: str, api_key: str, secret_key: str) -> None:
        parts = urlsplit(base_url)
        self._url = f"{'ws' if parts.scheme == 'http' else 'wss'}://{parts.netloc}/stream"
        self._proxy: Literal[True] | None = None if parts.hostname in _LOOPBACK else True
        self._keys = api_key, secret_key
        self._socket: ClientConnection | None = None

    async def open(self) -> None:
        """Sign in and listen within five seconds; see TradeFeed."""
        key, secret = self._keys
        try:
            async with asyncio.timeout(_OPEN_S):
                self._socket = await connect(
                    self._url,
                    additional_headers={"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret},
                    ping_interval=None,  # the reader asks by itself, and knows then when it last heard anything
                    close_timeout=_CLOSE_S,
                    compression=None,
                    max_queue=_WAITING,
                    max_size=_LARGEST,
                    logger=_SILENT,
                    proxy=self._proxy,
                )
                await self._sign_in(self._socket)
        except InvalidStatus as error:
            raise _refusal(error.response.status_code) from None
        except (OSError, TimeoutError, WebSocketException) as error:
            raise FeedLost(f"not connected: {_words(error)}") from None

    async def next(self) -> TradeUpdate:
        """Return the next event; see TradeFeed."""
        try:
            return parse_update(await self._open_socket().recv())
        except ConnectionClosed as error:
            raise FeedLost(f"hung up: {_words(error)}") from None

    async def ping(self) -> None:
        """Ask and wait four seconds at most; see TradeFeed."""
        try:
            async with asyncio.timeout(_PONG_S):
                await (await self._open_socket().ping())
        except TimeoutError:
            raise FeedLost(f"no answer to a ping within {_PONG_S:g} s") from None
        except ConnectionClosed as error:
            raise FeedLost(f"hung up: {_words(error)}") from None

    async def close(self) -> None:
        """Hang up; see TradeFeed."""
        if self._socket is not None:
            await self._socket.close()

    def _open_socket(self) -> ClientConnection:
        if self._socket is None:
            raise FeedLost("not open")
        return self._socket

    async def _sign_in(self, socket: ClientConnection) -> None:
        key, secret = self._keys
        await socket.send(json.dumps({"action": "authenticate", "data": {"key_id": key, "secret_key": secret}}))
        said = await _answer(socket, "authorization")
        if said.get("status") != "authorized":
            raise FeedRefused("the broker does not take the account's keys")
        await socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
        said = await _answer(socket, "listening")
        if "trade_updates" not in (said.get("streams") or []):
            raise FeedLost("the broker does not let this account listen to trade_updates")


async def _answer(socket: ClientConnection, wanted: str) -> dict[str, Any]:
    """Return the broker's next word on `wanted`; nothing else is told before the stream listens."""
    while True:
        stream, data = parse_frame(await socket.recv())
        said = data if isinstance(data, dict) else {}
        if stream == "error":
            raise _refusal(said.get("code"), str(said.get("error_message", "")))
        if stream == wanted:
            return said


def _refusal(code: object, message: str = "") -> FeedLost:
    if code in _TOO_MANY:
        return FeedBusy("the account has a connection already, or one that the broker still counts")
    if code in {401, 403}:
        return FeedRefused(f"the broker refuses the account's keys (HTTP {code})")
    return FeedLost(f"refused: {code} {message[:200]}".rstrip())


def _words(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()[:200]
