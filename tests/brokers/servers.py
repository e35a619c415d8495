"""Servers that misbehave on a real socket: each connection is handed to a behaviour written for one test."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("loopback.pem")
PAUSE_S = 0.03
_ENDLESS_S = 4  # so that a call nobody cuts fails its test instead of holding it

Behaviour = Callable[[socket.socket], None]
Maker = Callable[[Callable[[], "Server"]], Behaviour]
"""Makes a behaviour, which may ask for its server once that runs."""


class Server:
    """Listens on loopback; `requests` are the request heads received, `connections` how many came."""

    def __init__(self, behave: Behaviour, *, tls: bool = False) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._behave = behave
        self._context = _context() if tls else None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Stop listening, break every connection and wait for the threads."""
        for sock in (self._listener, *self._open):
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for sock in (self._listener, *self._open):
            sock.close()

    def read_request(self, sock: socket.socket) -> bytes:
        """Read one request with its body; empty when the client has left."""
        received = b""
        while b"\r\n\r\n" not in received:
            more = sock.recv(65536)
            if not more:
                return b""
            received += more
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += sock.recv(65536)
        self.requests.append(head)
        return head

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError):
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            self._behave(sock)
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


@contextmanager
def serving(make: Maker, *, tls: bool = False) -> Iterator[Server]:
    """Run a server whose behaviour may ask for the server itself."""
    holder: list[Server] = []
    server = Server(make(lambda: holder[0]), tls=tls)
    holder.append(server)
    try:
        yield server
    finally:
        server.close()


def answers(status: int, body: bytes, *, headers: bytes = b"", delay_s: float = 0) -> Maker:
    """Answer every request of a connection alike."""

    def make(server: Callable[[], Server]) -> Behaviour:
        def behave(sock: socket.socket) -> None:
            head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), headers)
            while server().read_request(sock):
                time.sleep(delay_s)
                sock.sendall(head + body)

        return behave

    return make


def sends(*parts: bytes, then_drips: bytes = b"", every_s: float = PAUSE_S) -> Maker:
    """Read a request, send the parts, then one drop after another; without drops stay silent."""

    def make(server: Callable[[], Server]) -> Behaviour:
        def behave(sock: socket.socket) -> None:
            server().read_request(sock)
            for part in parts:
                sock.sendall(part)
            for _ in range(int(_ENDLESS_S / every_s) if then_drips else 0):
                sock.sendall(then_drips)
                time.sleep(every_s)
            if not then_drips:
                sock.recv(1)

        return behave

    return make


def resets(_: Callable[[], Server]) -> Behaviour:
    """Take a request and break the connection with a TCP reset."""

    def behave(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        sock.close()

    return behave


def ignores(_: Callable[[], Server]) -> Behaviour:
    """Take whatever comes and never say a word: not an answer, not a handshake."""

    def behave(sock: socket.socket) -> None:
        while sock.recv(65536):
            pass

    return behave


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context
