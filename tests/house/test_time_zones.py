"""Nothing that decides about exits asks for the server's zone: the same tests pass in three of them."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ZONES = {"UTC": 0, "America/New_York": -5, "Asia/Shanghai": 8}
"""Each with its hours from UTC on 2026-01-01, so that a zone the machine does not know is noticed."""
SUITE = (
    "tests/domain/test_exits.py",
    "tests/domain/test_exit_strategies.py",
    "tests/domain/test_prices.py",
    "tests/tasks/test_market_calendar.py",
)
SCRIPT = """
import sys, time, pytest
assert time.localtime(1767268800).tm_gmtoff == int(sys.argv[1]) * 3600, "the zone did not take"
sys.exit(pytest.main(["-q", "--noconftest", "-p", "no:cacheprovider", "-k", "not pandas", *sys.argv[2:]]))
"""


def _run(zone: str) -> tuple[str, int, str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ZONES[zone]), *SUITE],
        cwd=ROOT,
        env=os.environ | {"TZ": zone, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # a second each
        capture_output=True,
        text=True,
        check=False,
    )
    return zone, done.returncode, done.stdout + done.stderr


def test_exits_are_decided_in_the_same_way_in_every_zone_of_the_server() -> None:
    with ThreadPoolExecutor(len(ZONES)) as pool:
        for zone, code, said in pool.map(_run, ZONES):
            assert code == 0, f"TZ={zone}\n{said}"
            assert " passed" in said
