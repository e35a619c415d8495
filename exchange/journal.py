"""The exchange's memory: one JSON line an event, written before the answer, so that kill -9 loses no accepted order.

Written without fsync: the outside world must survive its own process, not the machine's power.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_LOG = logging.getLogger("exchange")
Event = dict[str, Any]


class JournalError(Exception):
    """The journal cannot be used; the message says why and stands alone on one line."""


class Journal:
    """Append-only events in `directory/journal.jsonl`, held by one process at a time."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = directory / "journal.jsonl"
        # Keys of simulated accounts stand in it, hence readable by the owner alone.
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise JournalError(f"another exchange is using {directory}: stop it or choose another --data") from error

    def replay(self) -> Iterator[Event]:
        """Every whole event since the beginning; a torn last line is cut off, a bad line before it is an error."""
        content = self._path.read_bytes()
        good = 0
        for number, line in enumerate(content.splitlines(keepends=True), start=1):
            event = _event(line)
            if event is None:
                if good + len(line) < len(content):
                    raise JournalError(f"{self._path}: line {number} is damaged; move the file away to start afresh")
                _LOG.warning("journal: cut off a torn last line of %d bytes", len(line))
                os.ftruncate(self._fd, good)
                return
            yield event
            good += len(line)

    def append(self, event: Event) -> None:
        """Write one event; OSError when the disk takes less than the whole line."""
        line = json.dumps(event, separators=(",", ":")).encode() + b"\n"
        written = os.write(self._fd, line)
        if written != len(line):
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise OSError(f"{self._path}: the disk took only a part of an event")

    def close(self) -> None:
        """Let the next process have it."""
        os.close(self._fd)


def _event(line: bytes) -> Event | None:
    if not line.endswith(b"\n"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
