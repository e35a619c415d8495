"""Where Opitios keeps its data: one directory a machine, named by OPITIOS_HOME.

Layout (every file 0600, made by `opitios run`)::

    runtime.json   what the stack chose: ports and URLs with generated passwords
    secrets.yml    broker accounts and the signing key (the predecessor's structure)
    session.json   the CLI's token after `opitios login`
    postgres/ redis/ exchange/   data of the embedded servers
    logs/app/ logs/errors/       one file a process
    audit/         the key that signs seals, their checkpoints (keep a copy elsewhere), and archive/ of retired months
    spool/         what waits for Postgres to be back, one file a process
    run/           supervisor's socket, configuration and locks
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The paths below one OPITIOS_HOME."""

    root: Path

    @property
    def runtime(self) -> Path:
        """What the stack chose at its last start, as JSON."""
        return self.root / "runtime.json"

    @property
    def secrets(self) -> Path:
        """The settings file in the predecessor's structure."""
        return self.root / "secrets.yml"

    @property
    def session(self) -> Path:
        """The CLI's token."""
        return self.root / "session.json"

    @property
    def postgres(self) -> Path:
        """Data directory of the embedded Postgres."""
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        """Data directory of the embedded Redis."""
        return self.root / "redis"

    @property
    def exchange(self) -> Path:
        """Journal and accounts of the simulated exchange."""
        return self.root / "exchange"

    @property
    def logs(self) -> Path:
        """Parent of `app/` and `errors/`."""
        return self.root / "logs"

    @property
    def spool(self) -> Path:
        """What could not be written while Postgres was away."""
        return self.root / "spool"

    @property
    def audit(self) -> Path:
        """The key that signs seals, their checkpoints, and archived months."""
        return self.root / "audit"

    @property
    def run(self) -> Path:
        """Sockets, locks and the supervisor's configuration."""
        return self.root / "run"


def find_home(environ: Mapping[str, str] | None = None) -> Home:
    """Return the home named by OPITIOS_HOME, else the default of this user (root: /var/lib/opitios)."""
    given = (environ if environ is not None else os.environ).get("OPITIOS_HOME", "").strip()
    if given:
        return Home(Path(given).expanduser().resolve())
    if os.geteuid() == 0:
        return Home(Path("/var/lib/opitios"))
    return Home(Path.home() / ".local" / "share" / "opitios")
