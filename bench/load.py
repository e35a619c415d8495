"""The load generator: a process of its own, so that it shares no interpreter with what it measures.

Open loop: every request leaves at its scheduled time whatever became of the earlier ones, and its latency counts from
that time, so a server that stalls cannot hide the requests that queued up meanwhile (coordinated omission).
"""

import asyncio
import json
import resource
import selectors
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from bench.http_client import Connection, post

_GRACE_S = 30
_LEAD_S = 0.2


@dataclass(frozen=True, slots=True)
class Job:
    """Requests to send: `rate` a second in an open loop, or (None) as fast as `connections` connections take them."""

    port: int
    path: str
    bodies: Sequence[str]
    headers: Mapping[str, str] = field(default_factory=dict)
    rate: float | None = None
    connections: int = 8
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a job: ms from the scheduled time to the answer, how late requests left (ms), answers by status.

    `began_at` is epoch seconds of the first request's time, `cpu_s` what the generator itself used while sending.
    """

    latency_ms: list[float]
    late_ms: list[float]
    statuses: dict[str, int]
    began_at: float
    seconds: float
    cpu_s: float

    def all_answered(self, status: int) -> bool:
        """Tell whether every request was answered so."""
        return self.statuses == {str(status): len(self.latency_ms)}


def generate(job: Job) -> Sent:
    """Run a job in a new process. RuntimeError when that process fails."""
    request = json.dumps(asdict(job))
    # S603: our own module with our own words
    ended = subprocess.run(
        [sys.executable, "-m", "bench.load"], input=request, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise RuntimeError(f"the load generator failed:\n{ended.stderr}")
    return Sent(**json.loads(ended.stdout))


class Generator:
    """Sends a job's requests and remembers the times."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._requests = [post(job.host, job.path, job.headers, body) for body in job.bodies]
        self._idle: list[Connection] = []
        self._latency_ms: list[float] = []
        self._late_ms: list[float] = []
        self._statuses: Counter[str] = Counter()

    async def run(self) -> Sent:
        """Send everything and wait for every answer."""
        self._idle = [await self._connect() for _ in range(self._job.connections)]
        before = _cpu_s()
        started, began_at = time.monotonic() + _LEAD_S, time.time() + _LEAD_S
        await (self._closed_loop(started) if self._job.rate is None else self._open_loop(started, self._job.rate))
        seconds = time.monotonic() - started
        for connection in self._idle:
            connection.close()
        return Sent(self._latency_ms, self._late_ms, dict(self._statuses), began_at, seconds, _cpu_s() - before)

    async def _open_loop(self, started: float, rate: float) -> None:
        loop, sending = asyncio.get_running_loop(), []
        for number, request in enumerate(self._requests):
            due = started + number / rate
            await asyncio.sleep(due - loop.time())
            sending.append(asyncio.create_task(self._send(request, due)))
        await asyncio.wait_for(asyncio.gather(*sending), _GRACE_S)

    async def _closed_loop(self, started: float) -> None:
        await asyncio.sleep(started - time.monotonic())
        waiting = iter(self._requests)

        async def one_connection() -> None:
            for request in waiting:
                await self._send(request, time.monotonic())

        await asyncio.gather(*(one_connection() for _ in range(self._job.connections)))

    async def _send(self, request: bytes, due: float) -> None:
        self._late_ms.append((time.monotonic() - due) * 1000)
        try:
            connection = self._kept() or await self._connect()
            status = str(await connection.send(request))
            self._idle.append(connection)
        except OSError as error:
            status = type(error).__name__
        self._latency_ms.append((time.monotonic() - due) * 1000)
        self._statuses[status] += 1

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        return await Connection.open(self._job.host, self._job.port)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _precise_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that wakes to the microsecond; epoll rounds waits up to the next millisecond."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def main() -> int:
    """Read a job from stdin, write what became of it to stdout."""
    job = Job(**json.load(sys.stdin))
    with asyncio.Runner(loop_factory=_precise_loop) as runner:
        sent = runner.run(Generator(job).run())
    json.dump(asdict(sent), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
