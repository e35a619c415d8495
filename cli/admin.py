"""`opitios admin`: what needs the files of this machine, not the API."""

import os
import secrets
import socket
from typing import Annotated

import typer

from cli.output import OUT, fail
from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from config.settings import ConfigError, load_settings
from models.session import Database
from services.origin import Origin
from services.users import reset_password

app = typer.Typer(help="Users of this installation.", no_args_is_help=True)


@app.callback()
def admin() -> None:
    """Take commands one level down, also while there is only one."""


@app.command("reset-password")
def reset(username: Annotated[str, typer.Argument(help="whose password")] = "admin") -> None:
    """Give a user a new generated password, print it once, and end every session of theirs."""
    password = secrets.token_urlsafe(18)
    url = load_settings().app_database_url.get_secret_value()
    if not url:
        raise ConfigError("No database is known here: make run, or set OPITIOS_APP_DATABASE_URL")
    database = Database(url, application_name="opitios-cli", pool_size=1)
    try:
        with database.unit() as unit:
            found = reset_password(
                unit, username, password, now=SYSTEM_CLOCK.now(), ids=SYSTEM_IDS, origin=machine_origin()
            )
    finally:
        database.dispose()
    if not found:
        fail(f"no user {username!r}")
        raise typer.Exit(1)
    OUT.print(f"New password of {username}: {password}", markup=False)


def machine_origin() -> Origin:
    """Return who acts at this terminal: the account of the machine."""
    return Origin(
        actor=f"os:{os.environ.get('SUDO_USER') or os.environ.get('USER') or os.geteuid()}",
        host=socket.gethostname(),
        process=f"cli:{os.getpid()}",
    )
