"""The crucible itself, as a person starts it: small here, large by hand (docs/crucible.md)."""

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import COMMAND, Terminal
from tests.support.house import until
from tests.support.stack import command_lines, temporary_home


@pytest.mark.requirement("TRD-001", "FR-005")
def test_nothing_is_lost_and_nothing_doubled_whatever_dies(tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    with temporary_home() as home:
        words = ("--orders", "300", "--faults", "30", "--seed", "7", "--report", str(report))
        command = [*COMMAND, "crucible", *words]
        answer = subprocess.run(command, env=Terminal(home).environ, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    verdict = answer.stdout.splitlines()[-1]
    assert re.match(r"crucible seed=7 orders=300 faults=30 kinds=\d+ idle=0 lost=0 doubled=0 .* PASS$", verdict)
    figures = json.loads(report.with_suffix(".json").read_text())
    assert len({fault["kind"] for fault in figures["faults"]}) >= 20
    assert min(fault["fired"] for fault in figures["faults"]) >= 1
    assert figures["violations"] == []
    assert verdict in report.read_text()


def test_ctrl_c_stops_everything_it_started() -> None:
    with temporary_home() as home:
        environ = Terminal(home).environ | {"TMPDIR": str(home.root)}
        process = subprocess.Popen([*COMMAND, "crucible"], env=environ, stdout=subprocess.PIPE, text=True)
        until(lambda: list(home.root.glob("opt-*/run/supervisord.pid")), 60)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 130, out
        assert list(home.root.iterdir()) == []
        assert not [line for line in command_lines() if str(home.root) in line]
