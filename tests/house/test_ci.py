"""The run on a clean clone can be started as it lies in the tree."""

import os
import subprocess
from pathlib import Path

RUN = Path(__file__).resolve().parents[2] / ".ci" / "run"


def test_it_is_executable() -> None:
    assert os.access(RUN, os.X_OK)


def test_its_syntax_is_sound() -> None:
    subprocess.run(["/bin/bash", "-n", RUN], check=True)


def test_it_stops_at_the_first_failure() -> None:
    assert "set -euo pipefail" in RUN.read_text(encoding="utf-8")
