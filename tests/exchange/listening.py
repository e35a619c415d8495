"""Clients of the exchange's trade_updates stream: a raw one, frame by frame, and alpaca-py's own in a thread."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self, cast

from alpaca.trading.models import TradeUpdate
from alpaca.trading.stream import TradingStream
from websockets.sync.client import ClientConnection, connect

from tests.exchange.helpers import eventually
from tests.support.exchange import ExchangeProcess

_WAIT_S = 10.0


class RawStream:
    """One websocket to /stream; `keys` go into the handshake's headers."""

    def __init__(self, url: str, keys: dict[str, Any] | None = None) -> None:
        headers = {"APCA-API-KEY-ID": keys["key_id"], "APCA-API-SECRET-KEY": keys["secret_key"]} if keys else {}
        address = url.replace("http://", "ws://") + "/stream"
        self._stack = ExitStack()
        opening = connect(address, additional_headers=headers, proxy=None, close_timeout=1)
        self.socket: ClientConnection = self._stack.enter_context(opening)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def say(self, message: object) -> None:
        """Send one JSON message as text."""
        self.socket.send(json.dumps(message))

    def hear(self, within_s: float = _WAIT_S) -> dict[str, Any]:
        """Give the next message; TimeoutError without one, AssertionError when its frame is not binary."""
        heard = self.socket.recv(within_s)
        assert isinstance(heard, bytes)
        return dict(json.loads(heard))

    def authenticate(self, account: dict[str, Any]) -> dict[str, Any]:
        """Send an account's keys as alpaca-py does; give the answer."""
        keys = {"key_id": account["key_id"], "secret_key": account["secret_key"]}
        self.say({"action": "authenticate", "data": keys})
        return self.hear()

    def listen(self, *streams: str) -> list[str]:
        """Ask for streams; give those that the exchange acknowledges."""
        self.say({"action": "listen", "data": {"streams": streams}})
        heard = self.hear()
        assert heard["stream"] == "listening"
        return list(heard["data"]["streams"])

    def updates(self, count: int) -> list[dict[str, Any]]:
        """Give the next `count` trade updates."""
        heard = [self.hear() for _ in range(count)]
        assert {message["stream"] for message in heard} <= {"trade_updates"}
        return [message["data"] for message in heard]


@contextmanager
def sdk_stream(exchange: ExchangeProcess, account: dict[str, Any]) -> Iterator[list[TradeUpdate]]:
    """alpaca-py's own stream, unmodified, in a thread; gives what its handler receives."""
    heard: list[TradeUpdate] = []

    async def handler(update: Any) -> None:
        heard.append(update)

    url = exchange.url.replace("http://", "ws://") + "/stream"
    client = TradingStream(account["key_id"], account["secret_key"], url_override=url)
    client.subscribe_trade_updates(handler)
    thread = threading.Thread(target=client.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: any(s["listening"] for s in exchange.streams() if s["account"] == account["name"]))
        yield heard
    finally:
        client.stop()
        loop = cast("asyncio.AbstractEventLoop", client._loop)
        asyncio.run_coroutine_threadsafe(client.close(), loop).result(5)
        thread.join(10)
