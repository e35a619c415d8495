"""What every test shares: the house with and without its processes, and the count of requirements proven."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.house import Bed, House, bed, house
from tools.requirements import read_ledger


@pytest.fixture(scope="session")
def quiet() -> Iterator[Bed]:
    """Servers and exchange without our processes: a test plays the worker itself."""
    with bed() as made:
        yield made


@pytest.fixture(scope="session")
def trap() -> Iterator["Trap"]:
    """A loopback server that is no known paper host and not the exchange: nothing may ever be posted there."""
    made = Trap()
    yield made
    made.close()


@pytest.fixture(scope="session")
def running(trap: "Trap") -> Iterator[House]:
    """Everything running; each test takes an account of its own. `live-1` stands at an endpoint that counts as live."""
    live = {"api_key": "PKLIVE", "secret_key": "live-secret", "base_url": trap.url, "data_url": trap.url}
    with house({"live-1": live}) as made:
        yield made


class Trap:
    """Listens, reads whatever comes, refuses it, and remembers the request lines.

    A refusal, not a failure: a broker that fails would have its entries held before anybody looks at the endpoint.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.seen: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            with peer:
                self.seen.append(peer.recv(65536).decode("latin-1").partition("\r\n")[0])
                peer.sendall(b"HTTP/1.1 403 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def close(self) -> None:
        """Stop listening."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ledger = read_ledger()
    terminalreporter.write_line(ledger.summary())
    for problem in ledger.problems():
        terminalreporter.write_line(f"  {problem}", red=True)
