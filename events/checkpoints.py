"""Writes the checkpoints of seals, after their commit, to files of their own: one a month, append-only (R29)."""

import os
from collections.abc import Sequence
from pathlib import Path

from config.seal_key import sync_directory
from domain.checkpoints import Checkpoint

_TAIL = 4096  # longer than any line


class CheckpointFiles:
    """The files of one directory. Whoever holds the lock of sealing alone writes them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def last(self) -> Checkpoint | None:
        """Return the last checkpoint, None without any. A line that was not written to its end is taken away first.

        Raises ValueError when the last whole line is none: somebody else has written there.
        """
        for path in sorted(self._directory.glob("[0-9]*.jsonl"), reverse=True):
            _drop_torn_line(path)
            lines = _tail(path).splitlines()
            if lines:
                return Checkpoint.parse(lines[-1])
        return None

    def append(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Write them to the disk before this returns. Raises OSError; `last` then repairs what was begun."""
        for month in dict.fromkeys(checkpoint.month for checkpoint in checkpoints):
            path = self._directory / f"{month}.jsonl"
            is_new = not path.exists()
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.writelines(checkpoint.line() for checkpoint in checkpoints if checkpoint.month == month)
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                sync_directory(self._directory)


def _drop_torn_line(path: Path) -> None:
    tail = _tail(path)
    torn = len(tail) - (tail.rfind(b"\n") + 1)
    if torn:
        os.truncate(path, path.stat().st_size - torn)


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read()
