"""docker-compose.yml as compose reads it, and its services as processes of this machine."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from deploy.prepare import prepare
from stack.binaries import find_redis
from tests.support.ports import free_ports
from tests.workers.local import LocalProcess

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})")


class Missing(Exception):
    """A variable that the file demands is not set."""


def services() -> dict[str, dict[str, Any]]:
    """Return every service as it is written, with its merges."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
    return found


def interpolated(value: Any, environ: Mapping[str, str]) -> Any:
    """Put variables in, as compose does. Raises Missing for one that is demanded."""
    if isinstance(value, dict):
        return {key: interpolated(entry, environ) for key, entry in value.items()}
    if isinstance(value, list):
        return [interpolated(entry, environ) for entry in value]
    return _VARIABLE.sub(lambda found: _value(found, environ), value) if isinstance(value, str) else value


def _value(found: re.Match[str], environ: Mapping[str, str]) -> str:
    name, kind, text = found.groups()
    if name is None:
        return "$"
    if environ.get(name):
        return environ[name]
    if kind != "-":
        raise Missing(name)
    return text or ""


def dot_env(path: Path) -> dict[str, str]:
    """Return what a .env file sets."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@dataclass
class LocalCompose:
    """The services' very commands and environments, with this machine's addresses and paths in place of compose's."""

    directory: Path
    postgres_url: str
    ports: dict[str, str]
    variables: dict[str, str]
    processes: dict[str, LocalProcess] = field(default_factory=dict)

    def environment(self, name: str) -> dict[str, str]:
        """Return a service's variables, and nothing of the caller's but where programs and this tree are."""
        given = interpolated(services()[name]["environment"], self.variables)
        own = {key: self._local(value, name) for key, value in given.items()}
        programs = {"PATH": f"{self.directory / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        return own | programs | {"PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}

    def command(self, name: str) -> list[str]:
        """Return a service's command line."""
        first, *rest = (self._local(word, name) for word in interpolated(services()[name]["command"], self.variables))
        program = {"python": [sys.executable], "opitios": [sys.executable, "-m", "cli.main"]}.get(first, [first])
        return [*program, *rest]

    def start(self, name: str) -> LocalProcess:
        """Start a service as it is written."""
        home = self.directory / name
        process = LocalProcess(name, self.command(name), home, self.environment(name))
        self.processes[name] = process
        return process

    def run(self, name: str, *words: str, like: str) -> LocalProcess:
        """Run `opitios WORDS` with the environment of the service `like`, as `docker compose exec` would."""
        argv = [sys.executable, "-m", "cli.main", *words]
        return LocalProcess(name, argv, self.directory / name, self.environment(like))

    def _local(self, value: str, service: str) -> str:
        server = urlsplit(self.postgres_url)
        places = {
            "@postgres:5432/opitios": f"@{server.hostname}:{server.port}{server.path}",
            "@redis:6379": f"@127.0.0.1:{self.ports['redis']}",
            "http://exchange:8092": f"http://127.0.0.1:{self.ports['exchange']}",
            "0.0.0.0": "127.0.0.1",  # noqa: S104  a container's; here nobody else shall reach it
            "/var/lib/opitios": str(self.directory / service),
            "/etc/opitios": str(self.directory / "deploy" / "local" / "settings"),
            "/srv/checkpoints": str(self.directory / "deploy" / "local" / "checkpoints"),
            "/srv/exchange": str(self.directory / "deploy" / "local" / "exchange"),
            "dir /data": f"dir {self.directory / service}",
        }
        numbers = {"8090": "api", "5555": "flower", "8092": "exchange", "8093": "control", "6379": "redis"}
        for place, here in places.items():
            value = value.replace(place, here)
        return re.sub(r"(?<=port=)\d{4}\b|(?<=port )\d{4}\b|^\d{4}$", lambda it: self.ports[numbers[it[0]]], value)


@contextmanager
def local_compose(directory: Path, postgres_url: str) -> Iterator[LocalCompose]:
    """Prepare an installation with the simulated exchange below `directory`; at the end, nothing of it runs."""
    prepare(directory, simulated=True, uid=os.geteuid(), gid=os.getegid())
    settings = directory / "deploy" / "local" / "settings" / "secrets.yml"
    names = ("api", "flower", "exchange", "control", "redis")
    ports = dict(zip(names, map(str, free_ports(len(names))), strict=True))
    moved = settings.read_text(encoding="utf-8").replace(
        "http://exchange:8092", f"http://127.0.0.1:{ports['exchange']}"
    )
    settings.write_text(moved, encoding="utf-8")
    (directory / "bin").mkdir()
    (directory / "bin" / "redis-server").symlink_to(find_redis(os.environ))
    variables = dot_env(directory / ".env") | {"POSTGRES_PASSWORD": str(urlsplit(postgres_url).password)}
    made = LocalCompose(directory, postgres_url, ports, variables)
    try:
        yield made
    finally:
        for process in made.processes.values():
            if process.status == "running":
                process.kill()
        shutil.rmtree(directory / "redis", ignore_errors=True)
