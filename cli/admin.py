"""`opitios admin`: what needs the files of this machine, not the API."""

from typing import Annotated

import typer

from cli.output import OUT, fail
from config.settings import load_settings

app = typer.Typer(help="Users of this installation.", no_args_is_help=True)


@app.callback()
def admin() -> None:
    """Take commands one level down, also while there is only one."""


@app.command("reset-password")
def reset(username: Annotated[str, typer.Argument(help="whose password")] = "admin") -> None:
    """Give a user a new generated password, print it once, and end every session of theirs."""
    from cli.database import replace_password  # noqa: PLC0415  no other command shall wait for the ORM

    password = replace_password(load_settings(), username)
    if password is None:
        fail(f"no user {username!r}")
        raise typer.Exit(1)
    OUT.print(f"New password of {username}: {password}", markup=False)


@app.command("flower-password")
def flower_password() -> None:
    """Print what opens Flower: its user and password, as this installation has them."""
    flower = load_settings().flower
    password = flower.password.get_secret_value()
    if not password:
        fail("flower.password is not known here: make run generates it, else set OPITIOS_FLOWER_PASSWORD")
        raise typer.Exit(1)
    OUT.print(f"{flower.user} {password}", markup=False)
