"""`opitios admin`: users and accounts through the API, with the password asked each time.

`reset-password` alone needs the files of this machine instead: its owner gets in without a sign-in.
"""

from typing import Annotated

import typer

from cli import admin_accounts, admin_correct, admin_orders, admin_sell, admin_users
from cli.output import OUT, fail
from config.settings import load_settings

app = typer.Typer(help="Users and accounts; each command asks for the admin's password.", no_args_is_help=True)
app.add_typer(admin_users.app, name="users")
app.add_typer(admin_accounts.app, name="accounts")
app.add_typer(admin_orders.app, name="orders")
app.add_typer(admin_sell.app, name="sell")
app.command("correct")(admin_correct.correct)


@app.command("reset-password")
def reset(username: Annotated[str, typer.Argument(help="whose password")] = "admin") -> None:
    """Give a user a new generated password without a sign-in: for the owner of this machine's files."""
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
