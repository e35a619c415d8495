"""The table of processes: what the supervisor keeps alive, and how each one is stopped.

No secret stands here: arguments can be read by every user of the machine, so processes find passwords in runtime.json.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.home import Home
from stack.runtime import Runtime

INFRASTRUCTURE = "infrastructure"
APPLICATION = "application"
PROJECT_ROOT = Path(__file__).resolve().parent.parent

PROCESS_VARIABLE = "OPITIOS_PROCESS"
HOME_VARIABLE = "OPITIOS_HOME"
CONFIG_VARIABLE = "OPITIOS_CONFIG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One supervised process.

    `stage` is `infrastructure` (started first) or `application` (started after the migrations, stopped first).
    `stop_signal` is the polite signal without SIG; after `stop_seconds` seconds the process is killed.
    `user` is the account it runs as, None for the caller's own.
    """

    name: str
    argv: tuple[str, ...]
    stage: str = APPLICATION
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    environment: Mapping[str, str] = field(default_factory=dict)


ProcessTable = Callable[[Home, Runtime], Sequence[Process]]


def house_processes(home: Home, runtime: Runtime) -> tuple[Process, ...]:
    """Return the house's own processes: the simulated exchange and the applications."""
    return (exchange(home, runtime), *applications())


def exchange(home: Home, runtime: Runtime) -> Process:
    """Return the simulated exchange, which keeps its journal and accounts under the home."""
    ports = runtime.ports
    return Process(
        name="exchange",
        argv=_module(
            "exchange",
            "--port",
            str(ports.exchange),
            "--control-port",
            str(ports.control),
            "--data",
            str(home.exchange),
            "--accounts",
            str(home.exchange / "accounts.json"),
        ),
        stage=INFRASTRUCTURE,
        stop_seconds=10,
    )  # fmt: skip  the pairs of option and value read as pairs


def applications() -> tuple[Process, ...]:
    """Return the processes that need the schema. SIGTERM is warm: a worker ends its tasks first (R30)."""
    return (
        Process(name="api", argv=_module("api"), stop_seconds=15),
        Process(name="worker-entries", argv=_module("tasks.worker", "entries")),
        Process(name="worker-exits", argv=_module("tasks.worker", "exits")),
        Process(name="worker-sell", argv=_module("tasks.worker", "sell")),
        Process(name="worker-background", argv=_module("tasks.worker", "background")),
        Process(name="relay", argv=_module("tasks.relay"), stop_seconds=10),
        Process(name="sealer", argv=_module("tasks.sealer"), stop_seconds=10),
        Process(name="streams", argv=_module("streams"), stop_seconds=10),
        Process(name="beat", argv=_module("tasks.beat"), stop_seconds=10),
        Process(name="flower", argv=_module("tasks.flower"), stop_seconds=10),
    )


def common_environment(home: Home, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what every process gets besides the caller's environment: where its files are, in absolute paths."""
    inherited = [str(Path(entry).resolve()) for entry in environ.get("PYTHONPATH", "").split(":") if entry]
    search_path = dict.fromkeys([str(PROJECT_ROOT), *inherited])
    common = {
        HOME_VARIABLE: str(home.root),
        "PYTHONPATH": ":".join(search_path),
        # The working directory is the data directory; nothing that lies there may shadow a module.
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }
    settings = environ.get(CONFIG_VARIABLE, "").strip()
    if settings:
        common[CONFIG_VARIABLE] = str(Path(settings).expanduser().resolve())
    return common


def _module(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *words)
