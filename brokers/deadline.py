"""HTTP bounded in total, not a read at a time (R8).

`requests` bounds each socket read; a peer that trickles a byte now and then can hold a call for ever. Here one thread
a process shuts the socket of a call down when its deadline passes: the read that hangs ends with a connection error.
"""

import heapq
import itertools
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError

from domain.clock import Clock

CONNECT_TIMEOUT_S = 2.0
_MIN_READ_S = 0.05


class Watchdog:
    """Shuts sockets down at their deadline; one thread for all calls of the process."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._due: list[tuple[float, int, Call]] = []
        self._number = itertools.count()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, call: "Call") -> None:
        """Begin to watch a call."""
        with self._wake:
            heapq.heappush(self._due, (call.deadline_ms, next(self._number), call))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="http-deadline", daemon=True)
                self._thread.start()
            if self._due[0][2] is call:
                self._wake.notify()

    def _run(self) -> None:
        # calls that are done stay until their deadline: with them gone, every new call would have to wake this thread
        while True:
            with self._wake:
                wait = (self._due[0][0] - self.clock.monotonic_ms()) / 1000 if self._due else None
                if wait is None or wait > 0:
                    self._wake.wait(wait)
                    continue
                call = heapq.heappop(self._due)[2]
            call.cut()


class Call:
    """One HTTP call: its deadline in ms of the monotonic clock, and the socket it runs on."""

    def __init__(self, deadline_ms: float) -> None:
        self.deadline_ms = deadline_ms
        self.done = False
        self.expired = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def on(self, sock: socket.socket | None) -> None:
        """Remember the socket; a call that has expired already loses it at once."""
        with self._lock:
            self._socket = sock
            if self.expired:
                self._shut()

    def finish(self) -> None:
        """Let the socket go: it is back in the pool and nobody's to shut."""
        with self._lock:
            self.done = True
            self._socket = None

    def cut(self) -> None:
        """Shut the socket of a call whose deadline has passed."""
        with self._lock:
            if not self.done:
                self.expired = True
                self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            try:
                # SSLSocket.shutdown forgets the TLS layer under the reading thread, which then reads ciphertext
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                return  # the peer was quicker


_current = threading.local()


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _watch_new(self)

    def getresponse(self) -> Any:
        _current.call.on(self.sock)
        return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _watch_new(self)

    def getresponse(self) -> Any:
        _current.call.on(self.sock)
        return super().getresponse()


def _watch_new(connection: HTTPConnection) -> None:
    """Watch a new connection from before the request is sent; too late for one, nothing is sent at all (R8).

    Connecting can outlast the deadline: each address of a host has its own timeout, the resolver one of its own.
    """
    _current.call.on(connection.sock)
    if _current.call.expired:
        connection.close()
        raise ConnectTimeoutError(connection, "the deadline passed before the connection stood")


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: Any) -> None:
        _current.call.finish()  # before another thread can take the connection
        super()._put_conn(conn)


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection

    def _put_conn(self, conn: Any) -> None:
        _current.call.finish()  # before another thread can take the connection
        super()._put_conn(conn)


Heard = Callable[[int, Mapping[str, str]], None]
"""Takes the status and the headers of every answer."""


class DeadlineAdapter(HTTPAdapter):
    """A transport adapter without retries whose calls end within `total_s`; it times each call on the wire."""

    def __init__(
        self, clock: Clock, watchdog: Watchdog, *, total_s: float, pool_size: int = 32, heard: Heard | None = None
    ) -> None:
        self._clock = clock
        self._heard = heard
        self._watchdog = watchdog
        self._total_ms = total_s * 1000
        super().__init__(pool_connections=4, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:  # noqa: FBT001, FBT002  requests' signature
        """Make the pools with connections that tell their socket."""
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make a proxy's pools the same way: a call through a proxy has a deadline too."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]  # requests passes these by name
        """Send and read the whole body within the deadline."""
        started = self._clock.monotonic_ms()
        call = Call(started + self._total_ms)
        _current.call = call
        _current.network_ms = None
        _current.request_id = None
        kwargs["timeout"] = (min(CONNECT_TIMEOUT_S, self._total_ms / 1000), max(_MIN_READ_S, self._total_ms / 1000))
        self._watchdog.watch(call)
        try:
            response = super().send(request, **kwargs)
            _current.request_id = response.headers.get("X-Request-ID")
            if self._heard is not None:
                self._heard(response.status_code, response.headers)
            response.content  # noqa: B018  the body belongs to the time on the wire
        finally:
            call.finish()
            _current.network_ms = self._clock.monotonic_ms() - started
        if call.expired:  # a cut looks like the end of headers, or of a body without a length
            raise requests.ReadTimeout("the answer was cut at its deadline", request=request)
        return response


def last_network_ms() -> float | None:
    """Return the ms on the wire of this thread's last call, None before the first."""
    network_ms: float | None = getattr(_current, "network_ms", None)
    return network_ms


def last_request_id() -> str | None:
    """Return the broker's id of this thread's last call; it cannot be looked up later, so it is kept."""
    request_id: str | None = getattr(_current, "request_id", None)
    return request_id
