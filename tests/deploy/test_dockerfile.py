"""The image: pinned, in two stages, without tools or secrets, and run by nobody's account."""

import re
from pathlib import Path

from tests.deploy.compose import ROOT

INSTRUCTIONS = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8")))
LINES = [line.split(maxsplit=1) for line in INSTRUCTIONS.splitlines() if line.strip()]


def said(instruction: str, lines: list[list[str]] | None = None) -> list[str]:
    return [rest for word, rest in (LINES if lines is None else lines) if word == instruction]


def last_stage() -> list[list[str]]:
    start = max(number for number, (word, _) in enumerate(LINES) if word == "FROM")
    return LINES[start:]


def test_its_base_is_one_slim_python_that_can_be_pinned_to_the_byte() -> None:
    (base,) = said("ARG")

    assert re.fullmatch(r"PYTHON=python:3\.1[1-3]-slim-\w+", base)
    assert said("FROM") == ["${PYTHON} AS build", "${PYTHON}"]


def test_packages_come_by_hash_and_only_in_the_first_stage() -> None:
    assert any("--require-hashes -r requirements/base.txt" in step for step in said("RUN"))
    assert not [step for step in said("RUN", last_stage()) if re.search(r"\b(pip|apt|apt-get|curl|wget)\b", step)]


def test_it_adds_nothing_from_elsewhere_and_copies_the_built_tree_alone() -> None:
    assert said("ADD") == []
    assert said("COPY", last_stage()) == ["--from=build /opt/opitios /opt/opitios"]
    assert not [line for line in INSTRUCTIONS.splitlines() if re.search(r"(?i)password|secret|token|_key", line)]


def test_it_runs_as_nobody_in_particular_and_ends_at_sigterm() -> None:
    stage = last_stage()

    assert said("USER", stage) == ["10001:10001"]
    assert stage.index(["USER", "10001:10001"]) > max(stage.index(line) for line in stage if line[0] in {"RUN", "COPY"})
    assert said("STOPSIGNAL", stage) == ["SIGTERM"]
    assert said("CMD", stage) == ['["python", "-m", "api"]']
    assert said("HEALTHCHECK", stage)[0].endswith('CMD ["opitios", "alive"]')


def test_every_package_of_the_house_enters_the_image() -> None:
    listed = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    packages = set(re.findall(r'"([a-z]+)\*"', (ROOT / "pyproject.toml").read_text(encoding="utf-8")))

    assert len(packages) > 10
    assert {name for name in packages if f"!{name}/\n" not in listed} == set()
    assert {Path(name).parts[0] for name in re.findall(r"(?m)^!(.+?)/?$", listed)} == packages | {
        "pyproject.toml", "alembic.ini", "requirements",
    }  # fmt: skip
