"""Exports at the command line: whole or not there, always on record, in every form."""

import hashlib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from cli import report_export
from cli.main import app
from cli.report_export import export
from config.settings import ConfigError, Settings, load_settings
from reports.catalog import REPORTS
from reports.filters import Filters
from reports.render import Written, write_csv
from tests.support.house import Bed
from tests.support.reports import ROWS, SAMPLE, Owner, sample


@pytest.fixture(scope="module")
def owner(quiet: Bed) -> Iterator[Owner]:
    with quiet.servers.connect() as connection, sample(connection):
        yield connection


@pytest.fixture
def settings(quiet: Bed, owner: Owner) -> Settings:  # noqa: ARG001  the view is there
    return load_settings(quiet.servers.environ)


@pytest.fixture
def recorded(owner: Owner) -> Callable[[], list[tuple[Any, ...]]]:
    """Return the exports that were put on record since the test began, oldest first."""
    (before,) = owner.execute("SELECT count(*) FROM audit.operations WHERE operation = 'report_export'").fetchone() or (
        0,
    )

    def found() -> list[tuple[Any, ...]]:
        return owner.execute(
            "SELECT success, actor, source, reason, detail FROM audit.operations "
            "WHERE operation = 'report_export' ORDER BY recorded_at OFFSET %s",
            (before,),
        ).fetchall()

    return found


@pytest.mark.requirement("FR-005")
@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet", "json"])
def test_an_export_is_a_file_with_what_it_is_beside_it_and_on_record(
    settings: Settings, recorded: Callable[[], list[tuple[Any, ...]]], tmp_path: Path, form: str
) -> None:
    target = tmp_path / f"sample.{form}"

    export(settings, url_of(settings), SAMPLE, Filters(account="acc-1"), form, target)

    said = json.loads((tmp_path / f"sample.{form}.manifest.json").read_text(encoding="utf-8"))
    content = target.read_bytes()
    assert (said["file"], said["file_sha256"], said["bytes"]) == (
        target.name,
        hashlib.sha256(content).hexdigest(),
        len(content),
    )
    assert (said["report"], said["row_count"], said["rows_in_all"]) == ("sample", ROWS // 2, ROWS // 2)
    assert 'WHERE "r"."account" = \'acc-1\'' in said["query"]
    ((success, actor, source, reason, detail),) = recorded()
    assert (success, source, reason) == (True, "cli", None)
    assert actor.startswith("os:")
    assert {name: detail[name] for name in ("report", "format", "rows", "sha256", "as_of", "file")} == {
        "report": "sample", "format": form, "rows": ROWS // 2, "sha256": said["sha256"], "as_of": said["as_of"],
        "file": target.name,
    }  # fmt: skip
    assert detail["filters"] == {"account": "acc-1"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [target.name, f"{target.name}.manifest.json"]


def url_of(settings: Settings) -> str:
    return settings.compliance_database_url.get_secret_value()


def breaks(ends: Callable[[], None]) -> Callable[..., Written]:
    """Return a writer that has written some rows when `ends` ends it."""

    def write(result: Any, out: Any) -> Written:
        out.write(b"half of it")
        ends()
        return write_csv(result, out)

    return write


def no_room() -> None:
    raise OSError(28, "No space left on device")


def terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(5)  # the signal comes before


def interrupted() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("ends", "error"), [(no_room, OSError), (terminated, SystemExit), (interrupted, KeyboardInterrupt)]
)
@pytest.mark.parametrize("there_before", [True, False])
def test_an_export_that_is_ended_leaves_nothing_and_is_on_record(
    settings: Settings,
    recorded: Callable[[], list[tuple[Any, ...]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends: Callable[[], None],
    error: type[BaseException],
    *,
    there_before: bool,
) -> None:
    target = tmp_path / "sample.csv"
    if there_before:
        target.write_text("what was there")
    monkeypatch.setattr(report_export, "write_csv", breaks(ends))

    with pytest.raises(error):
        export(settings, url_of(settings), SAMPLE, Filters(), "csv", target)

    assert [path.read_text() for path in tmp_path.iterdir()] == ["what was there"] * there_before
    ((success, _, _, reason, detail),) = recorded()
    assert (success, detail["report"]) == (False, "sample")
    assert reason.startswith(error.__name__)


@pytest.mark.parametrize("output", [True, False])
def test_what_cannot_be_recorded_is_not_exported(
    settings: Settings, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], *, output: bool
) -> None:
    nobody = settings.model_copy(update={"app_database_url": SecretStr("postgresql://x:x@127.0.0.1:1/x")})

    with pytest.raises(ConfigError, match="The database says"):
        export(nobody, url_of(settings), SAMPLE, Filters(), "csv", tmp_path / "sample.csv" if output else None)

    assert list(tmp_path.iterdir()) == []
    assert capsysbinary.readouterr().out == b""


def test_two_exports_to_one_file_do_not_mix(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / ".sample.csv.part").write_text("of another")
    with pytest.raises(ConfigError, match="another export writes sample"):
        export(settings, url_of(settings), SAMPLE, Filters(), "csv", tmp_path / "sample.csv")
    assert (tmp_path / ".sample.csv.part").read_text() == "of another"


@pytest.fixture
def opitios(quiet: Bed, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `opitios report` in this process."""
    for name, value in quiet.servers.environ.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["report", *words], env={"COLUMNS": "200", "TERM": "dumb"})

    return run


def test_a_form_for_programs_goes_to_stdout_whole(opitios: Callable[..., Result], tmp_path: Path) -> None:
    answer = opitios("account-types", "--format", "parquet")

    assert answer.exit_code == 0, answer.stderr
    (tmp_path / "out").write_bytes(answer.stdout_bytes)
    assert "account_type_source" in pq.read_table(tmp_path / "out").column_names
    assert "sha256 " in answer.stderr
    assert 'query SELECT * FROM "reports"."account_types" AS "r"' in answer.stderr


def test_a_report_describes_its_columns_and_filters(opitios: Callable[..., Result]) -> None:
    answer = opitios("order-timing", "--describe")

    assert answer.exit_code == 0, answer.stderr
    assert "account_type_source" in answer.stdout
    assert "--filter symbol=VALUE: symbol, a text" in answer.stdout
    assert "--from VALUE: order_date, a day as 2026-11-21" in answer.stdout


def test_every_report_is_listed_and_none_is_named_like_a_command(opitios: Callable[..., Result]) -> None:
    answer = opitios("list")

    assert all(report.name in answer.stdout and report.what in answer.stdout for report in REPORTS.values())
    assert not {"list", "pack"} & REPORTS.keys()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--filter", "colour=red"), "colour 'red': expected no such filter here; order-timing has account, from, to"),
        (("--filter", "symbol"), "--filter 'symbol': expected NAME=VALUE"),
        (("--filter", "symbol=A", "--filter", "symbol=B"), "symbol 'B': expected once; it was A already"),
        (("--filter", "order_id=17"), "order_id '17': expected an id"),
        (("--from", "2026-03-02", "--to", "2026-03-01"), "from '2026-03-02': expected a day not after to"),
        (("--output", "x.csv"), "a table is for the screen; expected --format csv, xlsx, parquet, json"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(
    opitios: Callable[..., Result], words: tuple[str, ...], said: str
) -> None:
    answer = opitios("order-timing", *words)

    assert answer.exit_code == 2
    assert said in " ".join(answer.stderr.replace("│", " ").split())
