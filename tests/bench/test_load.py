import asyncio
import threading
from collections.abc import Iterator

import pytest

from bench.bare_route import bare_route, call_bare_route
from bench.http_client import post, whole_answer
from bench.load import Job, generate
from tests.support.ports import free_ports

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
STALLED_AT, STALL_S = 10, 0.5


class Server:
    """Answers every request; the one with number STALLED_AT stops the whole server for STALL_S seconds."""

    def __init__(self, requests_a_connection: int = 1000) -> None:
        self.requests_a_connection = requests_a_connection
        self.bodies: list[bytes] = []
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port: int = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(self.requests_a_connection):
            head = await reader.readline()
            if not head:
                break
            length = 0
            while (line := await reader.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.bodies.append(await reader.readexactly(length))
            if len(self.bodies) == STALLED_AT:
                threading.Event().wait(STALL_S)  # holds the loop, and with it every other connection
            writer.write(ANSWER)
        writer.close()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.run_until_complete(self.server.wait_closed())
        self.loop.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.thread.start()
    yield made
    made.stop()


def test_an_open_loop_shows_the_requests_that_queued_behind_a_stall(server: Server) -> None:
    sent = generate(Job(server.port, "/", ["{}"] * 40, rate=100))

    assert sent.all_answered(202)
    assert len(server.bodies) == 40
    # 0.5 s of a server that stands still are 50 requests at 100/s, so all that were due then have waited
    assert sum(ms > 200 for ms in sent.latency_ms) >= 25
    assert max(sent.late_ms) < 200  # they left on schedule nevertheless


def test_a_burst_sends_each_body_once(server: Server) -> None:
    bodies = [f'{{"n": {number}}}' for number in range(STALLED_AT - 1)]

    sent = generate(Job(server.port, "/", bodies, connections=3))

    assert sent.all_answered(202)
    assert sorted(server.bodies) == [body.encode() for body in bodies]
    assert sent.cpu_s > 0


def test_a_load_nobody_takes_is_an_error_and_no_figure() -> None:
    (port,) = free_ports(1)

    with pytest.raises(RuntimeError, match="load generator failed"):
        generate(Job(port, "/", ["{}"], connections=1))


def test_the_bare_route_answers_the_generator() -> None:
    with bare_route() as port:
        sent = call_bare_route(port, rate=100, count=50)

    assert sent.all_answered(202)


@pytest.mark.parametrize(
    ("received", "status"),
    [
        (ANSWER, 202),
        (ANSWER[:-1], None),  # the body is not whole
        (ANSWER[:20], None),  # nor is the head
        (b"", None),
    ],
)
def test_an_answer_is_whole_when_its_body_is(received: bytes, status: int | None) -> None:
    assert whole_answer(received) == status


def test_a_request_says_how_long_its_body_is() -> None:
    assert post("host", "/x", {"A": "b"}, "{}").splitlines() == [
        b"POST /x HTTP/1.1",
        b"Host: host",
        b"Content-Type: application/json",
        b"Content-Length: 2",
        b"A: b",
        b"",
        b"{}",
    ]


def test_a_connection_the_server_has_closed_is_no_failure_of_the_server() -> None:
    closing = Server(requests_a_connection=1)
    closing.thread.start()
    try:
        sent = generate(Job(closing.port, "/", ["{}"] * (STALLED_AT - 1), rate=10, connections=1))
    finally:
        closing.stop()

    assert sent.all_answered(202)
