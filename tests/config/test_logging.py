"""The two logs of a process, written by a process of their own: logging is global."""

import datetime as dt
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CANARY = "canary-9f31"
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \| (INFO|WARNING|ERROR) \| .+")
PROGRAM = """
import logging, pathlib, sys
from loguru import logger
from config.home import Home
from config.logging import setup_logging

def fail(password):
    if password:
        raise RuntimeError("it broke")

setup_logging(Home(pathlib.Path(".")), "worker-entries", console=True)
logger.debug("too quiet")
logger.info("Order placed: {}", "BUY {AAPL}")
logging.getLogger("celery.worker").warning("from the %s", "standard library")
logging.getLogger("kombu").info("chatter")
logging.getLogger("uvicorn.error").error("braces {} stay")
logging.getLogger("x").log(35, "a level of its own")
try:
    fail(sys.argv[1])
except RuntimeError:
    logger.exception("caught by us")
    logging.getLogger("x").exception("caught by another")
from config.clock import SYSTEM_CLOCK
print(SYSTEM_CLOCK.now().isoformat(" "))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the program has logged, on a machine far west of UTC."""
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TZ": "America/Chicago"}
    program = home / "program.py"  # a file: without source lines no traceback could show a value
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), CANARY]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=True)
    (home / "now").write_text(done.stdout)
    (home / "console").write_text(done.stderr)
    return home


@pytest.fixture
def application(written: Path) -> str:
    return (written / "logs/app/worker-entries.log").read_text()


@pytest.fixture
def errors(written: Path) -> str:
    return (written / "logs/errors/worker-entries.log").read_text()


def test_a_process_writes_two_files_and_no_other(written: Path) -> None:
    files = {str(path.relative_to(written)) for path in (written / "logs").rglob("*") if path.is_file()}
    assert files == {"logs/app/worker-entries.log", "logs/errors/worker-entries.log"}


def test_a_line_has_the_documented_form_in_utc(written: Path, application: str) -> None:
    first = application.splitlines()[0]

    assert LINE.fullmatch(first)
    assert first.endswith(" | INFO | Order placed: BUY {AAPL}")
    logged = dt.datetime.fromisoformat(first[:23]).replace(tzinfo=dt.UTC)
    ended = dt.datetime.fromisoformat((written / "now").read_text().strip())
    assert dt.timedelta(0) <= ended - logged < dt.timedelta(minutes=5)


def test_the_standard_librarys_records_go_the_same_way(application: str) -> None:
    assert " | WARNING | from the standard library\n" in application
    assert " | ERROR | braces {} stay\n" in application
    assert "a level of its own" in application


def test_what_is_too_quiet_stays_out(application: str) -> None:
    assert "too quiet" not in application
    assert "chatter" not in application


def test_errors_have_a_file_of_their_own_and_nothing_else_is_in_it(errors: str) -> None:
    heads = [line for line in errors.splitlines() if LINE.fullmatch(line)]
    assert [head.split(" | ")[2] for head in heads] == ["braces {} stay", "caught by us", "caught by another"]


def test_a_traceback_says_where_and_never_what_the_variables_held(written: Path, application: str, errors: str) -> None:
    console = (written / "console").read_text()
    for text in (application, errors, console):
        assert text.count("RuntimeError: it broke") == 2
        assert "in fail" in text
        assert CANARY not in text
