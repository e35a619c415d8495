"""`opitios login`: keep a token for the commands that follow."""

import os
import sys
from typing import Annotated

import typer

from cli.api_client import ApiClient
from cli.output import OUT
from config.settings import load_settings


def login(
    username: Annotated[str, typer.Option(help="who you are")] = "admin",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="read the password from stdin")] = False,
) -> None:
    """Sign in at the API; the password is asked for, or read from stdin or OPITIOS_PASSWORD."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = os.environ.get("OPITIOS_PASSWORD") or typer.prompt(f"Password of {username}", hide_input=True)
    answer = ApiClient(load_settings()).login(username, password)
    OUT.print(f"Signed in as {username} ({answer['role']}) until {answer['expires_at'][:16]}Z")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("login")(login)
