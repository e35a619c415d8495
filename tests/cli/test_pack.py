"""`report pack`: an account's day as one file, and that every such file is on the record."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from config.clock import SYSTEM_CLOCK
from tests.support.commands import Terminal


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_pack_leaves_with_its_digest_and_is_on_the_record_of_the_next_one(desk: Terminal, tmp_path: Path) -> None:
    wanted = ("report", "pack", "--account", "demo-1", "--day", str(SYSTEM_CLOCK.now().date()), "--output")
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"

    answer = desk.opitios(*wanted, str(first))

    digest = hashlib.sha256(first.read_bytes()).hexdigest()
    assert answer.code == 0, answer.said
    assert digest in answer.said
    assert desk.opitios(*wanted, str(second)).code == 0
    with zipfile.ZipFile(second) as archive:
        operations = [json.loads(line) for line in archive.read("events/operations.jsonl").splitlines()]
        assert b"the-first" in archive.read("reports/order-timing.csv")
    exports = [row for row in operations if row["operation"] == "report_export"]
    (exported,) = [row for row in exports if row["detail"]["report"] == "pack"]
    assert exported["success"]
    assert exported["detail"]["sha256"] == digest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.zip", "second.zip"]


@pytest.mark.parametrize(
    ("account", "target", "message"),
    [("nobody", "pack.zip", "no account 'nobody'; there are: demo-1"), ("demo-1", "none/pack.zip", "No such file")],
)
def test_a_pack_that_cannot_be_made_says_why(
    desk: Terminal, tmp_path: Path, account: str, target: str, message: str
) -> None:
    answer = desk.opitios(
        "report", "pack", "--account", account, "--day", "2026-11-21", "--output", str(tmp_path / target)
    )
    assert answer.refused(message)
    assert list(tmp_path.iterdir()) == []
