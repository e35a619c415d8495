"""Makes an evidence pack: one zip with an account's day, whole or not there at all."""

import datetime as dt
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reports.catalog import REPORTS, Report
from reports.pack import verify
from reports.pack.readme import TEXT
from reports.pack.rows import Subject
from reports.pack.staging import Stage, Staged, Tell
from reports.query import Filters, run_report
from reports.render import write_csv
from reports.seal_rows import Trail
from reports.trail import open_trail

_BLOCK = 1 << 20


class UnknownAccount(LookupError):
    """No account of this name: there is nothing to pack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for: whose day, by whom and when, and the keys (hex) that seals are signed with."""

    account: str
    day: dt.date
    made_by: str
    made_at: dt.datetime
    version: str
    keys: Sequence[str]
    checkpoints: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Logins:
    """Who reads: the trail and the accounts as the system, reports as `compliance_ro`. Never shown."""

    trail: str = field(repr=False)
    reports: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """A pack that lies under a temporary name: what is in it, its digest, and what its own verifier says."""

    path: Path
    sha256: str
    bytes: int
    manifest: Mapping[str, Any]
    findings: Mapping[str, Sequence[str]]

    @property
    def rows(self) -> int:
        """Return how many rows of the trail are in it."""
        return sum(table["rows"] for table in self.manifest["rows"].values())

    @property
    def holds(self) -> bool:
        """Tell whether everything in it holds."""
        return not any(self.findings.values())


@contextmanager
def made_pack(order: Order, logins: Logins, output: Path, tell: Tell) -> Iterator[Made]:
    """Make the pack beside `output` and hand it over; it gets its name when the block ends without an error.

    Raises UnknownAccount, psycopg.Error and OSError; nothing is left behind then.
    """
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.resolve().parent) as directory:
        root, packed = Path(directory) / "pack", Path(directory) / "zip"
        root.mkdir()
        manifest = _fill(order, logins, root, tell)
        tell("writing the zip")
        _zip(root, packed)
        tell("checking the pack")
        checked = verify.verify(packed)
        digest, size = _digest(packed)
        packed.chmod(0o600)  # an account's trades are nobody else's business
        yield Made(packed, digest, size, manifest, checked.wrong)
        packed.replace(output)


def _fill(order: Order, logins: Logins, root: Path, tell: Tell) -> dict[str, Any]:
    with open_trail(logins.trail) as trail:
        ((as_of,),) = trail.execute("SELECT clock_timestamp()::text").fetchall()
        account, subject = _subject(trail, order)
        staged = Stage(trail, subject, root, tell).fill(order.checkpoints)
    reports = _write_reports(logins.reports, order, root, tell)
    made = {"made_at": order.made_at.isoformat(), "made_by": order.made_by}
    withheld = sum(counts.withheld for counts in staged.counts.values())
    (root / "keys.txt").write_text("".join(f"{key}\n" for key in order.keys), encoding="ascii")
    text = TEXT.format(account=order.account, day=order.day, withheld=withheld, **made)
    (root / "README.txt").write_text(text, encoding="utf-8")
    (root / "verify.py").write_bytes(Path(verify.__file__).read_bytes())
    manifest = {
        "pack": 1,
        "account": account,
        "day": order.day.isoformat(),
        "rows_of_the_day_by": "occurred_at, UTC",
        **made,
        "as_of": as_of,
        "opitios": order.version,
        **_said(staged),
        "reports": reports,
        "files": [_entry(root, path) for path in sorted(root.rglob("*")) if path.is_file()],
    }
    (root / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="ascii")
    return manifest


def _said(staged: Staged) -> dict[str, Any]:
    first, last = staged.seals or (None, None)
    rows = {table: asdict(counts) for table, counts in staged.counts.items()}
    return {"rows": rows, "seals": {"first": first, "last": last}, "checkpoints": staged.checkpoints}


def _subject(trail: Trail, order: Order) -> tuple[dict[str, Any], Subject]:
    rows = trail.execute("SELECT account_id, name, account_type, account_type_source FROM trading.accounts").fetchall()
    found = {str(row[1]): row for row in rows}
    if order.account not in found:
        known = ", ".join(sorted(found)) or "none"
        raise UnknownAccount(f"no account {order.account!r}; there are: {known}")
    account_id, name, kind, source = found.pop(order.account)
    said = {"name": name, "account_id": str(account_id), "account_type": kind, "account_type_source": source}
    others = sorted({*found, *(str(row[0]) for row in found.values())})
    return said, Subject(account_id, order.account, order.day, others)  # type: ignore[arg-type]  # a uuid


def _write_reports(url: str, order: Order, root: Path, tell: Tell) -> dict[str, Any]:
    """Write each report that has an account and a day; return their rows by name."""
    (root / "reports").mkdir()
    counts = {}
    for name, report in sorted(REPORTS.items()):
        if report.account_column is None:
            continue  # about no account: nothing in it is of this one alone
        tell(f"report {name}")
        counts[name] = {"rows": _write_report(url, report, order, root / "reports" / f"{name}.csv")}
    return counts


def _write_report(url: str, report: Report, order: Order, path: Path) -> int:
    filters = Filters(account=order.account, first_day=order.day, last_day=order.day)
    with run_report(url, report, filters) as result, path.open("wb") as file:
        return write_csv(result, file).rows


def _entry(root: Path, path: Path) -> dict[str, Any]:
    digest, size = _digest(path)
    return {"name": path.relative_to(root).as_posix(), "bytes": size, "sha256": digest}


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


def _zip(root: Path, target: Path) -> None:
    """Write the files in the order of their names, with no times of their own: the same content is the same zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(root).as_posix())
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as file:
                    while block := source.read(_BLOCK):
                        file.write(block)
    with target.open("rb") as file:
        os.fsync(file.fileno())
