"""Every command explains itself."""

from collections.abc import Iterator

import pytest
import typer.main
from typer.testing import CliRunner

from cli.main import app


def commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and group below `command`."""
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


@pytest.mark.parametrize("words", list(commands(typer.main.get_command(app))), ids=" ".join)
def test_every_command_has_help_for_itself_and_each_option(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})

    assert shown.exit_code == 0
    assert "Usage:" in shown.output
    for parameter in _parameters(words):
        assert getattr(parameter, "help", None), f"{' '.join(words)} {getattr(parameter, 'name', '')}: no help"


def _parameters(words: tuple[str, ...]) -> list[object]:
    command: object = typer.main.get_command(app)
    for word in words:
        command = getattr(command, "commands", {})[word]
    assert getattr(command, "help", None), f"{' '.join(words)}: no help"
    return [parameter for parameter in getattr(command, "params", []) if getattr(parameter, "name", "") != "help"]
