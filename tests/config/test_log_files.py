"""One process's log file: no line lost while it rotates, old ones compressed and removed, bad disks survived."""

import datetime as dt
import fcntl
import gzip
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from loguru import logger

from config import log_files
from config.clock import SYSTEM_CLOCK
from config.log_files import Keeping, LogFile, tidy

ROOT = Path(__file__).parents[2]
DAY = dt.timedelta(days=1)
KEEPING = Keeping(20_000, 14 * DAY)
FULL_DISK = """
import resource, sys
from pathlib import Path
from datetime import timedelta
from config.log_files import Keeping, LogFile

file = LogFile(Path(sys.argv[1]), "api", Keeping(10**6, timedelta(days=1)))
file.write("before\\n")
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))  # the rest of "before" and a part of the next line
for number in range(3):
    file.write(f"lost {number}\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
file.write("after\\n")
file.close()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "app"


@pytest.fixture
def file(folder: Path) -> Iterator[LogFile]:
    made = LogFile(folder, "api", KEEPING)
    yield made
    made.close()


def lines_of(path: Path) -> list[str]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return text.decode().splitlines()


def all_lines(folder: Path) -> list[str]:
    return [line for path in sorted(folder.iterdir()) for line in lines_of(path)]


def plant(path: Path, age: dt.timedelta, text: str = "old\n") -> Path:
    """Write a file whose last line is as old as `age`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    then = (SYSTEM_CLOCK.now() - age).timestamp()
    os.utime(path, (then, then))
    return path


@pytest.mark.requirement("QUA-002", "FR-004")
def test_no_line_is_lost_or_doubled_while_threads_write_and_files_rotate(folder: Path) -> None:
    made = LogFile(folder, "api", KEEPING)
    sink = logger.add(made.write, format="{message}", filter=lambda record: "numbered" in record["extra"])
    numbered = logger.bind(numbered=True)

    def work(worker: int) -> None:
        for number in range(1500):
            numbered.info("worker {} line {:05}", worker, number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    logger.remove(sink)
    made.close()

    wanted = [f"worker {worker} line {number:05}" for worker in range(6) for number in range(1500)]
    assert Counter(all_lines(folder)) == Counter(wanted)
    rotated = [path for path in folder.iterdir() if path.name != "api.log"]
    assert len(rotated) >= 6 * 1500 * len("worker 1 line 00001\n") // 20_000 - 1
    assert {path.suffix for path in rotated} == {".gz"}
    assert max(len(gzip.decompress(path.read_bytes())) for path in rotated) <= 20_000
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@pytest.mark.requirement("QUA-002", "FR-004")
def test_a_start_compresses_what_lay_aside_and_removes_what_is_too_old_of_every_process(folder: Path) -> None:
    stamp = "20260101T000000.000000Z"
    plant(folder / f"api.{stamp}.log", 2 * DAY, "not compressed yet\n")
    plant(folder / f"api.{stamp}.log.gz", 15 * DAY)
    plant(folder / "worker-gone.log", 15 * DAY)
    plant(folder / f"relay.{stamp}.log.gz", 13 * DAY)
    plant(folder / "relay.log", 13 * DAY)

    LogFile(folder, "api", KEEPING).close()

    assert {path.name for path in folder.iterdir()} == {
        f"api.{stamp}.log.gz",
        f"relay.{stamp}.log.gz",
        "relay.log",
    }
    packed = folder / f"api.{stamp}.log.gz"
    assert lines_of(packed) == ["not compressed yet"]
    assert SYSTEM_CLOCK.now().timestamp() - packed.stat().st_mtime == pytest.approx(2 * 86_400, abs=60)


def test_a_silent_file_stays_while_its_process_lives(folder: Path, file: LogFile) -> None:
    file.write("a line of long ago\n")
    plant(folder / "other.log", 15 * DAY)
    os.utime(folder / "api.log", (0, 0))

    tidy(folder, 14 * DAY)

    assert [path.name for path in folder.iterdir()] == ["api.log"]


def test_a_second_process_of_the_name_writes_a_file_of_its_own(folder: Path, file: LogFile) -> None:
    file.write("first\n")
    second = LogFile(folder, "api", KEEPING)
    second.write("second\n")
    second.close()

    assert (lines_of(folder / "api.log"), lines_of(folder / "api-2.log")) == (["first"], ["second"])


def test_two_that_tidy_at_once_lose_nothing(folder: Path) -> None:
    for number in range(40):
        plant(folder / f"api.20260101T000000.{number:06}Z.log", DAY, f"line {number}\n" * 200)
    threads = [threading.Thread(target=tidy, args=(folder, 14 * DAY)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(all_lines(folder)) == {f"line {number}": 200 for number in range(40)}
    assert {path.suffix for path in folder.iterdir()} == {".gz"}


def test_what_another_has_packed_meanwhile_is_not_packed_again_from_nothing(folder: Path) -> None:
    path = plant(folder / "api.20260101T000000.000000Z.log", DAY, "precious\n")
    log_files._compress(path)
    with pytest.raises(FileNotFoundError):  # it was on the list of a second one that tidies
        log_files._compress(path)

    assert all_lines(folder) == ["precious"]


def test_a_file_that_is_put_aside_while_it_is_opened_is_not_written_to(
    folder: Path, file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plant(folder / "api.log", dt.timedelta(0), "full\n")
    aside = folder / "api.20260101T000000.000000Z.log"
    lock = fcntl.flock

    late = [path]

    def lock_too_late(descriptor: int, operation: int) -> None:
        if late:
            late.pop().rename(aside)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lock_too_late)
    file.write("new\n")
    file.close()  # whatever was put aside is compressed by then, or never

    packed = aside.with_name(f"{aside.name}.gz")
    assert (lines_of(path), lines_of(packed if packed.exists() else aside)) == (["new"], ["full"])


def test_a_line_that_a_crash_cut_off_does_not_swallow_the_next(folder: Path, file: LogFile) -> None:
    plant(folder / "api.log", dt.timedelta(0), "whole\ncut o")
    file.write("next\n")

    assert lines_of(folder / "api.log") == ["whole", "cut o", "next"]


def test_a_file_that_somebody_removed_is_begun_again(folder: Path, file: LogFile) -> None:
    file.write("gone\n")
    (folder / "api.log").unlink()
    file.write("here\n")

    assert lines_of(folder / "api.log") == ["here"]


def test_without_its_folder_a_process_works_on_says_so_once_and_goes_on_when_it_can(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.parent.mkdir()
    folder.touch()  # no directory can be made here, by nobody
    file = LogFile(folder, "api", KEEPING)
    for number in range(3):
        file.write(f"lost {number}\n")
    folder.unlink()
    file.write("kept\n")
    file.close()

    assert lines_of(folder / "api.log") == ["kept"]
    said = capsys.readouterr().err.splitlines()
    assert [re.sub(r"\(.*\)", "(why)", line.partition("api.log ")[2]) for line in said] == [
        "cannot be written (why); lines are lost until it can, work goes on",
        "is written again; 3 lines are missing",
    ]


def test_a_full_disk_is_survived_and_what_it_cut_off_swallows_nothing(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(folder)], env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, lines_of(folder / "api.log")) == (0, ["before", "los", "after"])
    assert done.stderr.count("cannot be written (File too large)") == 1
    assert "is written again; 3 lines are missing" in done.stderr


def test_a_rotation_that_is_not_allowed_goes_on_in_the_old_file(
    folder: Path, file: LogFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(1, f"not permitted: {self.name}", str(target))

    file.write("x" * 19_990 + "\n")
    monkeypatch.setattr(Path, "rename", refuse)  # root may rename everywhere: only so can a right be missing
    file.write("beyond the limit\n")

    assert lines_of(folder / "api.log")[1:] == ["beyond the limit"]
    assert "cannot be rotated (not permitted: api.log); it grows" in capsys.readouterr().err


def test_what_is_logged_as_json_is_one_object_a_line_also_across_rotation(folder: Path, file: LogFile) -> None:
    for number in range(1000):
        file.write(json.dumps({"number": number, "text": "ü" * 10}, ensure_ascii=False) + "\n")
    file.close()

    assert sorted(json.loads(line)["number"] for line in all_lines(folder)) == list(range(1000))
