"""Runs tests with a bug planted, or without any, and says which of them failed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.planted.planted import ROOT, VARIABLE, Planted

PATIENCE_S = 240
FAILED, PASSED = "failed", "passed"


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of each test, and how long they took together (s); a test that never ended is left out."""

    outcomes: Mapping[str, str]
    seconds: float  # float: seconds
    output: str

    def which(self, outcome: str) -> set[str]:
        """Return the tests that ended so."""
        return {test for test, found in self.outcomes.items() if found == outcome}


def try_tests(tests: Collection[str], bug: Planted | None = None, *, patience_s: float = PATIENCE_S) -> Trial:
    """Run the tests in a process of their own; without a bug they see the code as it is."""
    with tempfile.TemporaryDirectory(prefix="planted-") as directory:
        report = Path(directory) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}"]
        began = time.monotonic()  # noqa: TID251  a real process is timed
        output = run([*command, *sorted(tests)], environment(bug), patience_s)
        seconds = time.monotonic() - began  # noqa: TID251  likewise
        outcomes = _outcomes(report.read_text(encoding="utf-8")) if report.exists() else {}
    return Trial({test: outcomes[test] for test in tests if test in outcomes}, seconds, output)


def environment(bug: Planted | None) -> dict[str, str]:
    """Return this process' environment with the bug, or without any."""
    own = {key: value for key, value in os.environ.items() if key != VARIABLE}
    return own | ({"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"} if bug is None else bug.environment())


def run(command: list[str], environ: Mapping[str, str], patience_s: float) -> str:
    """Run a command that starts servers; return its output. One that takes too long is asked to stop them."""
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            return process.communicate(timeout=patience_s)[0]
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            return process.communicate()[0]


def _outcomes(report: str) -> dict[str, str]:
    """Return the outcome by test; one with several cases failed where one of them did."""
    found: dict[str, str] = {}
    for case in ET.fromstring(report).iter("testcase"):  # noqa: S314  pytest has just written it
        test = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
        outcome = next((kind for kind in ("error", "failure", "skipped") if case.find(kind) is not None), PASSED)
        outcome = FAILED if outcome == "failure" else outcome
        if found.get(test, PASSED) == PASSED:
            found[test] = outcome
    return found
