"""`opitios login`: keep a token for the commands that follow."""

import os
import sys
from typing import Annotated

import requests
import typer

from cli.api_client import ApiClient, ApiError
from cli.output import OUT, command_name
from config.settings import load_settings


def login(
    username: Annotated[str, typer.Option(help="who you are")] = "admin",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="read the password from stdin")] = False,
) -> None:
    """Sign in at the API; the password is asked for, or read from stdin or OPITIOS_PASSWORD."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _password_of(username)
    if not password:
        raise typer.BadParameter("it is empty", param_hint="password")
    try:
        answer = ApiClient(load_settings()).login(username, password)
    except ApiError as error:
        if error.status != requests.codes.unauthorized:
            raise
        forgotten = f"a forgotten password is replaced by: {command_name()} admin reset-password {username}"
        raise ApiError(f"Name or password is wrong; {forgotten}") from None
    OUT.print(f"Signed in as {username} ({answer['role']}) until {answer['expires_at'][:16]}Z")


def _password_of(username: str) -> str:
    given = os.environ.get("OPITIOS_PASSWORD")
    if given:
        return given
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask at; give --password-stdin", param_hint="password")
    asked: str = typer.prompt(f"Password of {username}", hide_input=True)
    return asked


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("login")(login)
