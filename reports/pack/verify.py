"""Checks an evidence pack of Opitios with nothing but Python 3.9: verify.py [PACK] [--checkpoints FILE] [--key HEX].

PACK is the zip or the directory it was unpacked to; without it, the one this file lies in. What is checked:
files        each has the SHA-256 that manifest.json says, and there are no others
seals        a header has the hash beside it, its root is that of its parts, and it names the hash of the seal before it
signatures   Ed25519 (RFC 8032) over "opitios seal v1", a line end, and the hash
leaves       the Merkle tree (RFC 6962) over a part's listed leaves has the root and the count in the seal's header
events       each row has its leaf, SHA-256 of a zero byte and its line, and no row is missing
checkpoints  what was written outside the database when a seal was made says the same hash
Exit status: 0 when everything holds, 1 when something does not, 2 when this is no pack.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any, Iterable, Iterator  # noqa: UP035  the oldest Python that this is for

Point = tuple[int, int, int, int]  # extended coordinates: X, Y, Z, T
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def added(a: Point, b: Point) -> Point:
    """Return the sum of two points (RFC 8032, 5.1.4)."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    return (f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P


def decoded(data: bytes) -> Point:
    """Return the point of 32 bytes (5.1.3). Raises ValueError when they are none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if len(data) != 32 or y >= P or x * x % P != square or (x == 0 and sign):  # noqa: PLR2004  bytes of a point
        raise ValueError(f"no public key of Ed25519: {data.hex()}")
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


def multiples(point: Point) -> list[list[Point]]:
    """Return j * 16^i * point at [i][j]: made once, it makes a product 64 sums."""
    table = []
    for _ in range(64):
        row: list[Point] = [(0, 1, 1, 0)]
        for _ in range(16):
            row.append(added(row[-1], point))
        point = row.pop()
        table.append(row)
    return table


def multiplied(table: list[list[Point]], number: int) -> Point:
    """Return the product of a table's point and a number below 2^256."""
    total: Point = (0, 1, 1, 0)
    for place, row in enumerate(table):
        total = added(total, row[number >> 4 * place & 15])
    return total


BASE = multiples(decoded((4 * pow(5, -1, P) % P).to_bytes(32, "little")))


class Key:
    """A public key of Ed25519, given in hexadecimal digits. Raises ValueError for something else."""

    def __init__(self, text: str) -> None:
        self.raw = bytes.fromhex(text)
        x, y, z, t = decoded(self.raw)
        self._minus = multiples((P - x, y, z, P - t))

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key made the signature of a message (5.1.7, the check without a cofactor)."""
        s = int.from_bytes(signature[32:], "little")
        h = int.from_bytes(hashlib.sha512(signature[:32] + self.raw + message).digest(), "little") % ORDER
        x, y, z, _ = added(multiplied(BASE, s), multiplied(self._minus, h))
        x, y = x * pow(z, -1, P) % P, y * pow(z, -1, P) % P
        return s < ORDER and (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def leaf(line: bytes) -> bytes:
    """Return a row's leaf."""
    return hashlib.sha256(b"\0" + line).digest()


def merkle_root(leaves: list[bytes]) -> bytes:
    """Return the root over leaves; an odd one at the end of a level goes up as it is."""
    level = leaves
    while len(level) > 1:
        above = [hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = above + level[len(above) * 2 :]
    return level[0] if level else bytes(32)


class Pack:
    """The files of a zip or of a directory, and what has been found out about them, check by check."""

    def __init__(self, root: Path, archive: zipfile.ZipFile | None) -> None:
        self._root, self._zip = root, archive
        self.found: dict[str, str] = {}
        self.wrong: dict[str, list[str]] = {}

    def names(self) -> list[str]:
        """Return the files that are there."""
        there = [path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if path.is_file()]
        return there if self._zip is None else self._zip.namelist()

    def open(self, name: str) -> IO[bytes]:
        """Open a file. Raises KeyError or OSError when it is not there."""
        return (self._root / name).open("rb") if self._zip is None else self._zip.open(name)

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a file; of one that is not there, none: that is a finding about files."""
        if name in self.names():
            with self.open(name) as file:
                yield from (line.rstrip(b"\n") for line in file)

    def say(self, check: str, holds: str, wrong: Iterable[str]) -> None:
        """Note what a check has found."""
        self.found[check], self.wrong[check] = holds, [ascii(what)[1:-1] for what in wrong]


def other_files(pack: Pack, manifest: dict[str, Any]) -> Iterator[str]:
    """Yield what is not as the manifest says."""
    names = pack.names()
    wanted = {entry["name"]: entry for entry in manifest["files"]}
    for name in sorted({*names, *wanted} - {"manifest.json"}):
        if name not in wanted or names.count(name) != 1:
            yield f"{name} is there {names.count(name)} times and {'' if name in wanted else 'not '}in the manifest"
            continue
        digest = hashlib.sha256()
        with pack.open(name) as file:
            while block := file.read(1 << 20):
                digest.update(block)
        if digest.hexdigest() != wanted[name]["sha256"]:
            yield f"{name} is not as the manifest says"


def broken(header: dict[str, Any], said: str, before: dict[str, Any]) -> Iterator[str]:
    """Yield what does not hold of one seal, the hash beside it, and the seal before it."""
    roots = [leaf("{name}:{rows}:{root}".format(**part).encode()) for part in header["parts"]]
    if header["hash"] != said:
        yield f"seal {header['seal_no']} has another hash than stands beside it"
    if merkle_root(roots).hex() != header["root"] or sum(part["rows"] for part in header["parts"]) != header["rows"]:
        yield f"seal {header['seal_no']} has a root or a count that is not that of its parts"
    if before and header["seal_no"] != before["seal_no"] + 1:
        yield f"seal {header['seal_no']} follows seal {before['seal_no']}: what lies between is missing"
    elif before and header["previous_hash"] != before["hash"]:
        yield f"seal {header['seal_no']} names another seal before it than {before['seal_no']}"


def check_seals(pack: Pack, keys: list[Key]) -> dict[int, dict[str, Any]]:
    """Follow the chain and return the headers by number, each with its hash."""
    seals: dict[int, dict[str, Any]] = {}
    before: dict[str, Any] = {}
    wrong, unsigned = list[str](), list[str]()
    for entry in map(json.loads, pack.lines("seals.jsonl")):
        digest = hashlib.sha256(entry["header"].encode()).digest()
        header = {**json.loads(entry["header"]), "hash": digest.hex()}
        wrong += broken(header, entry["hash"], before)
        if not any(key.signed(b"opitios seal v1\n" + digest, bytes.fromhex(entry["signature"])) for key in keys):
            unsigned.append(f"seal {header['seal_no']} is not signed by this key")
        before = seals[header["seal_no"]] = header
    pack.say("seals", f"{len(seals)} in one chain, {min(seals, default=0)} to {max(seals, default=0)}", wrong)
    pack.say("signatures", "made with " + (" or ".join(key.raw.hex() for key in keys) or "a key nobody gave"), unsigned)
    return seals


def check_rows(pack: Pack, manifest: dict[str, Any], seals: dict[int, dict[str, Any]]) -> None:
    """Compare lists of leaves with seals, and rows with leaves; what is not sealed stands last in its file."""
    wrong, trees, sealed, unsealed = list[str](), list[str](), 0, 0
    for table in (name[7:-6] for name in sorted(pack.names()) if name.startswith("events/")):
        lines = [leaf(line) for line in pack.lines(f"events/{table}.jsonl")]
        left = {found: number for number, found in enumerate(lines, 1)}
        wrong += [f"events/{table}.jsonl has {len(lines) - len(left)} rows twice"] * (len(left) < len(lines))
        for group in map(json.loads, pack.lines(f"leaves/{table}.jsonl")):
            tree = [bytes.fromhex(text) for text in group["leaves"]]
            place, seal = f"seal {group['seal_no']}, {group['part']}", seals.get(group["seal_no"], {"parts": []})
            if {"name": group["part"], "rows": len(tree), "root": merkle_root(tree).hex()} not in seal["parts"]:
                trees.append(f"{place}: the leaves are not those that the seal was made of")
            missing = [index for index in group["rows"] if left.pop(tree[index], None) is None]
            wrong += [f"{place}, leaf {index}: its row is missing or was changed" for index in missing]
            sealed += len(group["rows"]) - len(missing)
        unsealed += manifest["rows"][table]["not_sealed"]
        lost = [number for number in left.values() if number <= len(lines) - manifest["rows"][table]["not_sealed"]]
        wrong += [f"events/{table}.jsonl, line {number}: no seal holds this row" for number in sorted(lost)]
    pack.say("leaves", "the lists of leaves have the roots in the seals", trees)
    pack.say("events", f"{sealed} rows stand in the seals; {unsealed} are not sealed yet and prove nothing", wrong)


def check_points(pack: Pack, check: str, lines: Iterable[bytes], seals: dict[int, dict[str, Any]]) -> None:
    """Compare checkpoints with the seals; those kept outside must be of some of them."""
    found = [point for point in map(json.loads, filter(bytes.strip, lines)) if point["seal_no"] in seals]
    other = [point for point in found if point["hash"] != seals[point["seal_no"]]["hash"]]
    wrong = [f"seal {point['seal_no']} had the hash {point['hash']} when it was made" for point in other]
    wrong += ["no checkpoint in this file is of a seal in the pack"] * (check == "kept outside" and not found)
    pack.say(check, f"{len(found)} checkpoints of these {len(seals)} seals say the same", wrong)


def verify(path: Path, checkpoints: Path | None = None, keys: Iterable[str] = ()) -> Pack:
    """Check a pack and return what was found. Whatever it raises, this is no pack, or no key."""
    with zipfile.ZipFile(path) if path.is_file() else nullcontext() as archive:
        pack = Pack(path, archive)
        with pack.open("manifest.json") as file:
            manifest = json.load(file)
        given = [Key(key) for key in keys] or [Key(line.decode()) for line in pack.lines("keys.txt") if line]
        pack.say("files", f"{len(manifest['files'])} files", other_files(pack, manifest))
        seals = check_seals(pack, given)
        check_rows(pack, manifest, seals)
        check_points(pack, "checkpoints", pack.lines("checkpoints.jsonl"), seals)
        if checkpoints is not None:
            check_points(pack, "kept outside", checkpoints.read_bytes().splitlines(), seals)
    return pack


def main() -> int:
    """Check what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(description="Checks an evidence pack of Opitios.")
    parser.add_argument("pack", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--checkpoints", type=Path, help="checkpoints that were kept elsewhere")
    parser.add_argument("--key", action="append", default=[], help="public key that was written down elsewhere (hex)")
    options = parser.parse_args()
    try:
        pack = verify(options.pack, options.checkpoints, options.key)
    except Exception as error:  # noqa: BLE001  whatever a damaged or made-up file raises: it cannot be checked
        print(f"This cannot be checked: {type(error).__name__}: {error}")
        return 2
    for check, holds in pack.found.items():
        print(f"{'FAILS' if pack.wrong[check] else 'holds'}  {check:<12} {holds}")
        print("".join(f"       - {what}\n" for what in pack.wrong[check][:20]), end="")
    count = sum(map(len, pack.wrong.values()))
    if not options.key:
        print("The key is the pack's own: compare it with the one that was written down elsewhere.")
    print(f"Something does NOT hold: {count} findings." if count else "Everything holds.")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
