"""The lock files: each package pinned with hashes, none bound to a place, and all that pyproject asks for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("base", "dev")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WANTED = {"base": PROJECT["dependencies"], "dev": PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]}


def entries(lock: str) -> dict[str, str]:
    """Package -> its whole entry, continuation lines joined."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return {canonicalize_name(re.split(r"[=\[ ;]", line, maxsplit=1)[0]): line for line in lines}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes(lock: str) -> None:
    for name, entry in entries(lock).items():
        assert re.match(r"^[\w.-]+(\[[\w,-]+\])?==[^\s;]+( ; .+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*$", entry), name


@pytest.mark.parametrize("lock", LOCKS)
def test_no_line_says_where_packages_come_from(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")

    assert not re.search(r"(?m)^\s*-|://| @ ", re.sub(r"(?m)^\s+--hash=.*$|#.*$", "", text))


@pytest.mark.parametrize("lock", LOCKS)
def test_what_pyproject_asks_for_is_locked_within_its_bounds(lock: str) -> None:
    locked = {name: entry.partition("==")[2].split()[0] for name, entry in entries(lock).items()}

    for requirement in map(Requirement, WANTED[lock]):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement


def test_both_locks_agree() -> None:
    base, dev = entries("base"), entries("dev")

    assert {name: entry.split()[0] for name, entry in base.items()} == {name: dev[name].split()[0] for name in base}
