"""The requirements ledger: every ID is proven or planned, never both, and the table is up to date."""

from pathlib import Path

import pytest

from tests.house.planting import plant
from tools.requirements import main, read_ledger

DOCUMENT = 'planned = ["B-1"]\n[requirements]\nA-1 = "First"\nB-1 = "Second"\n'
PROOF = 'import pytest\n\n@pytest.mark.requirement("A-1")\ndef test_first():\n    ...\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give a small tree in order: one ID proven, one planned, the table written."""
    plant(tmp_path, "docs/requirements.toml", DOCUMENT)
    plant(tmp_path, "tests/orders/test_first.py", PROOF)
    main(["--write"], tmp_path)
    return tmp_path


def test_every_requirement_of_this_tree_is_accounted_for() -> None:
    assert main(["--check"]) == 0


def test_the_table_names_the_tests(tree: Path) -> None:
    table = (tree / "docs" / "requirements.md").read_text(encoding="utf-8")

    assert "| A-1 | First | proven | tests/orders/test_first.py::test_first |" in table
    assert "| B-1 | Second | planned |  |" in table
    assert main(["--check"], tree) == 0


FAULTS = [
    # what is wrong, the file that makes it so, what the check says
    ("a test names an unknown ID", "tests/test_x.py", PROOF.replace("A-1", "Z-9"), "Z-9: named by tests/test_x.py"),
    ("a proof is gone", "tests/orders/test_first.py", "", "A-1: no test names it and it is not planned"),
    ("a planned ID is proven", "tests/test_x.py", PROOF.replace("A-1", "B-1"), "B-1: proven by tests/test_x.py"),
    ("the table is old", "tests/test_x.py", PROOF, "docs/requirements.md is out of date"),
    (
        "a plan has no summary",
        "docs/requirements.toml",
        DOCUMENT.replace('["B-1"', '["B-1", "C-1"'),
        "C-1: planned",
    ),
    (
        "a plan is listed twice",
        "docs/requirements.toml",
        DOCUMENT.replace('["B-1"', '["B-1", "B-1"'),
        "B-1: listed twice",
    ),
]


@pytest.mark.parametrize(("path", "text", "said"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_the_check_fails(path: str, text: str, said: str, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant(tree, path, text)

    assert main(["--check"], tree) == 1
    assert said in capsys.readouterr().out


def test_marks_of_class_module_and_parameters_count(tmp_path: Path) -> None:
    plant(tmp_path, "docs/requirements.toml", "planned = []\n[requirements]\n")
    plant(
        tmp_path,
        "tests/test_marks.py",
        'pytestmark = [pytest.mark.requirement("M")]\n'
        '@pytest.mark.requirement("C")\nclass TestA:\n    async def test_x(self): ...\n'
        'CASES = [pytest.param(1, marks=pytest.mark.requirement("not read here"))]\n'
        '@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.requirement("P", "Q"))])\n'
        "def test_y(x): ...\n",
    )

    assert read_ledger(tmp_path).tests == {
        "C": ("tests/test_marks.py::TestA::test_x",),
        "M": ("tests/test_marks.py::TestA::test_x", "tests/test_marks.py::test_y"),
        "P": ("tests/test_marks.py::test_y",),
        "Q": ("tests/test_marks.py::test_y",),
    }
