"""A spool keeps what it said it keeps: on the disk, private, bounded, whatever a crash leaves in it (R21)."""

import stat
from pathlib import Path

import pytest

from events import spool as spooling
from events.spool import Spool, spools_in


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.of_process(tmp_path / "spool", "worker/../entries")


def test_lines_come_back_in_order_until_they_are_dropped(spool: Spool) -> None:
    assert spool.keep([{"n": 1}, {"n": 2}])
    assert spool.keep([{"n": 3}])
    found = spool.read()
    assert [line["n"] for line in found.lines] == [1, 2, 3]
    spool.keep([{"n": 4}])
    spool.drop(found.length)
    assert [line["n"] for line in spool.read().lines] == [4]  # what came since stays
    spool.drop(spool.read().length)
    assert spools_in(spool.path.parent) == []


def test_a_spool_is_for_its_user_alone(spool: Spool) -> None:
    spool.keep([{"n": 1}])
    assert spool.path.name == "worker_.._entries.jsonl"
    assert stat.S_IMODE(spool.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.path.parent.stat().st_mode) == 0o700


def test_a_line_that_a_crash_cut_off_costs_itself_alone(spool: Spool) -> None:
    spool.keep([{"n": 1}])
    with spool.path.open("ab") as file:
        file.write(b'{"n": 2, "mess')
    assert [line["n"] for line in spool.read().lines] == [1]
    spool.keep([{"n": 3}])
    found = spool.read()
    assert [line["n"] for line in found.lines] == [1, 3]
    spool.drop(found.length)
    assert spool.read().lines == []


def test_a_full_spool_takes_no_more_and_keeps_what_it_has(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "MOST_BYTES", 20)
    assert spool.keep([{"n": 1}])
    assert not spool.keep([{"n": "x" * 20}])
    assert [line["n"] for line in spool.read().lines] == [1]


def test_a_link_in_its_place_is_not_followed(spool: Spool, tmp_path: Path) -> None:
    spool.path.parent.mkdir(mode=0o700)
    (tmp_path / "else").write_text("")
    spool.path.symlink_to(tmp_path / "else")
    assert not spool.keep([{"n": 1}])
    assert (tmp_path / "else").read_text() == ""


def test_a_file_that_nobody_can_read_or_empty_costs_a_line_in_the_log(spool: Spool) -> None:
    spool.path.mkdir(parents=True)
    assert not spool.keep([{"n": 1}])
    assert spool.read().lines == []
    spool.drop(1)
