"""Section `logging`: from secrets.yml or the environment, and in words when it is wrong (QUA-002, FR-004)."""

import datetime as dt
from pathlib import Path

import pytest

from config.log_settings import LoggingSettings
from config.settings import ConfigError, load_settings


def load(home: Path, secrets: str = "", **environment: str) -> LoggingSettings:
    (home / "secrets.yml").write_text(secrets)
    return load_settings({"OPITIOS_HOME": str(home), **environment}).logging


@pytest.mark.requirement("QUA-002", "FR-004")
def test_without_a_word_rotation_compression_and_retention_are_those_of_the_predecessor(tmp_path: Path) -> None:
    chosen = load(tmp_path)

    assert (chosen.to, chosen.format, chosen.level, chosen.console) == ("files", "text", "INFO", None)
    assert (chosen.rotation, chosen.compression) == (50_000_000, "gz")
    assert (chosen.retention_app, chosen.retention_errors) == (dt.timedelta(days=14), dt.timedelta(days=60))


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    section = "logging: {to: stdout, format: json, rotation: 1 MiB, retention_app: 2 days}"
    chosen = load(
        tmp_path, section, OPITIOS_LOG_TO="files", OPITIOS_LOG_CONSOLE="on", OPITIOS_LOG_RETENTION_APP="3 days"
    )

    assert (chosen.to, chosen.format, chosen.console) == ("files", "json", True)
    assert (chosen.rotation, chosen.retention_app) == (1_048_576, dt.timedelta(days=3))


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("to", "syslog", "'files' or 'stdout'"),
        ("format", "xml", "'text' or 'json'"),
        ("level", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("console", "maybe", "auto, true or false"),
        ("rotation", "fifty", "'50 MB'"),
        ("rotation", "50", "'50 MB'"),  # of what?
        ("rotation", "10 KB MB", "'50 MB'"),
        ("compression", "zip", "'gz'"),
        ("retention_app", "14", "'14 days'"),  # of what?
        ("retention_errors", "-1 days", "'14 days'"),
    ],
)
def test_a_wrong_value_names_its_place_and_what_was_expected(
    field: str, value: str, expected: str, tmp_path: Path
) -> None:
    variable = f"OPITIOS_LOG_{field.upper()}"
    with pytest.raises(ConfigError) as in_file:
        load(tmp_path, f"logging: {{{field}: {value}}}")
    with pytest.raises(ConfigError) as in_environment:
        load(tmp_path, **{variable: value})

    for said, place in ((str(in_file.value), f"secrets.yml: logging.{field}"), (str(in_environment.value), variable)):
        assert place in said
        assert expected in said
        assert value in said
