"""A file a process writes to while Postgres is away: each line is on the disk before anybody goes on (R21).

One file a process below OPITIOS_HOME, for its user alone, and no longer than a megabyte: an outage of days must not
fill the disk. Whoever empties it takes away what was read, never what came since.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loguru import logger

MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Spooled:
    """What a file held: its lines that can be read, oldest first, and up to which byte it was read."""

    lines: Sequence[Mapping[str, Any]]
    length: int


class Spool:
    """One process's file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_process(cls, directory: Path, process: str) -> "Spool":
        """Return the file of a process by its name."""
        return cls(directory / f"{re.sub(r'[^A-Za-z0-9._-]', '_', process)}.jsonl")

    def keep(self, lines: Sequence[Mapping[str, Any]]) -> bool:
        """Append lines; True once they are on the disk. What finds no room is an ERROR line in the log, no more."""
        data = b"".join(json.dumps(line, default=str).encode() + b"\n" for line in lines)
        try:
            with self._locked() as file:
                size = os.fstat(file).st_size
                if size + len(data) <= MOST_BYTES:
                    _append(file, data, size)
                    return True
            logger.error("The spool {} is full: {} lines are lost", self.path.name, len(lines))
        except OSError as error:
            logger.error("The spool {} takes nothing ({}): {} lines are lost", self.path.name, error, len(lines))
        return False

    def read(self) -> Spooled:
        """Return what the file holds now; a line that a crash cut off is left out, and said."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return Spooled([], 0)
        except OSError as error:
            logger.error("The spool {} cannot be read: {}", self.path.name, error)
            return Spooled([], 0)
        whole = data[: data.rfind(b"\n") + 1]
        return Spooled([line for raw in whole.splitlines() if raw for line in self._parsed(raw)], len(whole))

    def drop(self, length: int) -> None:
        """Take the first `length` bytes away; what was appended since stays.

        Where that fails, or is cut off by a crash, old lines are read once more: they are known by their ids.
        """
        try:
            with self._locked() as file:
                rest = os.pread(file, MOST_BYTES, length)
                os.pwrite(file, rest, 0)
                os.ftruncate(file, len(rest))
                os.fsync(file)
        except OSError as error:
            logger.error("The spool {} could not be emptied: {}", self.path.name, error)

    def _parsed(self, raw: bytes) -> Iterator[Mapping[str, Any]]:
        try:
            line = json.loads(raw)
        except ValueError:
            line = None
        if isinstance(line, dict):
            yield line
        else:
            logger.error("A line of the spool {} cannot be read: {} bytes", self.path.name, len(raw))

    @contextmanager
    def _locked(self) -> Iterator[int]:
        is_new = not self.path.exists()
        if is_new:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if is_new:
                _sync_directory(self.path.parent)
            yield file
        finally:
            os.close(file)


def spools_in(directory: Path) -> Sequence[Spool]:
    """Return the files that hold something, also those of processes that have ended."""
    return [Spool(path) for path in sorted(directory.glob("*.jsonl")) if path.stat().st_size]


def _append(file: int, data: bytes, size: int) -> None:
    """Write at the end, on a line of its own whatever a crash has left there."""
    if size and os.pread(file, 1, size - 1) != b"\n":
        data = b"\n" + data
    written = os.pwrite(file, data, size)
    if written != len(data):
        raise OSError(f"only {written} of {len(data)} bytes were written")
    os.fsync(file)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
