"""A report of a million rows as a file: how long the command takes, and how much memory at its peak."""

import datetime as dt
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.child import output_of
from bench.record.fill import months_before
from bench.record.server import Server

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Exported:
    """Rows and bytes of the file, seconds of the command from its start to its end, and its peak memory in MB."""

    rows: int
    size: int
    seconds: float
    peak_mb: float


def export_csv(server: Server, rows: int, now: dt.datetime) -> Exported:
    """Write so many attempts of the six months before this one. RuntimeError when the command fails."""
    file = Path(server.environ["OPITIOS_HOME"]) / "order-timing.csv"
    *_, this = began = months_before(now, 7)
    span = ["--from", f"{began[0]:%Y-%m-%d}", "--to", f"{this - dt.timedelta(days=1):%Y-%m-%d}"]
    options = [*span, "--format", "csv", "--limit", str(rows), "--output", str(file)]
    command = [sys.executable, "-m", "cli.main", "report", "order-timing", *options]
    used = json.loads(output_of("bench.peak", *command, environ=server.environ))
    with file.open("rb") as written:
        lines = sum(block.count(b"\r\n") for block in iter(lambda: written.readline(_BLOCK), b""))
    exported = Exported(lines - 1, file.stat().st_size, used["seconds"], used["peak_mb"])
    file.unlink()
    return exported
