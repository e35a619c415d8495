"""`opitios run`, `stop`, `status`, `migrate`: the whole stack of one OPITIOS_HOME."""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.table import Table

from cli.output import OUT, command_name
from config.home import Home, find_home
from config.settings import ConfigError, Settings, load_settings
from stack.stack import Stack, StackError


def run(
    foreground: Annotated[
        bool, typer.Option("--foreground", help="stay, and stop everything at Ctrl-C or SIGTERM")
    ] = False,
) -> None:
    """Start Postgres, Redis, the simulated exchange and every process, and print what to try."""
    from cli.bring_up import bring_up  # noqa: PLC0415  no other command shall wait for Alembic and Celery

    started = time.monotonic()  # noqa: TID251  a person waits, in real time
    home = find_home()
    say = said_until_interrupted()
    stack = Stack(home, _environment(), say)
    if stack.running():
        OUT.print(f"Opitios already runs in {home.root}.")
        print_first_commands(load_settings(), password=None)
        return
    settings, password = bring_up(stack, os.environ, say)
    OUT.print(f"\nOpitios runs ({time.monotonic() - started:.0f} s).")  # noqa: TID251  likewise
    print_first_commands(settings, password)
    if foreground:
        _stay(stack)


def stop() -> None:
    """Stop everything of this OPITIOS_HOME; the data stay."""
    stack = Stack(find_home(), os.environ, _say)
    _record_stop(stack)
    stack.stop()
    OUT.print("Stopped.")


def status() -> None:
    """Show every process with its state."""
    home = find_home()
    _require_ours(home)
    rows = Stack(home, os.environ, _say).status()
    if not rows:
        OUT.print("Nothing runs. Start with: make run")
        raise typer.Exit(1)
    table = Table("process", "state", "pid", "up for")
    for row in rows:
        table.add_row(row.name, row.state, str(row.pid or ""), "" if row.uptime_s is None else f"{row.uptime_s:.0f} s")
    OUT.print(table)


def migrate() -> None:
    """Bring the database of DATABASE_URL to the newest revision and let the system's roles log in."""
    from cli.database import prepare_database  # noqa: PLC0415  see run

    settings = load_settings()
    _say("bringing the database to the newest revision")
    is_new = prepare_database(settings) is not None
    OUT.print("The database is at the newest revision.")
    if is_new:  # its password is not printed: what this prints is kept in logs
        OUT.print(f"The user admin was made; give it a password with: {command_name()} admin reset-password")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (run, stop, status, migrate):
        app.command(command.__name__)(command)


def print_first_commands(settings: Settings, password: str | None) -> None:
    """Print where everything is and the three commands to try; the password only when it was made just now."""
    command = command_name()
    OUT.print(f"  API      {settings.api_url}  (documentation at {settings.api_url}/docs, health at /health)")
    how = f"{command} admin flower-password"
    OUT.print(f"  Flower   {settings.flower_url}  (user {settings.flower.user}, password: {how})", markup=False)
    OUT.print(f"  data     {settings.home.root}  (secrets.yml, logs, databases)", markup=False)
    OUT.print(f"  accounts {', '.join(account.name for account in settings.accounts) or 'none in secrets.yml'}")
    if password is not None:
        OUT.print(f"  user     admin, password {password}   <- shown this once", markup=False)
    else:
        OUT.print(
            f"  user     admin; a forgotten password is replaced by: {command} admin reset-password", markup=False
        )
    first = settings.accounts[0].name if settings.accounts else "ACCOUNT"
    OUT.print("\nThree commands to try:")
    OUT.print(f"  {command} login")
    OUT.print(f"  {command} order buy AAPL 10 --account {first} --wait")
    OUT.print(f"  {command} report order-timing")
    OUT.print("\nStop with: make stop")


def _require_ours(home: Home) -> None:
    """Refuse to say that nothing runs where this user cannot look."""
    if home.run.is_dir() and not os.access(home.run, os.R_OK | os.X_OK):
        raise StackError(f"{home.root} belongs to another user: set OPITIOS_HOME, or ask as that user.")


def _stay(stack: Stack) -> None:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        stack.wait_stopped()
    except KeyboardInterrupt:
        _record_stop(stack)
        stack.stop()


def _record_stop(stack: Stack) -> None:
    """Put the stop on record while the database is there still; without it, or with a broken file, it stops too."""
    if not stack.running():
        return
    from cli.database import record_stack  # noqa: PLC0415  see run
    from services.process_record import STACK_STOPPED  # noqa: PLC0415  likewise

    with suppress(ConfigError):
        record_stack(load_settings(), STACK_STOPPED)


def _environment() -> dict[str, str]:
    """Return what the processes inherit: a secrets.yml of this directory is theirs too, wherever they run."""
    here = Path("secrets.yml")
    named = {} if os.environ.get("OPITIOS_CONFIG") or not here.is_file() else {"OPITIOS_CONFIG": str(here.resolve())}
    return {**os.environ, **named}


def said_until_interrupted() -> Callable[[str], None]:
    """Return what prints each step of a start, and ends it where Ctrl-C was lost: a destructor swallows one."""
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.default_int_handler(number, frame)

    def say(text: str) -> None:
        if pressed and sys.exception() is None:  # with one at hand the start is ending already
            raise KeyboardInterrupt
        _say(text)

    signal.signal(signal.SIGINT, note)
    return say


def _say(text: str) -> None:
    OUT.print(f"  {text}", markup=False, style="dim")
