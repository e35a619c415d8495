"""A call ends within its deadline whatever the other side does, and no other call pays for it."""

import itertools
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import requests

from brokers.deadline import Call, DeadlineAdapter, Watchdog, _current, last_network_ms, last_request_id
from config.clock import SYSTEM_CLOCK
from tests.brokers.servers import CERTIFICATE, Maker, Server, answers, ignores, resets, sends, serving

TOTAL_S = 0.4
GRACE_S = 0.3  # two busy cores; a call that is not cut lasts until its server is closed
OK = answers(200, b"{}", headers=b"X-Request-ID: r-1\r\n")

WATCHDOG = Watchdog(SYSTEM_CLOCK)


def new_session(total_s: float = TOTAL_S, *, watchdog: Watchdog = WATCHDOG, pool_size: int = 32) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(CERTIFICATE)
    adapter = DeadlineAdapter(SYSTEM_CLOCK, watchdog, total_s=total_s, pool_size=pool_size)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with new_session() as made:
        yield made


def lasted(call: Callable[[], Any]) -> tuple[float, BaseException | None]:
    """How long a call took in seconds, and how it failed."""
    started = SYSTEM_CLOCK.monotonic_ms()
    failure: BaseException | None = None
    try:
        call()
    except requests.RequestException as error:
        failure = error
    return (SYSTEM_CLOCK.monotonic_ms() - started) / 1000, failure


STALLS: dict[str, Maker] = {
    "silent": ignores,
    "a status line and silence": sends(b"HTTP/1.1 200 OK\r\n"),
    "half a status line": sends(b"HTTP/1.1 2"),
    "headers in drops": sends(b"HTTP/1.1 200 OK\r\nX-Long: ", then_drips=b"x"),
    "one header after another": sends(b"HTTP/1.1 200 OK\r\n", then_drips=b"X: y\r\n"),
    "no body": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
    "a body in drops": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", then_drips=b" "),
    "a chunk in drops": sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", then_drips=b" "),
    "chunks without end": sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", then_drips=b"1\r\n \r\n"),
    "a body without a length": sends(b"HTTP/1.1 200 OK\r\n\r\n12", then_drips=b"3"),
    "an early hint without end": sends(then_drips=b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a refusal in drops": sends(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 99999\r\n\r\n", then_drips=b" "),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("stall", STALLS)
def test_every_way_to_stall_is_cut_at_the_deadline(session: requests.Session, stall: str, *, tls: bool) -> None:
    with serving(STALLS[stall], tls=tls) as server:
        seconds, failure = lasted(lambda: session.post(server.url, json={"qty": "1"}))

    assert isinstance(failure, requests.RequestException)
    assert not isinstance(failure, requests.ConnectTimeout)  # the request was sent
    assert seconds < TOTAL_S + GRACE_S


def test_a_handshake_that_never_ends_is_cut(session: requests.Session) -> None:
    with serving(ignores) as server:
        seconds, failure = lasted(lambda: session.post(server.url.replace("http:", "https:")))

    assert isinstance(failure, requests.RequestException)
    assert seconds < TOTAL_S + GRACE_S


def test_a_full_backlog_is_no_connection(session: requests.Session) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address), _attempt(address), _attempt(address):
            seconds, failure = lasted(lambda: session.post(f"http://127.0.0.1:{address[1]}"))

    assert isinstance(failure, requests.ConnectTimeout)
    assert seconds < TOTAL_S + GRACE_S


def _attempt(address: tuple[str, int]) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)  # noqa: FBT003  the standard library's signature
    sock.connect_ex(address)
    return sock


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_connection_that_stands_too_late_carries_no_request(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch, *, tls: bool
) -> None:
    resolve = socket.getaddrinfo

    def slow(*args: Any, **options: Any) -> Any:
        threading.Event().wait(TOTAL_S + 0.1)
        return resolve(*args, **options)

    with serving(OK, tls=tls) as server:
        monkeypatch.setattr(socket, "getaddrinfo", slow)  # the resolver is nobody's to slow down for real
        with pytest.raises(requests.ConnectTimeout):
            session.post(server.url, json={"qty": "1"})

        assert server.requests == []


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_next_call_after_a_cut_one_works(session: requests.Session, *, tls: bool) -> None:
    with (
        serving(sends(b"HTTP/1.1 200 OK\r\n", then_drips=b"X: y\r\n"), tls=tls) as stalling,
        serving(OK, tls=tls) as good,
    ):
        lasted(lambda: session.get(stalling.url))

        assert session.get(good.url).json() == {}


def test_a_cut_connection_is_never_used_again(session: requests.Session) -> None:
    turns = itertools.count()

    def first_stalls(server: Callable[[], Server]) -> Callable[[socket.socket], None]:
        stall, good = sends(b"HTTP/1.1 200 OK\r\n\r\n1", then_drips=b"2")(server), OK(server)

        def behave(sock: socket.socket) -> None:
            (stall if next(turns) == 0 else good)(sock)

        return behave

    with serving(first_stalls) as server:
        assert lasted(lambda: session.get(server.url))[1] is not None
        assert session.get(server.url).ok
        assert server.connections == 2


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_quick_calls_share_one_connection(session: requests.Session, *, tls: bool) -> None:
    with serving(OK, tls=tls) as server:
        for _ in range(5):
            session.get(server.url)

        assert (server.connections, len(server.requests)) == (1, 5)


def test_nothing_is_sent_twice(session: requests.Session) -> None:
    with serving(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")) as server:
        lasted(lambda: session.post(server.url, json={}))

        assert (server.connections, len(server.requests)) == (1, 1)


def test_a_deadline_that_passes_when_the_connection_is_back_cuts_nobody(session: requests.Session) -> None:
    with serving(OK) as server:
        session.get(server.url)
        pools = session.get_adapter(server.url).poolmanager.pools  # type: ignore[attr-defined]  # the base has none
        [pool] = [pools[key].pool for key in pools.keys()]  # noqa: SIM118  it does not iterate
        cut: list[Call] = []
        put = pool.put

        def put_and_cut(connection: Any, *, block: bool) -> None:
            put(connection, block=block)
            _current.call.cut()
            cut.append(_current.call)

        pool.put = put_and_cut
        assert session.get(server.url).ok
        pool.put = put
        assert session.get(server.url).ok
        assert (server.connections, len(cut)) == (1, 1)


def test_calls_that_end_near_their_deadline_never_cut_each_other() -> None:
    total_s = 0.06
    turns = itertools.count()

    def close_call(server: Callable[[], Server]) -> Callable[[socket.socket], None]:
        def behave(sock: socket.socket) -> None:
            while server().read_request(sock):
                threading.Event().wait(total_s - 0.012 + 0.0015 * (next(turns) % 10))
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        return behave

    with (
        serving(close_call) as server,
        new_session(total_s, pool_size=4) as session,
        ThreadPoolExecutor(8) as threads,
    ):
        ends = list(threads.map(lambda _: lasted(lambda: session.get(server.url)), range(200)))

    assert any(failure is None for _, failure in ends)
    assert [seconds for seconds, failure in ends if failure is not None and seconds < total_s * 0.95] == []


def test_a_finished_call_is_nobodys_to_cut() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(2)
        theirs.settimeout(2)
        call = Call(0)
        call.on(ours)
        call.finish()
        call.cut()

        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"
        assert not call.expired


def test_a_call_that_expired_before_its_socket_loses_it_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(2)
        theirs.settimeout(2)
        call = Call(0)
        call.cut()
        call.on(ours)

        assert theirs.recv(1) == b""


def test_a_cut_tls_connection_never_hands_out_what_is_still_encrypted() -> None:
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with serving(sends(b"in plain words"), tls=True) as server:
        raw = socket.create_connection(("127.0.0.1", server.port), 2)
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as sock:
            call = Call(0)
            call.on(sock)
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert sock.recv(8) == b"in plain"  # the rest of the record waits
            call.cut()

            assert sock.recv(64) in {b" words", b""}


def test_an_early_deadline_is_kept_while_a_later_one_waits() -> None:
    watchdog = Watchdog(SYSTEM_CLOCK)
    with (
        serving(ignores) as server,
        new_session(3, watchdog=watchdog) as slow,
        new_session(0.2, watchdog=watchdog) as quick,
    ):
        waiting = threading.Thread(target=lambda: lasted(lambda: slow.get(server.url)))
        waiting.start()
        seconds, failure = lasted(lambda: quick.get(server.url))
        server.close()
        waiting.join(5)

    assert failure is not None
    assert seconds < 0.2 + GRACE_S


def test_one_thread_watches_all_calls_and_no_socket_stays_open() -> None:
    watchdog = Watchdog(SYSTEM_CLOCK)
    with serving(STALLS["a body in drops"]) as server:
        lasted(lambda: requests.get(server.url, timeout=0.01))  # what a first call loads stays open
        threads, files = _watchers(), _open_sockets()
        with new_session(0.1, watchdog=watchdog) as session:
            with ThreadPoolExecutor(6) as pool:
                list(pool.map(lambda _: lasted(lambda: session.get(server.url)), range(12)))
            assert _watchers() == threads + 1
        server.close()

        assert _open_sockets() <= files


def _watchers() -> int:
    return sum(thread.name == "http-deadline" for thread in threading.enumerate())


def _open_sockets() -> int:
    found = 0
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  only names are wanted
        with suppress(OSError):
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")  # noqa: PTH115  likewise
    return found


@pytest.mark.requirement("TRD-001")
def test_the_time_on_the_wire_is_measured_and_the_brokers_id_kept(session: requests.Session) -> None:
    with serving(answers(200, b"{}", headers=b"X-Request-ID: r-7\r\n", delay_s=0.1)) as server:
        session.get(server.url)

    wire = last_network_ms()
    assert wire is not None
    assert 100 <= wire < 100 + GRACE_S * 1000
    assert last_request_id() == "r-7"


@pytest.mark.requirement("TRD-001")
def test_a_failed_call_is_measured_and_forgets_the_last_ones_id(session: requests.Session) -> None:
    with serving(OK) as server:
        session.get(server.url)
    with serving(resets) as broken:
        lasted(lambda: session.get(broken.url))

    assert last_network_ms() is not None
    assert last_request_id() is None


def test_a_thread_without_a_call_has_no_time() -> None:
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(last_network_ms).result() is None
        assert threads.submit(last_request_id).result() is None
