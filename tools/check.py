"""`make check`: everything about the tree that can be judged without running the product.

Each check is a command of its own; two run at a time, the longest first. One line a check as it ends, the output of
those that failed after the last.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from config.clock import SYSTEM_CLOCK

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 2
SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Check:
    """A name for the line and the command whose exit status decides."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """How a check ended."""

    check: Check
    passed: bool
    seconds: float
    output: str


CHECKS = (
    Check("types", (sys.executable, "-m", "mypy")),
    Check("migrations", (sys.executable, "-m", "tools.alembic_check")),
    Check("import contracts", (str(SCRIPTS / "lint-imports"), "--no-logo")),
    Check("house rules", (sys.executable, "-m", "tools.house_rules")),
    Check("dependencies", (sys.executable, "-m", "deptry", "--no-ansi", ".")),
    Check("lint", (sys.executable, "-m", "ruff", "check", "--quiet", ".")),
    Check("format", (sys.executable, "-m", "ruff", "format", "--quiet", "--check", ".")),
    Check("requirements table", (sys.executable, "-m", "tools.requirements", "--check")),
)


def main(checks: Sequence[Check] = CHECKS) -> int:
    """Run the checks, print their lines, and return 0 only when all passed."""
    started = SYSTEM_CLOCK.monotonic_ms()
    results: list[Result] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in as_completed([pool.submit(run, check) for check in checks]):
            result = future.result()
            results.append(result)
            print(f"{'ok  ' if result.passed else 'FAIL'} {result.check.name:<20} {result.seconds:5.1f} s", flush=True)
    failed = [result for result in results if not result.passed]
    for result in failed:
        print(f"\n--- {result.check.name}: {' '.join(result.check.command)}\n{result.output.rstrip()}")
    seconds = (SYSTEM_CLOCK.monotonic_ms() - started) / 1000
    print(f"\n{len(results) - len(failed)} of {len(results)} checks passed in {seconds:.1f} s")
    return 1 if failed else 0


def run(check: Check) -> Result:
    """Run one check from the top of the tree, so that this tree is judged and not an installed copy."""
    started = SYSTEM_CLOCK.monotonic_ms()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Result(check, done.returncode == 0, (SYSTEM_CLOCK.monotonic_ms() - started) / 1000, done.stdout)


if __name__ == "__main__":
    sys.exit(main())
