"""Admin commands ask for the password each time: they sign in afresh, and keep no token (CLI, US-SYSTEM-016)."""

import sys
from typing import Annotated

import requests
import typer

from cli.api_client import ApiClient, ApiError
from config.settings import load_settings

As = Annotated[str, typer.Option("--as", help="the admin who signs in")]


def admin_client(username: str) -> ApiClient:
    """Return a client that has just signed in; the password comes from the terminal or the first line of stdin."""
    client = ApiClient(load_settings())
    try:
        client.sign_in(username, _password_of(username))
    except ApiError as error:
        if error.status != requests.codes.unauthorized:
            raise
        raise ApiError(f"Name or password of {username} is wrong") from None
    return client


def _password_of(username: str) -> str:
    if sys.stdin.isatty():
        given: str = typer.prompt(f"Password of {username}", hide_input=True)
    else:
        given = sys.stdin.readline().rstrip("\n")
    if not given:
        raise typer.BadParameter("it is empty; an admin command reads it from stdin", param_hint="password")
    return given
