"""Private files: everything below OPITIOS_HOME may hold a password, so it is readable by its owner alone."""

import os
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700


def write_private(path: Path, text: str, *, owner: tuple[int, int] | None = None) -> None:
    """Replace `path` by `text` in one step, mode 0600: readers see the old or the new file, also after a crash.

    `owner` is (uid, gid), None for the caller. One writer at a time: the lock of the home sees to it.
    """
    staged = path.with_name(f".{path.name}.new")
    staged.unlink(missing_ok=True)
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        if owner is not None:
            os.fchown(file.fileno(), *owner)
    staged.replace(path)
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    """Make a rename inside `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private_directory(path: Path) -> None:
    """Make `path` with its parents, for its owner alone; an existing directory keeps its mode."""
    path.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)


def last_lines(path: Path, count: int = 12) -> str:
    """Return the end of a log, indented, for an error message; a missing file says so."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return f"  (no log: {error.strerror})"
    lines = text.splitlines()[-count:]
    return "\n".join(f"  {line}" for line in lines) if lines else "  (the log is empty)"
