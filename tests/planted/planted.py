"""One fault of our own, planted in one file as it is loaded: the file on disk stays as it is.

No switch for it stands in what ships. A process whose environment names a bug (`PLANTED_BUG`) and whose `PYTHONPATH`
holds `tests/planted/site` loads the broken text instead of the file's; so do the processes it starts.
"""

import importlib.machinery
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(__file__).resolve().with_name("site")
VARIABLE = "PLANTED_BUG"  # not OPITIOS_...: the suite clears the caller's own settings away


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A bug: of each edit the first text becomes the second, against `rule`; every test of `caught_by` must fail."""

    name: str
    rule: str
    breaks: str
    file: str
    edits: tuple[tuple[str, str], ...]
    caught_by: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file that is loaded otherwise."""
        return ROOT / self.file

    def into(self, text: str) -> str:
        """Return the broken text. Raises ValueError when a place to break is not there exactly once."""
        for old, new in self.edits:
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {self.file} holds {old!r} {text.count(old)} times, expected once")
            text = text.replace(old, new)
        return text

    def environment(self) -> dict[str, str]:
        """Return what a process needs in its environment to run with this bug."""
        return {VARIABLE: self.name, "PYTHONPATH": f"{ROOT}:{SITE}", "PYTHONSAFEPATH": "1"}


def plant(bug: Planted) -> None:
    """Load the bug's file with its bug from now on, whoever imports it and however; nothing is cached."""
    loader, broken_file = importlib.machinery.SourceFileLoader, str(bug.path)
    whole, stats = loader.get_data, loader.path_stats

    def get_data(self: importlib.machinery.SourceFileLoader, path: str) -> bytes:
        data = whole(self, path)
        return bug.into(data.decode()).encode() if path == broken_file else data

    def path_stats(self: importlib.machinery.SourceFileLoader, path: str) -> object:
        if path == broken_file:
            raise OSError("not from the cache, and not into it")
        return stats(self, path)

    loader.get_data = get_data  # type: ignore[method-assign, assignment]  # the one place through which every import reads
    loader.path_stats = path_stats  # type: ignore[method-assign, assignment]  # likewise
