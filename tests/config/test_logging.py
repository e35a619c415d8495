"""The two logs of a process, written by a process of their own: logging is global."""

import datetime as dt
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from domain.timing import render

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "support" / "logging_program.py"
SECRET = 'canary-9f31 "quo\\ted'  # quotes and a backslash: programs spell it in several ways
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \| ")
LINE = re.compile(STAMP.pattern + r"(INFO|WARNING|ERROR|CRITICAL|Level 35) \| .+")


def run(home: Path, **section: Any) -> subprocess.CompletedProcess[str]:
    """Run the program on a machine far west of UTC."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TZ": "America/Chicago"}
    command = [sys.executable, str(PROGRAM), str(home), json.dumps(section), SECRET]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the program has logged as text, with a console."""
    home = tmp_path_factory.mktemp("home")
    done = run(home, console=True)
    assert done.returncode == 1
    (home / "now").write_text(done.stdout)
    (home / "console").write_text(done.stderr)
    return home


@pytest.fixture(scope="module")
def as_json(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the same program writes to stdout as JSON, as in a container."""
    done = run(tmp_path_factory.mktemp("json"), to="stdout", format="json")
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines() if not line.startswith("now ")]


@pytest.fixture
def application(written: Path) -> str:
    return (written / "logs/app/worker-entries.log").read_text()


@pytest.fixture
def errors(written: Path) -> str:
    return (written / "logs/errors/worker-entries.log").read_text()


def heads(text: str) -> list[str]:
    """Return the lines of the log without their stamps; tracebacks left out."""
    return [line.partition(" | ")[2] for line in text.splitlines() if STAMP.match(line)]


@pytest.mark.requirement("QUA-002", "FR-004")
def test_a_process_writes_two_private_files_and_no_other(written: Path) -> None:
    files = {str(path.relative_to(written)): path for path in (written / "logs").rglob("*") if path.is_file()}
    assert set(files) == {"logs/app/worker-entries.log", "logs/errors/worker-entries.log"}
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}


@pytest.mark.requirement("QUA-002", "FR-004")
def test_a_line_has_the_documented_form_in_utc(written: Path, application: str) -> None:
    first = application.splitlines()[0]

    assert LINE.fullmatch(first)
    assert first.endswith(" | INFO | Order placed: BUY {AAPL}")
    logged = dt.datetime.fromisoformat(first[:23]).replace(tzinfo=dt.UTC)
    ended = dt.datetime.fromisoformat((written / "now").read_text().removeprefix("now ").strip())
    assert dt.timedelta(0) <= ended - logged < dt.timedelta(minutes=5)


@pytest.mark.requirement("QUA-002", "FR-004")
def test_the_standard_librarys_records_go_the_same_way(application: str) -> None:
    assert "WARNING | from the standard library" in heads(application)
    assert "WARNING | does not fit: %d" in heads(application)
    assert "ERROR | braces {} stay" in heads(application)
    assert "Level 35 | a level of its own" in heads(application)


def test_what_is_too_quiet_stays_out(application: str) -> None:
    assert "too quiet" not in application
    assert "chatter" not in application


@pytest.mark.requirement("QUA-002", "FR-004")
def test_errors_have_a_file_of_their_own_and_nothing_else_is_in_it(application: str, errors: str) -> None:
    levels = {head.partition(" | ")[0] for head in heads(errors)}
    assert levels == {"ERROR", "CRITICAL"}
    assert [head for head in heads(application) if head.startswith(("ERROR", "CRITICAL"))] == heads(errors)


@pytest.mark.requirement("QUA-002", "FR-004")
def test_the_console_shows_the_same_lines_in_the_same_form(written: Path, application: str) -> None:
    assert (written / "console").read_text() == application


def test_what_rides_on_a_request_is_on_its_lines_and_on_no_other(application: str) -> None:
    context = "account=demo-1 account_type=paper | trace_id=ab12"
    assert f"INFO | inside a request | {context}" in heads(application)
    assert f"WARNING | a library inside a request | {context}" in heads(application)
    assert "INFO | outside again" in heads(application)


@pytest.mark.requirement("TRD-001", "FR-005")
def test_an_orders_line_reads_as_documented_whether_it_went_well_or_not(application: str) -> None:
    where = "account=demo-1 account_type=paper network=198ms source=api"
    about = "trace_id=ab12 operation=place symbol=AAPL"
    assert (
        f"INFO | Order placed: BUY AAPL qty=100 | order_id=0190 | duration=245ms | success=true | {where} | {about}"
    ) in heads(application)
    assert (
        "ERROR | Order failed: BUY AAPL qty=100 | order_id=0190 | duration=245ms | error=insufficient_balance"
        f" | {where} | {about}"
    ) in heads(application)


def test_a_traceback_says_where_and_never_what_the_variables_held(written: Path, application: str, errors: str) -> None:
    for text in (application, errors, (written / "console").read_text()):
        assert text.count("RuntimeError: it broke\n") == 4
        assert "in fail" in text


def test_what_nobody_catches_is_logged(errors: str) -> None:
    said = [head.partition(r"\n")[0] for head in heads(errors) if re.search("Uncaught|Ignored|never", head)]
    assert said == [
        "CRITICAL | Uncaught RuntimeError in careless",
        "ERROR | Task exception was never retrieved",
        "ERROR | Ignored RuntimeError in function",
        "CRITICAL | Uncaught RuntimeError",
    ]


def test_no_value_can_forge_a_line(application: str, errors: str) -> None:
    for text in (application, errors):
        assert not [line for line in text.splitlines() if line.startswith("2025-01-15")]
        assert all(STAMP.match(line) or line.startswith("    ") for line in text.splitlines())
    forged = r"AAPL\n2025-01-15 14:30:25.123 ¦ INFO ¦ Order placed: BUY TSLA qty=1"
    assert f"INFO | No instrument {forged}" in heads(application)


def test_no_known_secret_leaves_in_any_spelling(written: Path, as_json: list[dict[str, Any]]) -> None:
    said = "".join(path.read_text() for path in (written / "logs").rglob("*.log"))
    for text in (said, (written / "console").read_text(), json.dumps(as_json)):
        assert "canary-9f31" not in text
        assert "learnt later" not in text
    assert "the key is ***" in said
    assert "RuntimeError: refused: ***" in said
    assert "postgresql://user:***@host/db" in said


def test_what_looks_like_a_secret_is_hidden_though_nobody_knows_it(application: str) -> None:
    assert "unknown-" not in application
    assert "dW5rbm93bi" not in application
    assert "INFO | redis://:***@127.0.0.1:6379/0" in heads(application)
    assert "INFO | password=***&next=1" in heads(application) or "INFO | password=***" in heads(application)


def test_json_has_the_same_lines_with_the_same_fields(application: str, as_json: list[dict[str, Any]]) -> None:
    def text(line: dict[str, Any]) -> str:
        frame = {"time", "level", "message", "process", "traceback"}
        return f"{line['level']} | {render(line['message'], {k: v for k, v in line.items() if k not in frame})}"

    assert [text(line) for line in as_json] == heads(application)
    placed = next(line for line in as_json if line.get("success"))
    assert placed.pop("time").endswith("+00:00")
    assert placed == {
        "level": "INFO",
        "message": "Order placed: BUY AAPL qty=100",
        "process": "worker-entries",
        "trace_id": "ab12",
        "order_id": "0190",
        "duration_ms": 245.432,
        "success": True,
        "account": "demo-1",
        "account_type": "paper",
        "network_ms": 198.2,
        "source": "api",
        "operation": "place",
        "symbol": "AAPL",
    }
    assert "RuntimeError: it broke" in next(line["traceback"] for line in as_json if line["message"] == "caught")


def test_a_container_gets_every_line_on_stdout_and_no_file(tmp_path: Path) -> None:
    done = run(tmp_path, to="stdout", level="ERROR")

    assert {line.partition(" | ")[0] for line in heads(done.stdout)} == {"ERROR", "CRITICAL"}
    assert not (tmp_path / "logs").exists()
