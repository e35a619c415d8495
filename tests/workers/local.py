"""pytest-celery's containers as processes of this machine: its scenarios without a Docker engine."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import redis
from pytest_celery import CeleryWorkerContainer, RedisContainer

from stack.binaries import find_redis
from stack.waiting import poll
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
_END_S = 20


class LocalProcess:
    """One process with as much of a Docker container's face as pytest-celery looks at."""

    def __init__(self, name: str, argv: Sequence[str], directory: Path, environ: Mapping[str, str]) -> None:
        self.name = name
        self.id = name.ljust(12)  # pytest-celery cuts a host's name from it
        self.output = directory / f"{name}.out"
        self._argv, self._directory, self._environ = list(argv), directory, dict(environ)
        directory.mkdir(parents=True, exist_ok=True)
        self._start()

    @property
    def pid(self) -> int:
        """The process's id, also after its end."""
        return self._process.pid

    @property
    def status(self) -> str:
        """Docker's word: running or exited."""
        return "running" if self._process.poll() is None else "exited"

    @property
    def exit_code(self) -> int | None:
        """The exit code, a signal as a negative number, None while it runs."""
        return self._process.poll()

    @property
    def attrs(self) -> dict[str, Any]:
        """No networks and no published ports."""
        return {"NetworkSettings": {"Networks": {}, "Ports": {}}, "HostConfig": {"PortBindings": {}}}

    def reload(self) -> None:
        """Nothing is cached."""

    def logs(self) -> bytes:
        """Return what it has written to stdout and stderr."""
        return self.output.read_bytes()

    def kill(self, signal: str | int | None = "SIGKILL") -> None:
        """Send a signal and wait for the end it brings; TimeoutExpired after 20 s."""
        self.send(signal or "SIGKILL")
        self.wait()

    def send(self, number: str | int) -> None:
        """Send a signal and return at once; a process that has ended is left alone."""
        self._process.send_signal(signal.Signals[number] if isinstance(number, str) else number)

    def wait(self, seconds: float = _END_S) -> int:
        """Return the exit code once it has ended; TimeoutExpired when it does not."""
        return self._process.wait(seconds)

    def restart(self, timeout: float = _END_S) -> None:
        """End it politely and start it again on the same data."""
        self.send("SIGTERM")
        self.wait(timeout)
        self._start()

    def _start(self) -> None:
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                self._argv, cwd=self._directory, env=self._environ, stdout=output, stderr=output, start_new_session=True
            )


class _Local:
    """What both kinds share: the process below is reached directly, and ended with the test."""

    _container: LocalProcess

    @property
    def process(self) -> LocalProcess:
        """The process itself."""
        return self._container

    def teardown(self) -> None:
        """End the process, whatever it does."""
        if self.process.status == "running":
            self.process.kill()


class LocalRedis(_Local, RedisContainer):  # type: ignore[misc]  # pytest-celery's types are docker's, which has none
    """A Redis of its own for one test, with the append-only file that the stack's Redis has too."""

    def __init__(self, directory: Path) -> None:
        self._port = free_port()
        settings = ["--port", str(self._port), "--bind", "127.0.0.1", "--appendonly", "yes", "--save", ""]
        argv = [str(find_redis(os.environ)), *settings, "--dir", str(directory)]
        super().__init__(LocalProcess("redis", argv, directory, os.environ))

    def ready(self) -> bool:
        """Return whether it answers PING; its log still has the prompt of the last start."""
        client = redis.Redis.from_url(self.host_url)
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
        finally:
            client.close()

    @property
    def port(self) -> int:
        """The loopback port."""
        return self._port

    @property
    def hostname(self) -> str:
        """Loopback."""
        return "127.0.0.1"

    @property
    def host_url(self) -> str:
        """The URL for everybody: nothing stands between host and container."""
        return f"redis://127.0.0.1:{self._port}/{self.vhost}"

    url = host_url


class LocalWorker(_Local, CeleryWorkerContainer):  # type: ignore[misc]  # likewise
    """A worker process of ours; `log` is the file it logs to, its output unless it has one of its own."""

    def __init__(
        self, name: str, argv: Sequence[str], directory: Path, environ: Mapping[str, str], *, log: Path | None = None
    ) -> None:
        path = {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        super().__init__(LocalProcess(name, argv, directory, {**os.environ, **path, **environ}))
        self.log = log or self.process.output

    def logs(self) -> str:
        """Return what it has logged so far."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def ready(self) -> bool:
        """Return whether it consumes, waiting for it up to 20 s."""
        return poll(lambda: self.ready_prompt in self.logs(), seconds=_END_S)
