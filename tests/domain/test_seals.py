"""What a seal says, bit for bit: known answers of RFC 6962, and a header that never changes."""

import datetime as dt
import hashlib

import pytest

from domain import seals
from domain.checkpoints import Checkpoint
from domain.seals import FIRST_PREVIOUS, FORMATS, Part, Seal, leaf, merkle_root

AT = dt.datetime(2026, 11, 21, 19, 30, 0, 5, tzinfo=dt.timezone(dt.timedelta(hours=1)))
PARTS = (Part("config_changes", 1, bytes([1]) * 32), Part("operations/202611", 2, bytes([2]) * 32))
SEAL = Seal(
    seal_no=7,
    format=1,
    epoch=1,
    epoch_began_at=dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
    from_xid=760,
    to_xid=763,
    parts=PARTS,
    previous_hash=bytes([3]) * 32,
    key_id="0123",
    host="a host",
    sealed_at=AT,
)
HEADER = (
    '{"epoch":1,"epoch_began_at":"1970-01-01T00:00:00.000000+00:00","format":1,"from_xid":760,"host":"a host",'
    '"key_id":"0123","parts":[{"name":"config_changes","root":"' + "01" * 32 + '","rows":1},'
    '{"name":"operations/202611","root":"' + "02" * 32 + '","rows":2}],"previous_hash":"' + "03" * 32 + '",'
    '"root":"ROOT","rows":3,"seal_no":7,"sealed_at":"2026-11-21T18:30:00.000005+00:00","to_xid":763}'
)

# the test vectors that Certificate Transparency's implementations share (RFC 6962, 2.1)
INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("count", range(1, 9))
def test_roots_are_those_of_rfc_6962(count: int) -> None:
    assert merkle_root([leaf(entry) for entry in INPUTS[:count]]).hex() == ROOTS[count - 1]


def test_a_root_over_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one leaf"):
        merkle_root([])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 21])
def test_a_part_in_blocks_has_the_root_of_all_its_lines(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(seals, "_BLOCK", 4)
    lines = [str(number).encode() for number in range(count)]

    assert Part.of("x", iter(lines)) == Part("x", count, merkle_root([leaf(line) for line in lines]))


def test_the_header_of_a_seal_never_changes() -> None:
    said = [
        f"config_changes:1:{'01' * 32}".encode(),
        f"operations/202611:2:{'02' * 32}".encode(),
    ]
    root = hashlib.sha256(b"\1" + b"".join(hashlib.sha256(b"\0" + line).digest() for line in said)).hexdigest()

    assert SEAL.header().decode() == HEADER.replace("ROOT", root)
    assert SEAL.signed == b"opitios seal v1\n" + hashlib.sha256(SEAL.header()).digest()
    assert bytes(32) == FIRST_PREVIOUS


def test_the_columns_that_a_format_seals_never_change() -> None:
    said = repr([(table.name, table.columns, table.key, table.dated_by) for table in FORMATS[1]])

    assert (
        hashlib.sha256(said.encode()).hexdigest() == "c57b9dfdf4fedeb674afc982eeee47d0592ead46cb005def13ae31fc53f5cd0e"
    )


def test_a_checkpoint_is_one_line_that_says_all_of_it_again() -> None:
    kept = Checkpoint.of(SEAL, bytes([9]) * 64)

    assert kept.line().endswith(b"\n")
    assert Checkpoint.parse(kept.line()) == kept
    assert kept.signed == SEAL.signed
    assert kept.month == "202611"


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"null", b'{"seal_no": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_checkpoint_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Checkpoint.parse(line)
