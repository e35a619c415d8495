"""One process's own log file: rotated by size, compressed beside the writer, removed when old; full disks are survived.

A second process of the same name takes the next free name (`api.log`, `api-2.log`): a lock on the file says whose it
is, because lines were lost when two processes rotated one file.
"""

import fcntl
import gzip
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from config.clock import SYSTEM_CLOCK

_PRIVATE = 0o600
_CHUNK = 1 << 18
_TIDY_EVERY_MS = 3_600_000
_MOST_NAMES = 100
_ROTATED = re.compile(r".+\.\d{8}T\d{6}\.\d{6}Z\.log")


@dataclass(frozen=True, slots=True)
class Keeping:
    """When a file is full (bytes), and how long full ones stay."""

    full_at: int
    retention: timedelta


class LogFile:
    """Takes whole lines, from one thread at a time; a line that cannot be written is counted, and said once."""

    def __init__(self, folder: Path, name: str, keeping: Keeping) -> None:
        self._folder, self._name, self._keeping = folder, name, keeping
        self._path = folder / f"{name}.log"
        self._file: int | None = None
        self._size = 0
        self._torn = False
        self._lost = 0
        self._tidier = ThreadPoolExecutor(1, thread_name_prefix="log-files")
        self._tidy_later()

    def write(self, text: str) -> None:
        """Append a line with its end; never raises for what a disk can do."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            file = self._opened()
            if self._size and self._size + len(data) > self._keeping.full_at:
                file = self._rotate(file)
            self._append(file, b"\n" + data if self._torn else data)
        except OSError as error:
            self._lose(error)
        else:
            if self._lost:
                self._say(f"is written again; {self._lost} lines are missing")
                self._lost = 0

        if SYSTEM_CLOCK.monotonic_ms() - self._tidied_ms > _TIDY_EVERY_MS:
            self._tidy_later()

    def close(self) -> None:
        """Close the file once what is being compressed is done."""
        self._tidier.shutdown()
        self._release()

    def _append(self, file: int, data: bytes) -> None:
        written = os.write(file, data)
        self._size += written
        self._torn = written < len(data)
        if self._torn:  # the disk took a part of it: the rest, or the reason
            os.write(file, data[written:])
            self._size += len(data) - written
            self._torn = False

    def _lose(self, error: OSError) -> None:
        self._lost += 1
        if self._lost == 1:
            self._say(f"cannot be written ({error.strerror}); lines are lost until it can, work goes on")
        if not self._torn:
            self._release()  # the next line tries from the beginning: the folder may have been made again

    def _say(self, what: str) -> None:
        with suppress(OSError, ValueError):  # stderr may be closed, or on the same full disk
            sys.stderr.write(f"log {self._path} {what}\n")
            sys.stderr.flush()

    def _opened(self) -> int:
        if self._file is not None and os.fstat(self._file).st_nlink == 0:
            self._release()  # somebody removed it: what is written there nobody could read
        return self._open() if self._file is None else self._file

    def _open(self) -> int:
        """Take the first name of ours that no living process writes to."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, _MOST_NAMES):
            path = self._folder / (f"{self._name}.log" if number == 1 else f"{self._name}-{number}.log")
            file = _claimed(path, os.O_CREAT)
            if file is not None:
                self._path, self._file = path, file
                self._size = os.fstat(file).st_size
                self._torn = self._size > 0 and os.pread(file, 1, self._size - 1) != b"\n"
                return file
        raise OSError(0, f"{_MOST_NAMES} processes named {self._name} hold a file each", str(self._folder))

    def _rotate(self, file: int) -> int:
        """Put the full file aside under its time and begin a new one; without a right to, go on in the old one."""
        stamp = f"{SYSTEM_CLOCK.now():%Y%m%dT%H%M%S.%fZ}"
        aside = self._path.with_name(f"{self._path.stem}.{stamp}.log")
        try:
            self._path.rename(aside)
        except OSError as error:
            self._say(f"cannot be rotated ({error.strerror}); it grows")
            self._size = 0  # asked again when as much has come once more
            return file
        self._release()
        self._tidy_later()
        return self._open()

    def _release(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # a close can report what a write did before
                os.close(self._file)
            self._file = None
            self._torn = False

    def _tidy_later(self) -> None:
        self._tidied_ms = SYSTEM_CLOCK.monotonic_ms()
        with suppress(RuntimeError):  # the interpreter ends: the next start tidies
            self._tidier.submit(tidy, self._folder, self._keeping.retention)


def tidy(folder: Path, retention: timedelta) -> None:
    """Compress what was put aside and remove what is older than `retention`, of every process that ever wrote here.

    What a living process holds is left alone, so an errors' file that was silent for months stays with its process.
    """
    oldest = SYSTEM_CLOCK.now().timestamp() - retention.total_seconds()
    for path in sorted(folder.glob("*.log*")):
        with suppress(OSError):  # somebody else was quicker, or the disk is full: the next time
            if path.stat().st_mtime < oldest:
                _remove(path)
            elif _ROTATED.fullmatch(path.name):
                _compress(path)


def _claimed(path: Path, flags: int = 0) -> int | None:
    """Open a file for ourselves alone; None when another process has it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | flags, _PRIVATE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_ino == path.stat().st_ino:  # else it was put aside or removed meanwhile
                os.fchmod(file, _PRIVATE)
                return file
        except BlockingIOError:
            os.close(file)
            return None
        except FileNotFoundError:
            pass
        os.close(file)


def _remove(path: Path) -> None:
    file = _claimed(path)
    if file is not None:
        path.unlink()
        os.close(file)


def _compress(path: Path) -> None:
    file = _claimed(path)
    if file is None:
        return
    part = path.with_name(f"{path.name}.part")
    try:
        before = os.fstat(file)
        target = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE)
        with (
            os.fdopen(target, "wb") as raw,
            gzip.GzipFile(path.name, "wb", 6, raw, before.st_mtime) as packed,
            os.fdopen(os.dup(file), "rb") as plain,
        ):
            shutil.copyfileobj(plain, packed, _CHUNK)
        os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))  # its age is that of its last line
        part.rename(path.with_name(f"{path.name}.gz"))
        path.unlink()
    finally:
        os.close(file)
