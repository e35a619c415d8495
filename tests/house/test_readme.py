"""The README's commands and paths are those of the tree."""

import re
from pathlib import Path

import pytest
import typer.main

from cli.main import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
INLINE = re.findall(r"`([^`\n]+)`", README)
BLOCKS = re.findall(r"(?ms)^```(?:sh|console)\n(.+?)^```", README)
TOP = {path.name for path in ROOT.iterdir()}
WORD = re.compile(r"^[a-z][a-z-]*$")


def lines() -> list[str]:
    """Every command line that the README shows, without prompts and comments."""
    shown = [line.removeprefix("$ ").partition(" #")[0] for block in BLOCKS for line in block.splitlines()]
    return [re.sub(r"^\.venv/bin/", "", re.sub(r"^(\w+=\S+ )+", "", line)) for line in [*shown, *INLINE]]


MAKE = sorted({line for line in lines() if re.fullmatch(r"make( [a-z]+)+ *", line)})
OPITIOS = sorted({line for line in lines() if line.startswith("opitios ")})


def test_the_readme_shows_commands() -> None:
    assert {"make run", "make test", "make stop"} <= {line.strip() for line in MAKE}
    assert any(line.startswith("opitios order buy") for line in OPITIOS)


@pytest.mark.parametrize("line", MAKE)
def test_every_make_target_exists(line: str) -> None:
    targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"))

    assert set(line.split()[1:]) <= set(targets)


@pytest.mark.parametrize("line", OPITIOS)
def test_every_command_and_option_exists(line: str) -> None:
    command: object = typer.main.get_command(app)
    words = line.split()[1:]
    while words and (children := getattr(command, "commands", {})):
        assert words[0] in children, f"no command {words[0]!r}"
        command = children[words.pop(0)]
    known = {option for parameter in getattr(command, "params", []) for option in parameter.opts}

    assert not getattr(command, "commands", {}), "a group, not a command"
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("path", sorted({name for name in INLINE if name.rstrip("/").partition("/")[0] in TOP}))
def test_every_path_that_it_names_exists(path: str) -> None:
    assert path == ".venv/bin/opitios" or path.startswith(".venv/") or (ROOT / path).exists()
