"""Many callers at once over kept connections: cheap enough that the house, not the test, is what is busy."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_AT_ONCE = 8
_PATIENCE_S = 30
_ROUTE = "/api/v1/orders"


@dataclass(frozen=True, slots=True)
class Intent:
    """An order that somebody wants once, whatever becomes of the requests for it."""

    key: str
    account: str
    terms: dict[str, str] = field(default_factory=lambda: {"symbol": "F", "side": "buy", "qty": "1"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said at last: status, body, how long the last request took (ms), and how many were needed."""

    status: int
    body: dict[str, Any]
    took_ms: float
    requests: int


class Callers:
    """Threads that post orders to APIs on this machine; each keeps one connection to each API."""

    def __init__(self, token: str, ports: Sequence[int]) -> None:
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._ports = ports
        self._local = threading.local()
        self._opened: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Close every connection."""
        for connection in self._opened:
            connection.close()

    def insist(self, intent: Intent, first: int = 0) -> Answer:
        """Post until the order is stored, as a careful caller does: the same key, another API, never another order.

        A broken connection, a 503 and a key in flight (409) are asked again; anything else is the answer.
        """
        deadline = time.monotonic() + _PATIENCE_S  # noqa: TID251  real processes are waited for
        for number in range(first, 10_000):
            answer = self.post(intent, number % len(self._ports))
            if answer is not None and answer.status not in {409, 503}:
                return Answer(answer.status, answer.body, answer.took_ms, number - first + 1)
            assert time.monotonic() < deadline, f"{intent.key}: {answer}"  # noqa: TID251  likewise
            time.sleep(0.05)
        raise AssertionError(intent.key)

    def post(self, intent: Intent, api: int = 0) -> Answer | None:
        """Post once; None when the connection broke or could not be made."""
        connection = self._connection(api)
        started = time.monotonic()  # noqa: TID251  a caller's own time is the matter
        try:
            body = json.dumps({"account": intent.account, **intent.terms})
            connection.request("POST", _ROUTE, body, self._headers | {"Idempotency-Key": intent.key})
            response = connection.getresponse()
            content = json.loads(response.read())
        except (OSError, http.client.HTTPException):
            connection.close()
            return None
        return Answer(response.status, content, (time.monotonic() - started) * 1000, 1)  # noqa: TID251  likewise

    def _connection(self, api: int) -> http.client.HTTPConnection:
        kept: dict[int, http.client.HTTPConnection] = self._local.__dict__.setdefault("kept", {})
        if api not in kept:
            kept[api] = http.client.HTTPConnection("127.0.0.1", self._ports[api], timeout=10)
            self._opened.append(kept[api])
        return kept[api]


def at_once(call: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Call for every item, eight at a time, and return the answers in order."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(call, items))


def p95(values: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return sorted(values)[int(len(values) * 0.95)]
