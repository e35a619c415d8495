"""Compares the rows of the audit trail with the roots that seals have of them, many seals in one statement (R29)."""

import datetime as dt
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from domain.seals import FORMATS, Part, SealedTable
from reports.findings import Kind, Verification
from reports.seals import StoredSeal
from reports.trail import Stretch, TrailRow, part_name, rows_of

if TYPE_CHECKING:
    import psycopg

SLACK_S = 300
"""A row is recorded this long after one of a later transaction at most: no transaction of ours is open for longer."""


@dataclass(slots=True)
class _Found:
    """What was found of one seal: its parts, and when their rows were recorded (s since 1970)."""

    parts: dict[str, Part] = field(default_factory=dict)
    earliest_s: int | None = None
    latest_s: int | None = None

    def saw(self, recorded_s: int) -> None:
        if self.earliest_s is None or recorded_s < self.earliest_s:
            self.earliest_s = recorded_s
        if self.latest_s is None or recorded_s > self.latest_s:
            self.latest_s = recorded_s


@dataclass(slots=True)
class _Gone:
    """A month that is gone: how many rows seals have of it, and from when to when."""

    rows: int
    seal_no: int
    first_at: dt.datetime | None
    last_at: dt.datetime


class RowCheck:
    """Looks at the rows of chunk after chunk of seals, each chunk of one epoch and without a gap.

    `retired` are the parts whose absence is on record, `attached` the tables' months that are there.
    """

    def __init__(
        self,
        connection: "psycopg.Connection[Any]",
        result: Verification,
        *,
        retired: Collection[str],
        attached: Collection[str],
    ) -> None:
        self._connection, self._result = connection, result
        self._retired, self._attached = retired, attached
        self._gone: dict[str, _Gone] = {}
        self._before: dt.datetime | None = None
        self._latest_s: float | None = None  # float: seconds since 1970; that of all seals so far

    def check(self, chunk: Sequence[StoredSeal], epoch_ended_at: dt.datetime | None) -> None:
        """Compare the rows of these seals."""
        found = self._read(chunk, epoch_ended_at)
        for stored, seen in zip(chunk, found, strict=True):
            self._compare(stored, seen)
            self._check_times(stored, seen)
            self._before = stored.seal.sealed_at

    def end(self) -> None:
        """Note the months that are gone."""
        for part, gone in sorted(self._gone.items()):
            self._result.add(
                Kind.ROWS,
                f"{part} is not there, and not on record as retired",
                part=part,
                seal_no=gone.seal_no,
                first_at=gone.first_at,
                last_at=gone.last_at,
                expected=gone.rows,
                found=0,
            )

    def _read(self, chunk: Sequence[StoredSeal], epoch_ended_at: dt.datetime | None) -> list[_Found]:
        first = chunk[0].seal
        stretch = Stretch(
            from_xid=first.from_xid,
            to_xid=chunk[-1].seal.to_xid,
            epoch_began_at=first.epoch_began_at,
            epoch_ended_at=epoch_ended_at,
        )
        bounds = [stored.seal.to_xid for stored in chunk]
        found = [_Found() for _ in chunk]
        for table in FORMATS[first.format]:
            self._read_table(table, stretch, bounds, found)
        return found

    def _read_table(self, table: SealedTable, stretch: Stretch, bounds: Sequence[int], found: Sequence[_Found]) -> None:
        rows = rows_of(self._connection, table, stretch)
        for (month, place), members in groupby(rows, key=lambda row: (row.month, bisect_right(bounds, row.xid))):
            seen = found[place]
            name = part_name(table, month)
            seen.parts[name] = Part.of(name, _lines(members, seen))

    def _compare(self, stored: StoredSeal, seen: _Found) -> None:
        said = {part.name: part for part in stored.seal.parts}
        self._result.rows += sum(part.rows for part in seen.parts.values())
        for name in sorted(said.keys() | seen.parts.keys()):
            expected, found = said.get(name), seen.parts.get(name)
            if expected == found:
                continue
            if found is None and expected is not None and name in self._retired:
                self._result.archived += expected.rows
            elif found is None and expected is not None and name not in self._attached:
                self._miss(name, expected.rows, stored)
            else:
                self._tell(stored, name, expected, found)

    def _miss(self, name: str, rows: int, stored: StoredSeal) -> None:
        seal = stored.seal
        gone = self._gone.setdefault(name, _Gone(0, seal.seal_no, self._before, seal.sealed_at))
        gone.rows += rows
        gone.last_at = seal.sealed_at

    def _tell(self, stored: StoredSeal, name: str, expected: Part | None, found: Part | None) -> None:
        were, are = expected.rows if expected else 0, found.rows if found else 0
        said = "other rows, or in another order" if were == are else f"{are} rows"
        self._result.add(
            Kind.ROWS,
            f"seal {stored.seal.seal_no} has {were} rows of {name}; there are {said}",
            seal_no=stored.seal.seal_no,
            part=name,
            first_at=self._before,
            last_at=stored.seal.sealed_at,
            expected=were,
            found=are,
        )

    def _check_times(self, stored: StoredSeal, seen: _Found) -> None:
        if seen.earliest_s is None or seen.latest_s is None:
            return
        number, sealed_s = stored.seal.seal_no, stored.seal.sealed_at.timestamp()
        if self._latest_s is not None and seen.earliest_s < self._latest_s - SLACK_S:
            late = round(self._latest_s - seen.earliest_s)
            what = f"seal {number} has a row that was recorded {late} s before rows of earlier transactions"
            self._result.add(Kind.TIME, what, seal_no=number, last_at=stored.seal.sealed_at)
        if seen.latest_s > sealed_s + SLACK_S:
            what = f"seal {number} has a row that was recorded after it was sealed"
            self._result.add(Kind.TIME, what, seal_no=number, last_at=stored.seal.sealed_at)
        self._latest_s = max(self._latest_s or 0, min(seen.latest_s, sealed_s))


def _lines(rows: Iterator[TrailRow], seen: _Found) -> Iterator[bytes]:
    for row in rows:
        seen.saw(row.recorded_s)
        yield row.line
