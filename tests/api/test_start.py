"""What an API does not start without."""

import subprocess
import sys
from pathlib import Path

from tests.support.commands import ROOT


def test_an_api_without_a_key_to_sign_tokens_with_says_so_and_ends(tmp_path: Path) -> None:
    environ = {"OPITIOS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "OPITIOS_JWT_SECRET": ""}
    ended = subprocess.run(
        [sys.executable, "-m", "api"],
        check=False,
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert ended.returncode == 1
    assert ended.stderr == "api: nothing to sign tokens with: set OPITIOS_JWT_SECRET, at least 32 characters\n"
