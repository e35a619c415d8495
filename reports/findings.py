"""What a verification of the audit trail found, and how it is told (R29)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MOST_FINDINGS = 1000


class Kind(StrEnum):
    """What does not hold, or is to be known."""

    ROWS = "rows"
    """The rows of a part are not those that were sealed: changed, removed, added or in another order."""
    SEAL = "seal"
    """A seal is not what its hash is of."""
    SIGNATURE = "signature"
    """A seal's signature is not its key's, or the key is not known."""
    CHAIN = "chain"
    """A seal does not follow from the one before: a number, hash, range of transactions or epoch."""
    MISSING = "missing"
    """A checkpoint's seal is not in the database: the end, or a part in between, was cut off."""
    REWRITTEN = "rewritten"
    """A checkpoint's seal has another hash in the database."""
    CHECKPOINT = "checkpoint"
    """A line among the checkpoints is none, or not signed by a known key."""
    TIME = "time"
    """Rows say that they were recorded at a time that does not fit their transactions."""
    OUTSIDE = "outside"
    """Rows that no seal has, although seals have everything before and after them."""
    SILENCE = "silence"
    """Nothing was sealed for a while: the sealer, the database or the machine was away."""
    EPOCH = "epoch"
    """The database was restored: its transactions are counted anew."""
    UNCHECKED = "unchecked"
    """Nothing to check against."""


REMARKS = frozenset({Kind.SILENCE, Kind.EPOCH, Kind.UNCHECKED})
"""What is to be known and does not speak against the trail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found. The rows in question were recorded between `first_at` and `last_at` (UTC), where that is known.

    Which row it was cannot be told from a root: it is one of the part's in that time.
    """

    kind: Kind
    what: str
    seal_no: int | None = None
    part: str | None = None
    first_at: dt.datetime | None = None
    last_at: dt.datetime | None = None
    expected: int | None = None
    found: int | None = None

    @property
    def is_broken(self) -> bool:
        """Whether something does not hold; else it is a remark."""
        return self.kind not in REMARKS

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "kind": self.kind.value,
            "broken": self.is_broken,
            "what": self.what,
            "seal_no": self.seal_no,
            "part": self.part,
            "first_at": None if self.first_at is None else self.first_at.isoformat(),
            "last_at": None if self.last_at is None else self.last_at.isoformat(),
            "expected": self.expected,
            "found": self.found,
        }


@dataclass(slots=True, kw_only=True)
class Verification:
    """What was looked at, and what was found: `findings` has the first thousand, `broken` and `remarks` count all.

    `archived` counts rows of months that were retired: their roots are taken as they are. `unsealed` counts rows that
    are too young for a seal. `keys` are the fingerprints that signed.
    """

    first_seal: int | None = None
    last_seal: int | None = None
    sealed_until: dt.datetime | None = None
    seals: int = 0
    rows: int = 0
    archived: int = 0
    unsealed: int = 0
    checkpoints: int = 0
    last_checkpoint: int | None = None
    keys: set[str] = field(default_factory=set)
    broken: int = 0
    remarks: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether everything that was looked at is what was sealed."""
        return self.broken == 0

    def add(self, kind: Kind, what: str, **more: Any) -> None:
        """Note a finding."""
        finding = Finding(kind=kind, what=what, **more)
        self.broken += finding.is_broken
        self.remarks += not finding.is_broken
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)

    def as_dict(self) -> Mapping[str, Any]:
        """Return it for JSON."""
        return {
            "holds": self.holds,
            "first_seal": self.first_seal,
            "last_seal": self.last_seal,
            "sealed_until": None if self.sealed_until is None else self.sealed_until.isoformat(),
            "seals": self.seals,
            "rows": self.rows,
            "archived_rows": self.archived,
            "unsealed_rows": self.unsealed,
            "checkpoints": self.checkpoints,
            "last_checkpoint": self.last_checkpoint,
            "keys": sorted(self.keys),
            "broken": self.broken,
            "remarks": self.remarks,
            "findings": [finding.as_dict() for finding in self.findings],
        }
