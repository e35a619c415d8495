"""Runs the crucible with a bug planted: what do faults, load and the exchange's ledger see of it?"""

import json
import sys
import tempfile
from pathlib import Path

from tests.planted.planted import Planted
from tests.planted.trial import environment, run

SIZE = ("--orders", "150", "--faults", "15")
PATIENCE_S = 400


def found_by_fire(seed: int, bug: Planted | None = None) -> list[str] | None:
    """Return the kinds of what must not be that one run found, sorted; None when the run could not be judged."""
    with tempfile.TemporaryDirectory(prefix="planted-") as directory:
        report = Path(directory) / "report.md"
        command = [sys.executable, "-m", "crucible", *SIZE, "--seed", str(seed), "--report", str(report)]
        run(command, environment(bug), PATIENCE_S)
        figures = report.with_suffix(".json")
        if not figures.exists():
            return None
        told = json.loads(figures.read_text(encoding="utf-8"))
    kinds = sorted({violation["kind"] for violation in told["violations"]})
    return kinds if kinds or told["code"] == 0 else None


def said_by_fire(bug: Planted, seeds: int) -> str:
    """Return the cell of a bug: the first seed that found it, and as what."""
    silent = []
    for seed in range(1, seeds + 1):
        kinds = found_by_fire(seed, bug)
        if kinds:
            return f"seed {seed}: {', '.join(kinds)}"
        silent.append(f"{seed}" if kinds == [] else f"{seed} (not judged)")
    return f"not with seed {', '.join(silent)}"
