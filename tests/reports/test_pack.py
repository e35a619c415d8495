"""An evidence pack: what is in it, and that its verifier finds every change with nothing but Python."""

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.clock import SYSTEM_CLOCK
from domain.seals import leaf
from reports.pack import verify
from reports.pack.make import Logins, Made, Order, UnknownAccount, made_pack
from services.config_changes import Change, record_change
from tasks.context import Context
from tests.support.house import TEST_ORIGIN, Bed, request
from tests.support.sealing import Sealer

Files = dict[str, bytes]


@dataclass
class Packed:
    """A pack of an account's day, and everything that it was made of."""

    path: Path
    made: Made
    sealer: Sealer
    order: Order
    logins: Logins
    stranger: str

    def files(self) -> Files:
        with zipfile.ZipFile(self.path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def change(ctx: Context, subject: str) -> None:
    with ctx.database.statement() as unit:
        record_change(
            unit, Change(subject, {"value": 1}, {"value": 2}), now=SYSTEM_CLOCK.now(), ids=ctx.ids, origin=TEST_ORIGIN
        )


@pytest.fixture(scope="module")
def packed(quiet: Bed, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """Two seals with rows of two accounts, and one row that nothing has sealed yet."""
    directory = tmp_path_factory.mktemp("packs")
    ours, theirs = quiet.context(), quiet.context()
    name, stranger = (ctx.settings.accounts[0].name for ctx in (ours, theirs))
    sealer = Sealer(quiet.runtime.migrations_database_url, directory / "checkpoints.jsonl")
    sealer.seal()
    for _ in range(2):
        for ctx in (ours, theirs, ours, theirs, theirs):
            request(ctx)
        sealer.seal()
        sealer.seal()  # one without our rows in between
    change(ours, f"accounts.{stranger}.minimum_balance")
    change(ours, "trading.minimum_balance")
    sealer.seal()
    request(ours)
    order = Order(
        account=name,
        day=SYSTEM_CLOCK.now().date(),
        made_by="os:officer",
        made_at=SYSTEM_CLOCK.now(),
        version="0",
        keys=[sealer.public],
        checkpoints=directory / "checkpoints.jsonl",
    )
    logins = Logins(trail=quiet.runtime.app_database_url, reports=quiet.runtime.compliance_database_url)
    path = directory / "pack.zip"
    with made_pack(order, logins, path, lambda _what: None) as made:
        assert not path.exists()
    return Packed(path, made, sealer, order, logins, stranger)


def judged(files: Files, directory: Path, *, settle: bool = True, **options: Any) -> dict[str, list[str]]:
    """Return what the verifier finds wrong with these files, check by check; `settle` puts them into the manifest."""
    if settle:
        manifest = json.loads(files["manifest.json"])
        manifest["files"] = [
            {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
            if name != "manifest.json"
        ]
        files = files | {"manifest.json": json.dumps(manifest).encode()}
    path = directory / "changed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    found = verify.verify(path, **options).wrong
    return {check: wrong for check, wrong in found.items() if wrong}


def lines(files: Files, name: str) -> list[Any]:
    return [json.loads(line) for line in files[name].splitlines()]


def written(entries: list[Any]) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


def alone(directory: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the pack's own verifier in an empty environment, without site-packages and without this checkout."""
    command = [sys.executable, "-I", "-S", *map(str, words)]
    return subprocess.run(command, cwd=directory, env={}, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_pack_is_verified_on_a_machine_with_nothing_but_python(packed: Packed, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed.path) as archive:
        archive.extractall(tmp_path)

    answer = alone(tmp_path, "verify.py")

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Everything holds." in answer.stdout
    assert "FAILS" not in answer.stdout
    assert "1 are not sealed yet" in answer.stdout


def test_the_zip_is_verified_as_it_is_with_key_and_checkpoints_from_outside(packed: Packed, tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_bytes(packed.files()["verify.py"])
    kept = ("--checkpoints", packed.order.checkpoints, "--key", packed.sealer.public)

    assert alone(tmp_path, "verify.py", packed.path, *kept).returncode == 0
    assert alone(tmp_path, "verify.py", packed.path, "--key", "00").returncode == 2
    assert alone(tmp_path, "verify.py").returncode == 2  # no pack here


def test_a_pack_has_the_accounts_rows_exactly_as_they_were_sealed(packed: Packed) -> None:
    files = packed.files()

    events = lines(files, "events/order_events.jsonl")
    assert [event["event_type"] for event in events] == ["requested"] * 5
    assert packed.made.manifest["rows"]["order_events"] == {"rows": 5, "not_sealed": 1, "withheld": 0}
    sealed = [group["leaves"][place] for group in lines(files, "leaves/order_events.jsonl") for place in group["rows"]]
    assert sealed == [leaf(line).hex() for line in files["events/order_events.jsonl"].splitlines()[:4]]
    assert {row["operation"] for row in lines(files, "events/operations.jsonl")} == {"balance_read"}
    headers = [json.loads(entry["header"])["seal_no"] for entry in lines(files, "seals.jsonl")]
    assert headers == list(range(headers[0], headers[-1] + 1))
    assert packed.made.manifest["checkpoints"] == len(headers)
    assert packed.made.manifest["reports"]["order-timing"] == {"rows": 0}
    assert packed.made.holds


def test_nothing_of_another_account_is_in_a_pack(packed: Packed, quiet: Bed) -> None:
    with quiet.database.statement() as unit:
        theirs = unit.row("SELECT account_id FROM trading.accounts WHERE name = %(name)s", {"name": packed.stranger})
    assert theirs is not None
    text = b"\n".join(packed.files().values()).decode()

    assert packed.stranger not in text.replace(packed.order.account, "")
    assert str(theirs.account_id) not in text
    subjects = [row["subject"] for row in lines(packed.files(), "events/config_changes.jsonl")]
    assert "trading.minimum_balance" in subjects
    assert packed.made.manifest["rows"]["config_changes"]["withheld"] >= 1


def test_the_same_content_is_the_same_zip(packed: Packed, tmp_path: Path) -> None:
    with made_pack(packed.order, packed.logins, tmp_path / "again.zip", lambda _what: None) as made:
        pass

    before, after = packed.files(), {}
    with zipfile.ZipFile(tmp_path / "again.zip") as archive:
        after = {name: archive.read(name) for name in archive.namelist()}
    assert made.sha256 == hashlib.sha256((tmp_path / "again.zip").read_bytes()).hexdigest()
    assert list(before) == list(after)
    assert [name for name in before if before[name] != after[name]] == ["manifest.json"]  # it says when it was read


def test_a_pack_that_cannot_be_made_leaves_nothing_behind(packed: Packed, tmp_path: Path) -> None:
    target = tmp_path / "pack.zip"
    with (
        pytest.raises(UnknownAccount, match="no account 'nobody'"),
        made_pack(replace(packed.order, account="nobody"), packed.logins, target, lambda _what: None),
    ):
        pass
    with (
        pytest.raises(OSError, match="not on record"),
        made_pack(packed.order, packed.logins, target, lambda _what: None),
    ):
        raise OSError("not on record")
    assert list(tmp_path.iterdir()) == []


def an_event_changed(files: Files) -> None:
    files["events/order_events.jsonl"] = files["events/order_events.jsonl"].replace(b"requested", b"canceled!", 1)


def an_event_removed(files: Files) -> None:
    files["events/order_events.jsonl"] = files["events/order_events.jsonl"].partition(b"\n")[2]


def an_event_added(files: Files) -> None:
    first = files["events/order_events.jsonl"].partition(b"\n")[0]
    files["events/order_events.jsonl"] = (
        first.replace(b"requested", b"canceled!", 1) + b"\n" + files["events/order_events.jsonl"]
    )


def an_event_twice(files: Files) -> None:
    first = files["events/order_events.jsonl"].partition(b"\n")[0]
    files["events/order_events.jsonl"] = first + b"\n" + files["events/order_events.jsonl"]


def a_leaf_changed(files: Files) -> None:
    groups = lines(files, "leaves/order_events.jsonl")
    groups[0]["leaves"][next(iter({0, 1} - set(groups[0]["rows"])), -1)] = "00" * 32
    files["leaves/order_events.jsonl"] = written(groups)


def an_event_and_its_leaf_changed(files: Files) -> None:
    an_event_changed(files)
    groups = lines(files, "leaves/order_events.jsonl")
    line = files["events/order_events.jsonl"].partition(b"\n")[0]
    groups[0]["leaves"][groups[0]["rows"][0]] = leaf(line).hex()
    files["leaves/order_events.jsonl"] = written(groups)


def a_header_changed(files: Files) -> None:
    seals = lines(files, "seals.jsonl")
    seals[1]["header"] = seals[1]["header"].replace('"host":"test"', '"host":"else"')
    files["seals.jsonl"] = written(seals)


def a_header_changed_and_hashed_anew(files: Files) -> None:
    a_header_changed(files)
    seals = lines(files, "seals.jsonl")
    seals[1]["hash"] = hashlib.sha256(seals[1]["header"].encode()).hexdigest()
    files["seals.jsonl"] = written(seals)


def a_count_changed(files: Files) -> None:
    seals = lines(files, "seals.jsonl")
    header = json.loads(seals[0]["header"])
    header["rows"] += 1
    seals[0]["header"] = json.dumps(header)
    files["seals.jsonl"] = written(seals)


def a_seal_left_out(files: Files) -> None:
    seals = lines(files, "seals.jsonl")
    files["seals.jsonl"] = written([seals[0], *seals[2:]])


def a_wrong_signature(files: Files) -> None:
    seals = lines(files, "seals.jsonl")
    seals[0]["signature"] = seals[1]["signature"]
    files["seals.jsonl"] = written(seals)


def another_key(files: Files) -> None:
    files["keys.txt"] = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex().encode() + b"\n"


def another_checkpoint(files: Files) -> None:
    points = lines(files, "checkpoints.jsonl")
    points[0]["hash"] = "00" * 32
    files["checkpoints.jsonl"] = written(points)


@pytest.mark.requirement("TRD-001")
@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (an_event_changed, {"events": "missing or was changed"}),
        (an_event_removed, {"events": "missing or was changed"}),
        (an_event_added, {"events": "order_events.jsonl, line 1: no seal holds this row"}),
        (an_event_twice, {"events": "has 1 rows twice"}),
        (a_leaf_changed, {"leaves": "order_events/"}),
        (an_event_and_its_leaf_changed, {"leaves": "not those that the seal was made of"}),
        (a_header_changed, {"seals": "another hash than stands beside it", "signatures": "not signed by this key"}),
        (a_header_changed_and_hashed_anew, {"seals": "names another seal before it", "signatures": "not signed"}),
        (a_count_changed, {"seals": "a root or a count that is not that of its parts"}),
        (a_seal_left_out, {"seals": "what lies between is missing"}),
        (a_wrong_signature, {"signatures": "is not signed by this key"}),
        (another_key, {"signatures": "is not signed by this key"}),
        (another_checkpoint, {"checkpoints": "had the hash 000"}),
    ],
)
def test_what_was_changed_is_found_and_named_though_the_manifest_was_made_anew(
    packed: Packed, tmp_path: Path, tamper: Callable[[Files], None], found: dict[str, str]
) -> None:
    files = packed.files()
    tamper(files)

    wrong = judged(files, tmp_path)

    for check, words in found.items():
        assert any(words in finding for finding in wrong.get(check, [])), wrong


@pytest.mark.parametrize("name", ["reports/order-timing.csv", "README.txt", "events/order_events.jsonl", "verify.py"])
def test_any_file_that_is_not_as_the_manifest_says_is_named(packed: Packed, tmp_path: Path, name: str) -> None:
    files = packed.files()
    files[name] += b"x"
    assert f"{name} is not as the manifest says" in judged(files, tmp_path, settle=False)["files"]
    del files[name]
    assert any(
        finding.startswith(f"{name} is there 0 times") for finding in judged(files, tmp_path, settle=False)["files"]
    )


def test_a_file_that_the_manifest_does_not_know_is_named(packed: Packed, tmp_path: Path) -> None:
    wrong = judged(packed.files() | {"reports/more.csv": b"x"}, tmp_path, settle=False)
    assert wrong == {"files": ["reports/more.csv is there 1 times and not in the manifest"]}


def test_a_pack_that_was_made_anew_with_the_key_is_found_by_checkpoints_kept_outside(
    packed: Packed, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.jsonl"
    points = lines(packed.files(), "checkpoints.jsonl")
    kept.write_bytes(written([points[0] | {"hash": "11" * 32}]))
    assert list(judged(packed.files(), tmp_path, checkpoints=kept)) == ["kept outside"]

    kept.write_bytes(written([points[0] | {"seal_no": 10**9}]))
    assert judged(packed.files(), tmp_path, checkpoints=kept) == {
        "kept outside": ["no checkpoint in this file is of a seal in the pack"]
    }


def test_the_key_that_was_written_down_outranks_the_packs_own(packed: Packed, tmp_path: Path) -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    assert list(judged(packed.files(), tmp_path, keys=[other])) == ["signatures"]


def test_the_verifier_knows_nothing_of_the_house() -> None:
    source = Path(verify.__file__).read_text(encoding="utf-8")
    imported = {
        line.split()[1].partition(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))
    }
    assert imported <= sys.stdlib_module_names
    assert len(source.splitlines()) <= 250  # to be read in one sitting
