"""The documents speak of the tree as it is."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "decisions").glob("*.md"))]
TOP = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "docs"}
# `orders` stands for any noun in the sentence that explains the floors.
EXAMPLES = {"domain/orders.py", "models/orders.py", "services/orders.py", "tasks/orders.py"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    quoted = re.findall(r"`([\w./-]+)`", document.read_text(encoding="utf-8"))
    paths = {name for name in quoted if "/" in name and name.partition("/")[0] in TOP} - EXAMPLES

    assert [name for name in sorted(paths) if not (ROOT / name).exists()] == []


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    table = (ROOT / "docs" / "decisions" / "0001-the-house.md").read_text(encoding="utf-8")
    explained = {name for row in re.findall(r"(?m)^\| ([\w, -]+) \|", table) for name in row.split(", ")}

    assert {Requirement(line).name for line in wanted} - explained == set()


def test_a_version_in_the_changelog_has_its_date() -> None:
    headings = re.findall(r"(?m)^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))

    assert headings
    for heading in headings:
        assert heading == "[Unreleased]" or re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", heading), heading
