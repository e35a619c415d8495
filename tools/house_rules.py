"""The rules of this house that no public linter knows; `python -m tools.house_rules` judges the tree."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tools.rules import decisions, doors, logs, money, shipping, sizes, suite, times
from tools.source_tree import Finding, SourceTree

Rule = Callable[[SourceTree], Iterable[Finding]]

RULES: tuple[Rule, ...] = (
    money.no_float,
    doors.one_commit,
    doors.messages_leave_through_events,
    doors.status_has_one_door,
    times.no_naive_datetimes,
    sizes.files_stay_small,
    sizes.functions_stay_small,
    suite.no_silent_skips,
    suite.no_long_sleeps,
    logs.two_logs,
    shipping.nothing_for_show,
    shipping.no_secret_of_ours,
    shipping.no_workshop_paths,
    shipping.no_package_hosts,
    decisions.decisions_are_whole,
)


def judge(root: Path, rules: Iterable[Rule] = RULES) -> list[Finding]:
    """Return what breaks the rules in the tree at `root`, in the order of files and lines."""
    tree = SourceTree(root)
    found = [finding for rule in rules for finding in rule(tree)]
    return sorted(found, key=lambda finding: (finding.path, finding.line, finding.rule))


def main() -> int:
    """Print the findings of this checkout; return 0 when there is none."""
    found = judge(Path(__file__).resolve().parent.parent)
    for finding in found:
        print(finding)
    print(f"{len(RULES)} rules, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
