"""`opitios admin users`: who may sign in, and as what; each change is asked of the API, which audits it."""

import secrets
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.admin_client import As, admin_client
from cli.api_client import in_path
from cli.output import OUT, add_plain, print_whole

app = typer.Typer(help="Users: who may sign in, and as what.", no_args_is_help=True)
sessions = typer.Typer(help="Sessions of users.", no_args_is_help=True)
app.add_typer(sessions, name="sessions")

_USERS = "/api/v1/admin/users"

Named = Annotated[str, typer.Argument(metavar="USERNAME", help="the user's name")]
RoleOf = Annotated[str, typer.Argument(metavar="ROLE", help="trader, operator, compliance or admin")]


@app.command("list")
def list_users(admin: As = "admin") -> None:
    """List every user."""
    table = Table("user", "role", "state", "since (UTC)")
    for user in admin_client(admin).get(_USERS):
        since = user["created_at"][:19].replace("T", " ")
        add_plain(table, user["username"], user["role"], "disabled" if user["disabled"] else "enabled", since)
    print_whole(table)


@app.command()
def add(username: Named, role: RoleOf, admin: As = "admin") -> None:
    """Add a user with a generated password, and print it once."""
    password = secrets.token_urlsafe(18)
    body = {"username": username, "role": role, "password": password}
    _say(admin_client(admin).change("POST", _USERS, body))
    OUT.print(f"Password of {username}: {password}", markup=False)


@app.command()
def disable(username: Named, admin: As = "admin") -> None:
    """Switch a user off: every session of theirs ends within seconds."""
    _change(admin, username, {"disabled": True})


@app.command()
def enable(username: Named, admin: As = "admin") -> None:
    """Let a user sign in again."""
    _change(admin, username, {"disabled": False})


@app.command("role")
def set_role(username: Named, role: RoleOf, admin: As = "admin") -> None:
    """Give a user another role."""
    _change(admin, username, {"role": role})


@app.command("reset-password")
def reset_password(username: Named, admin: As = "admin") -> None:
    """Give a user a new generated password, print it once, and end every session of theirs."""
    password = secrets.token_urlsafe(18)
    _say(admin_client(admin).change("PUT", f"{_USERS}/{in_path(username)}/password", {"password": password}))
    OUT.print(f"New password of {username}: {password}", markup=False)


@sessions.command("end")
def end_sessions(username: Named, admin: As = "admin") -> None:
    """End every session of a user within seconds."""
    _say(admin_client(admin).delete(f"{_USERS}/{in_path(username)}/sessions"))
    OUT.print("Their sessions end within seconds.")


@sessions.callback()
def _sessions() -> None:
    """Take commands one level down, also while there is only one."""


def _change(admin: str, username: str, change: dict[str, Any]) -> None:
    _say(admin_client(admin).change("PATCH", f"{_USERS}/{in_path(username)}", change))


def _say(user: dict[str, Any]) -> None:
    OUT.print(f"User {user['username']}: {user['role']}, {'disabled' if user['disabled'] else 'enabled'}", markup=False)
