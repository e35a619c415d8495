"""A link carries bytes both ways, and each way of breaking it is one that a client can meet in the wild."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from crucible.tcp_link import CUT, CUT_WITHIN, DELAY, HALF_OPEN, PASS, REFUSE, STALL, Link, Links
from tests.support.house import until

LONG = b"x" * 1000


class Echo(socketserver.BaseRequestHandler):
    """Sends back what it receives."""

    def handle(self) -> None:
        with suppress(ConnectionError):
            while data := self.request.recv(65536):
                self.request.sendall(data)


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


class Wire:
    """A link to the echo and its clients."""

    def __init__(self, links: Links) -> None:
        self.links = links
        self.link: Link = links["echo"]
        self.opened: list[socket.socket] = []

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.link.port), timeout=5)
        self.opened.append(client)
        return client

    def works(self) -> socket.socket:
        """Return a connection that has carried something."""
        client = self.connect()
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
        return client

    def set(self, mode: str) -> None:
        self.links.set_mode("echo", mode)
        until(lambda: self.link.mode == mode)


@pytest.fixture
def wire(echo: int) -> Iterator[Wire]:
    with Links({"echo": echo}) as links:
        made = Wire(links)
        yield made
        for client in made.opened:
            client.close()


def is_broken(client: socket.socket) -> bool:
    """Tell whether the connection ends without another word."""
    try:
        client.sendall(b"still there?")
        return client.recv(100) == b""
    except ConnectionError:
        return True


def silent(client: socket.socket) -> bool:
    """Tell whether nothing comes for a while, though the connection stands."""
    client.settimeout(0.2)
    try:
        client.recv(100)
    except TimeoutError:
        return True
    finally:
        client.settimeout(5)
    return False


def test_a_cut_resets_what_is_open_and_what_comes(wire: Wire) -> None:
    client = wire.works()
    wire.set(CUT)
    assert is_broken(client)
    assert is_broken(wire.connect())
    wire.set(PASS)
    wire.works()
    assert wire.link.fired[CUT] >= 2


def test_refusing_resets_every_new_connection(wire: Wire) -> None:
    wire.set(REFUSE)
    assert is_broken(wire.connect())
    assert wire.link.fired[REFUSE] == 1
    wire.set(PASS)
    wire.works()


def test_a_stall_holds_bytes_back_until_it_ends(wire: Wire) -> None:
    client = wire.works()
    wire.set(STALL)
    client.sendall(b"wait")
    assert silent(client)
    wire.set(PASS)
    assert client.recv(100) == b"wait"
    assert wire.link.fired[STALL] == 1


def test_a_delay_loses_nothing(wire: Wire) -> None:
    wire.set(DELAY)
    wire.works()
    assert wire.link.fired[DELAY] >= 2


def test_an_answer_is_cut_within(wire: Wire) -> None:
    client = wire.works()
    wire.set(CUT_WITHIN)
    client.sendall(LONG)
    received: list[Any] = []
    try:
        while data := client.recv(100):
            received.append(data)
    except ConnectionError:
        pass
    assert len(b"".join(received)) < len(LONG)
    assert wire.link.fired[CUT_WITHIN] == 1


def test_half_open_is_silence_on_what_was_open_alone(wire: Wire) -> None:
    client = wire.works()
    wire.set(HALF_OPEN)
    client.sendall(b"anybody?")
    assert silent(client)
    wire.works()
    wire.set(PASS)
    assert is_broken(client)
    assert wire.link.fired[HALF_OPEN] == 1
