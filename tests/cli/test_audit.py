"""`opitios audit`: what it prints, and its exit code."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import COMMAND
from tests.support.house import Bed
from tests.support.trail import Trail, trail


@pytest.fixture(scope="module")
def made(quiet: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trail]:
    with trail(quiet, tmp_path_factory.mktemp("trail")) as found:
        found.write(3)
        found.seal()
        yield found


def audit(made: Trail, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("OPITIOS_")} | {
        "OPITIOS_HOME": str(made.home / "home"),
        "OPITIOS_APP_DATABASE_URL": made.app_url,
        "OPITIOS_AUDIT_CHECKPOINTS": str(made.checkpoints),
        "OPITIOS_AUDIT_KEY": str(made.home / "seal-key.pem"),
    }
    return subprocess.run(
        [*COMMAND, "audit", *words], check=False, capture_output=True, text=True, env=environ, timeout=60
    )


def test_a_trail_that_holds_and_one_that_does_not(made: Trail, tmp_path: Path) -> None:
    whole = audit(made, "verify")
    assert (whole.returncode, "is what was sealed" in whole.stdout) == (0, True), whole.stderr

    elsewhere = tmp_path / "copy"
    shutil.copytree(made.checkpoints, elsewhere)
    made.sql("UPDATE audit.operations SET actor = 'x'")
    broken = audit(made, "verify", "--checkpoints", str(elsewhere), "--format", "json")
    said = json.loads(broken.stdout)
    assert (broken.returncode, said["holds"], said["broken"]) == (1, False, 1)
    assert said["findings"][0]["what"].startswith("seal 1 has 3 rows of operations/")

    table = audit(made, "verify")
    assert (table.returncode, "seal 1 has 3 rows" in table.stdout, "NOT" in table.stderr) == (1, True, True)


def test_the_key_is_shown_by_its_public_half_alone(made: Trail) -> None:
    shown = audit(made, "key")

    assert shown.returncode == 0
    assert f"fingerprint {made.key.public.key_id}" in shown.stdout
    assert made.key.public.raw.hex() in shown.stdout
    assert "PRIVATE" not in shown.stdout
    assert (made.home / "seal-key.pem").stat().st_mode & 0o777 == 0o600


def test_what_is_not_there_is_named(made: Trail) -> None:
    missing = audit(made, "verify", "--checkpoints", "/nowhere")

    assert (missing.returncode, "/nowhere is not there" in missing.stderr) == (2, True)
