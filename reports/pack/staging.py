"""Writes the sealed part of a pack to a directory: rows, the leaves around them, seals, checkpoints.

Everything is streamed; what is in memory at a time is the rows of one seal.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from domain.seals import FORMATS, leaf
from reports.pack.rows import TABLES, Subject, rows_of_day
from reports.seal_rows import Epoch, Trail, read_epochs, stretch
from reports.seals import seals_after
from reports.trail import lines_of

Tell = Callable[[str], None]
"""What to call with a few words about what is being done."""


@dataclass(slots=True)
class Counts:
    """How many rows of a table are in the pack, how many of them no seal covers, how many were left out."""

    rows: int = 0
    not_sealed: int = 0
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class Staged:
    """What was written: rows by table, and the first and the last seal (None: nothing is sealed)."""

    counts: Mapping[str, Counts]
    seals: tuple[int, int] | None
    checkpoints: int


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows of one seal and part: how many lines of the file of rows are theirs."""

    seal_no: int
    part: str
    rows: int


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the parts of a pack are written: from the trail, about a subject, below a directory, telling of it."""

    trail: Trail
    subject: Subject
    root: Path
    tell: Tell

    def fill(self, checkpoints: Path) -> Staged:
        """Write what is sealed of the subject's day; `checkpoints` is a file or a directory of them."""
        epochs = read_epochs(self.trail)
        for name in ("events", "leaves"):
            (self.root / name).mkdir()
        counts: dict[str, Counts] = {}
        seals: set[int] = set()
        for table in TABLES:
            counts[table], groups = self._write_rows(table, epochs)
            self._write_leaves(table, groups, epochs)
            seals |= {group.seal_no for group in groups}
        span = (min(seals), max(seals)) if seals else None
        self._write_seals(span)
        return Staged(counts, span, self._write_checkpoints(checkpoints, span))

    def _write_rows(self, table: str, epochs: Sequence[Epoch]) -> tuple[Counts, list[_Group]]:
        self.tell(f"rows of {table}")
        counts, groups = Counts(), []
        with (self.root / "events" / f"{table}.jsonl").open("wb") as file:
            found = rows_of_day(self.trail, table, self.subject, epochs)
            for (seal_no, part), rows in groupby(found, key=lambda row: (row.seal_no, row.part)):
                written = 0
                for row in rows:
                    if table == "config_changes" and self.subject.names_another(row.line):
                        counts.withheld += 1
                    else:
                        file.write(row.line + b"\n")
                        written += 1
                counts.rows += written
                if seal_no is None:
                    counts.not_sealed += written
                elif written:
                    groups.append(_Group(seal_no, part, written))
        return counts, groups

    def _write_leaves(self, table: str, groups: list[_Group], epochs: Sequence[Epoch]) -> None:
        """Write all leaves of the parts that have rows of ours, in the order in which our rows were written."""
        ours, theirs = self.root / "events" / f"{table}.jsonl", self.root / "leaves" / f"{table}.jsonl"
        with ours.open("rb") as lines, theirs.open("w", encoding="ascii") as file:
            for seal_no, of_seal in groupby(groups, key=lambda group: group.seal_no):
                self.tell(f"leaves of {table} in seal {seal_no}")
                wanted = {group.part: group.rows for group in of_seal}
                for part, leaves in self._leaves_of_seal(table, seal_no, epochs):
                    mine = {leaf(next(lines).rstrip(b"\n")) for _ in range(wanted.get(part, 0))}
                    if mine:
                        group = {"seal_no": seal_no, "part": part}
                        places = [place for place, found in enumerate(leaves) if found in mine]
                        file.write(json.dumps(group | {"rows": places, "leaves": [one.hex() for one in leaves]}) + "\n")

    def _leaves_of_seal(self, table: str, seal_no: int, epochs: Sequence[Epoch]) -> Iterator[tuple[str, list[bytes]]]:
        (stored,) = seals_after(self.trail, seal_no - 1, seal_no)
        sealed = next(known for known in FORMATS[stored.seal.format] if known.name == table)
        for part, found in lines_of(self.trail, sealed, stretch(stored.seal, stored.seal, epochs)):
            yield part, [leaf(line) for line in found]

    def _write_seals(self, span: tuple[int, int] | None) -> None:
        self.tell("seals")
        with (self.root / "seals.jsonl").open("w", encoding="ascii") as file:
            for stored in seals_after(self.trail, span[0] - 1, span[1]) if span else ():
                entry = {"header": stored.seal.header().decode(), "hash": stored.hash.hex()}
                file.write(json.dumps(entry | {"signature": stored.signature.hex()}) + "\n")

    def _write_checkpoints(self, checkpoints: Path, span: tuple[int, int] | None) -> int:
        """Copy the lines about these seals as they are; return how many there were."""
        sources = sorted(checkpoints.glob("*.jsonl")) if checkpoints.is_dir() else [checkpoints]
        count = 0
        with (self.root / "checkpoints.jsonl").open("wb") as file:
            for source in sources if span and checkpoints.exists() else ():
                with source.open("rb") as lines:
                    for line in lines:
                        if span and _is_of(line, span):
                            file.write(line.rstrip(b"\n") + b"\n")
                            count += 1
        return count


def _is_of(line: bytes, span: tuple[int, int]) -> bool:
    try:
        return span[0] <= int(json.loads(line)["seal_no"]) <= span[1]
    except (ValueError, KeyError, TypeError):
        return False  # a line torn by a crash: the sealer writes it again
