"""A raw client of the exchange's trade_updates stream: what is said and heard, frame by frame."""

import json
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

_WAIT_S = 3.0


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
