"""Processes of the bench's own: started as modules of this tree, ended with the block that needs them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_STOP_S = 10


@contextmanager
def child(
    module: str, *arguments: str, environ: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `python -m module` while the block runs: SIGTERM at its end, SIGKILL ten seconds later.

    What it wrote is shown with a RuntimeError of the block, otherwise never.
    """
    with tempfile.TemporaryFile() as said:
        command = [sys.executable, "-m", module, *arguments]
        process = subprocess.Popen(command, env=environ or os.environ, stdout=said, stderr=said)
        try:
            yield process
        except RuntimeError as error:
            said.seek(0)
            raise RuntimeError(f"{error}; {module} said:\n{said.read().decode(errors='replace')}") from error
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_STOP_S)


def output_of(module: str, *arguments: str, environ: Mapping[str, str]) -> str:
    """Run `python -m module` to its end and return what it printed. RuntimeError when it fails."""
    command = [sys.executable, "-m", module, *arguments]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"{module} failed:\n{ended.stderr}")
    return ended.stdout
