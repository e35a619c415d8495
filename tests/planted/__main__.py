"""Plants one bug after the other and runs the tests that must see it: `python -m tests.planted [NAME...]`.

First all those tests run without any bug and must pass. With `--crucible` not the tests but runs of the crucible look
for them. With `--write` figures go into docs/planted-bugs.md. The exit status is 1 when a test does not fail with its
bug, or anything is found without one.
"""

import argparse
import sys

from tests.planted.bugs import BUGS
from tests.planted.fire import found_by_fire, said_by_fire
from tests.planted.planted import Planted
from tests.planted.table import Measured, write_table
from tests.planted.trial import FAILED, PASSED, try_tests

MOST_RUNS = 3  # a race may need more than one run to be lost


def main(arguments: list[str] | None = None) -> int:
    """Try the bugs asked for, all without a name; print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="bugs to plant (all of them when none is named)")
    parser.add_argument("--list", action="store_true", help="print the bugs and end")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/planted-bugs.md")
    parser.add_argument(
        "--crucible", type=int, metavar="SEEDS", help="let the crucible look for them, with so many seeds"
    )
    given = parser.parse_args(arguments)
    unknown = set(given.names) - BUGS.keys()
    if unknown:
        parser.error(f"no such bug: {', '.join(sorted(unknown))}; --list names them")
    bugs = [BUGS[name] for name in given.names or BUGS]
    if given.list:
        _say(*(f"{bug.name:34} {bug.rule:8} {bug.breaks}" for bug in bugs))
        return 0
    if given.crucible:
        return _in_the_fire(bugs, given.crucible, write=given.write)
    whole = _is_whole(bugs)
    missed = []
    for bug in bugs:
        found = _catch(bug)
        if found is None:
            missed.append(bug.name)
        elif given.write:
            write_table({bug.name: found})
    _say(f"{len(bugs) - len(missed)} of {len(bugs)} bugs caught" + (f"; missed: {', '.join(missed)}" if missed else ""))
    return 0 if whole and not missed else 1


def _is_whole(bugs: list[Planted]) -> bool:
    """Return whether every test passes while nothing is planted."""
    tests = {test for bug in bugs for test in bug.caught_by}
    trial = try_tests(tests, patience_s=600)
    strange = tests - trial.which(PASSED)
    if strange:
        _say(trial.output, f"without a bug these do not pass: {', '.join(sorted(strange))}")
    else:
        _say(f"without a bug all {len(tests)} tests pass ({trial.seconds:.0f} s)")
    return not strange


def _catch(bug: Planted) -> Measured | None:
    """Return how the bug was caught: every one of its tests failed; None when one did not in a few runs."""
    waiting = set(bug.caught_by)
    for run in range(1, MOST_RUNS + 1):
        trial = try_tests(waiting, bug)
        waiting -= trial.which(FAILED)
        if not waiting:
            _say(f"{bug.name}: caught in run {run}, {trial.seconds:.0f} s")
            return Measured(runs=str(run), seconds=f"{trial.seconds:.0f}")
    _say(trial.output, f"{bug.name}: NOT caught by {', '.join(sorted(waiting))}")
    return None


def _in_the_fire(bugs: list[Planted], seeds: int, *, write: bool) -> int:
    """Say which bugs the crucible finds; 1 when it finds something, or cannot judge, without any."""
    for seed in range(1, seeds + 1):
        kinds = found_by_fire(seed)
        if kinds != []:
            _say(f"without a bug the crucible says of seed {seed}: {', '.join(kinds) if kinds else 'not judged'}")
            return 1
    for bug in bugs:
        said = said_by_fire(bug, seeds)
        _say(f"{bug.name}: {said}")
        if write:
            write_table({bug.name: Measured(crucible=said)})
    return 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
