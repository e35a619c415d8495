"""Each import contract notices the import it forbids: planted one by one into a copy of the tree."""

import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.house.planting import plant

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
LINT_IMPORTS = str(Path(sys.executable).parent / "lint-imports")
CONTRACTS = {contract["id"]: contract["name"] for contract in SETTINGS["contracts"]}

# Contract -> the files that break it, as path -> source. A module that a contract names is planted too: empty, because
# only its name matters.
PLANTED: dict[str, dict[str, str]] = {
    "floors": {"models/planted.py": "import services\n"},
    "pure-floors": {"risk/planted.py": "import sqlalchemy\n"},
    # Through a middle man: the contract looks at the whole chain.
    "light-api": {"api/planted.py": "import services.planted\n", "services/planted.py": "import pandas\n"},
    "adapters-behind-registry": {"brokers/planted/__init__.py": "import brokers.alpaca\n", "brokers/registry.py": ""},
    "workers-pick-brokers": {"services/planted.py": "import brokers.registry\n", "brokers/registry.py": ""},
    "edges-open-units": {"services/planted.py": "import models.session\n", "models/session.py": ""},
    "services-stay-inside": {"services/planted.py": "import requests\n"},
    "rules-independent": {
        "risk/rules/__init__.py": "",
        "risk/rules/planted_a.py": "import risk.rules.planted_b\n",
        "risk/rules/planted_b.py": "",
    },
    "strategies-independent": {"domain/exit_strategies/planted.py": "import domain.exit_strategies.zero_day\n"},
    "no-circles": {
        "domain/planted_a.py": "import domain.planted_b\n",
        "domain/planted_b.py": "import domain.planted_a\n",
    },
    "exchange-stands-outside": {"exchange/planted.py": "import domain\n"},
    "nobody-imports-the-exchange": {"stack/planted.py": "import exchange\n"},
    "cli-starts-the-stack": {"tasks/planted.py": "import stack\n"},
    "stack-knows-little": {"stack/planted.py": "import models\n"},
    "crucible-stands-outside": {"crucible/planted.py": "import services\n"},
    "nobody-imports-the-crucible": {"cli/planted.py": "import crucible\n"},
    "cli-is-a-client": {"cli/planted.py": "import tasks\n"},
}


def lint_imports(tree: Path, contract: str) -> str:
    """Run one contract over `tree` and return what import-linter says."""
    command = [LINT_IMPORTS, "--no-logo", "--no-cache", "--contract", contract]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False).stdout


def copy_tree(to: Path) -> Path:
    """Copy the packages that the contracts speak of, and their settings."""
    shutil.copy(ROOT / "pyproject.toml", plant(to, "pyproject.toml"))
    for package in SETTINGS["root_packages"]:
        shutil.copytree(ROOT / package, to / package, ignore=shutil.ignore_patterns("__pycache__"))
    return to


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Contract -> what import-linter says about a tree with its planted import."""

    def judge(contract: str) -> str:
        tree = copy_tree(tmp_path_factory.mktemp(contract, numbered=False))
        for path, source in PLANTED[contract].items():
            plant(tree, path, f'"""Planted."""\n{source}')
        return lint_imports(tree, contract)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(PLANTED, pool.map(judge, PLANTED), strict=True))


def test_every_contract_has_a_planted_import() -> None:
    assert set(PLANTED) == set(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_planted_import_breaks_its_contract(contract: str, verdicts: dict[str, str]) -> None:
    assert f"{CONTRACTS[contract]} BROKEN" in verdicts[contract]


@pytest.mark.requirement("NFR-004")
def test_this_tree_keeps_every_contract() -> None:
    said = subprocess.run(
        [LINT_IMPORTS, "--no-logo", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in said.stdout, said.stdout


def test_every_adapter_is_hidden_behind_the_registry() -> None:
    hidden = next(contract for contract in SETTINGS["contracts"] if contract["id"] == "adapters-behind-registry")
    adapters = {f"brokers.{init.parent.name}" for init in (ROOT / "brokers").glob("*/__init__.py")}

    assert set(hidden["protected_modules"]) == adapters


def test_every_top_level_package_stands_under_the_contracts() -> None:
    workshop = {"bench", "deploy", "migrations", "tests", "tools"}
    packages = {init.parent.name for init in ROOT.glob("*/__init__.py")}

    assert packages - workshop == set(SETTINGS["root_packages"])
