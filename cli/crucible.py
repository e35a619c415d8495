"""`opitios crucible`: orders under fire in a system of its own, and a judge (docs/crucible.md)."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def crucible(
    orders: Annotated[int, typer.Option(min=1, help="how many orders are asked for")] = 300,
    faults: Annotated[int, typer.Option(min=1, help="how many faults strike meanwhile")] = 30,
    seed: Annotated[int, typer.Option(help="the same seed and sizes give the same plan")] = 1,
    report: Annotated[Path | None, typer.Option(help="write a report here, and JSON beside it")] = None,
) -> None:
    """Kill, stop and cut everything under load, and prove that no order was lost or doubled.

    It starts a system of its own in a temporary home; a running one is not touched. Exit code 1: something is wrong;
    2: a fault never struck, so the run proves nothing.
    """
    words = ["--orders", str(orders), "--faults", str(faults), "--seed", str(seed)]
    words += [] if report is None else ["--report", str(report)]
    # its place is taken: signals and the exit code are the run's own, and nothing of it is loaded here
    os.execv(sys.executable, [sys.executable, "-m", "crucible", *words])  # noqa: S606  no shell, our own module
