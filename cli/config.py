"""`opitios config`: is the file right, what is in force and why, and what was changed by whom (CFG-001)."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cli.api_client import ApiClient
from cli.output import OUT, fail, print_whole
from config.explaining import useless_keys
from config.fields import flat, shown
from config.home import find_home
from config.settings import Reading, load_settings, read_settings
from config.sources import CONFIG_VARIABLE, ConfigError, read_content

app = typer.Typer(help="secrets.yml: check it, show what is in force, list its changes.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="this file instead of the one in force")] = None,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="fail for keys without effect, too")] = False,
) -> None:
    """Say what is wrong with the settings, and which keys have no effect; nothing is changed."""
    try:
        reading = _read(file)
    except ConfigError as error:
        fail(str(error))
        raise typer.Exit(1) from None
    path = reading.sources.content.path
    warnings = list(useless_keys(reading.sources.tree))
    for line in warnings:
        OUT.print(f"warning: {path}: {line}", style="yellow", markup=False)
    where = path or "no secrets.yml: defaults and the environment"
    OUT.print(f"{where}: good, {len(reading.settings.accounts)} accounts, {len(warnings)} warnings", markup=False)
    if warnings and strict:
        raise typer.Exit(1)


@app.command()
def show(
    *,
    sources: Annotated[bool, typer.Option("--sources", help="say where each value comes from")] = False,
) -> None:
    """Print every value as a process that started now would have it; secrets are masked, durations in seconds."""
    reading = _read(None, safe_defaults=True)
    if reading.replaced is not None:
        fail(f"{reading.replaced}\nSafe defaults stand in place of these.")
    table = Table("setting", "value", *(["source"] if sources else []))
    for name, value in flat(reading.settings).items():
        table.add_row(escape(name), escape(shown(value)), *([reading.sources.source_of(name)] if sources else []))
    print_whole(table)


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=200, help="changes at most, newest first")] = 50,
) -> None:
    """List what was changed, when and by whom; for admin and compliance."""
    page = ApiClient(load_settings()).get("/api/v1/admin/config/changes", {"limit": str(limit)})
    table = Table("when (UTC)", "who", "host", "what", "old", "new")
    for change in page["changes"]:
        when = change["occurred_at"][:19].replace("T", " ")
        who, what = (change["actor"], change["host"]), (change["subject"], shown(change["old"]), shown(change["new"]))
        table.add_row(*map(escape, (when, *who, *what)))
    print_whole(table)


def _read(file: Path | None, *, safe_defaults: bool = False) -> Reading:
    env = os.environ if file is None else {**os.environ, CONFIG_VARIABLE: str(file)}
    return read_settings(env, read_content(find_home(env), env), safe_defaults=safe_defaults)
