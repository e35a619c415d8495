"""A sign of life on the disk: when a process was last at it, for whoever cannot ask Postgres (MON-002).

The file holds milliseconds of the clock that all processes of a machine share and that nobody sets; after a restart of
the machine they say nothing.
"""

import os
from contextlib import suppress

from config.clock import SYSTEM_CLOCK
from config.home import Home

SILENT_S = 10.0
"""After so long without a beat the sell worker is frozen or gone."""

SELLER = "worker-sell"
SEALER = "sealer"
_WIDTH = 20


def beat(home: Home, process: str = SELLER) -> None:
    """Say that the process is at it now. A file that cannot be written is silence, and is told as such."""
    said = f"{SYSTEM_CLOCK.monotonic_ms():0{_WIDTH}.0f}\n".encode()
    with suppress(OSError):
        home.run.mkdir(mode=0o700, parents=True, exist_ok=True)  # a container's home begins empty
        file = os.open(home.run / f"{process}.alive", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.pwrite(file, said, 0)  # always as long: a reader sees the old one or the new one
        finally:
            os.close(file)


def age(home: Home, process: str = SELLER) -> float | None:
    """Return how many seconds ago the last beat was; None where there was none since the machine started."""
    try:
        beat_ms = float((home.run / f"{process}.alive").read_bytes())
    except (OSError, ValueError):
        return None
    passed = SYSTEM_CLOCK.monotonic_ms() - beat_ms
    return passed / 1000 if passed >= -1 else None
