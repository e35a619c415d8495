"""Reads the checkpoints of seals, wherever their copy lies: a file, or a directory with a file a month (R29)."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

from config.seal_key import PUBLIC_SUFFIX
from domain.checkpoints import Checkpoint


def checkpoint_files(place: Path) -> Sequence[Path]:
    """Return the files of a place, in the order of their months. Raises OSError where there is none."""
    if place.is_dir():
        return sorted(place.glob("[0-9]*.jsonl"))
    with place.open("rb"):
        return [place]


def key_files(place: Path) -> Sequence[Path]:
    """Return the public keys that stand beside the checkpoints."""
    directory = place if place.is_dir() else place.parent
    return sorted(directory.glob(f"*{PUBLIC_SUFFIX}"))


def read_checkpoints(place: Path, since: dt.datetime | None = None) -> Iterator[tuple[str, Checkpoint | None]]:
    """Yield each line's place and what it says, None where it is no checkpoint.

    Files of months before `since` are not read. A last line without its end is passed over: it is being written.
    """
    for path in checkpoint_files(place):
        if since is not None and path.stem.isdigit() and path.stem < f"{since.astimezone(dt.UTC):%Y%m}":
            continue
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield f"{path.name}, line {number}", _parsed(line)


def _parsed(line: bytes) -> Checkpoint | None:
    try:
        return Checkpoint.parse(line)
    except ValueError:
        return None
