"""The API process stays light: what it must never load is not loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEVER = ("alpaca", "brokers", "numpy", "pandas", "pyarrow", "tasks", "torch", "xlsxwriter")
SCRIPT = f"import json, sys, api.main; print(json.dumps(sorted(set({NEVER!r}) & sys.modules.keys())))"


def test_importing_the_api_loads_no_worker_broker_or_number_cruncher() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
