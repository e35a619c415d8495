"""Reads the log files of a house as an operator would: rotated and compressed ones too, a line an entry."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from config.home import Home


def log_paths(home: Home) -> list[Path]:
    """Return every file below the home's logs."""
    return [path for path in sorted(home.logs.rglob("*")) if path.is_file()]


def read_log(path: Path) -> str:
    """Return a file's text, unpacked; empty when it was rotated away meanwhile."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return content.decode("utf-8", "replace")


def log_lines(home: Home, folder: str, process: str) -> Iterator[str]:
    """Yield the lines of one process, of all its files, oldest first."""
    own = [path for path in log_paths(home) if path.parent.name == folder and path.name.split(".")[0] == process]
    for path in sorted(own, key=lambda path: (path.name == f"{process}.log", path.name)):
        yield from read_log(path).splitlines()
