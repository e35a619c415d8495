"""Brings a database to the newest revision and lets the system's roles log in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, pool, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

_ATTEMPTS = 5
_DEADLOCK = "40P01"
_ROOT = Path(__file__).resolve().parent.parent


def alembic_config(migrations_url: str) -> Config:
    """Return alembic's configuration with the URL handed over in memory, never in a file."""
    config = Config()
    config.set_main_option("script_location", str(_ROOT / "migrations"))
    config.attributes["url"] = migrations_url
    return config


def upgrade(migrations_url: str) -> None:
    """Run every missing revision and make the audit partitions of the coming months.

    Processes may be running: whom Postgres picks to end a deadlock begins anew, nothing of it was kept.
    """
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            _upgrade(migrations_url)
        except OperationalError as error:
            if not attempts_left or getattr(error.orig, "sqlstate", None) != _DEADLOCK:
                raise
        else:
            return


def _upgrade(migrations_url: str) -> None:
    command.upgrade(alembic_config(migrations_url), "head")
    with _begin(migrations_url) as connection:
        connection.execute(text("SELECT audit.ensure_partitions()"))


def allow_logins(migrations_url: str, *login_urls: str) -> None:
    """Give the roles that the system runs as the passwords that their URLs carry; an empty URL opens nothing.

    The server is told what SCRAM makes of a password, never the password: a server that logs its statements, or one
    that fails at this, would write it down.
    """
    given = [make_url(url) for url in login_urls if url]
    logins = [url for url in given if url.username and url.password]
    with _begin(migrations_url) as connection:
        server: Any = connection.connection.driver_connection
        for login in logins:
            name, password = str(login.username), str(login.password)
            verifier = server.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
            # ALTER ROLE takes no parameters: both are quoted, and the verifier has letters, digits and $:+/= alone
            quoted = name.replace('"', '""')
            connection.exec_driver_sql(f"ALTER ROLE \"{quoted}\" LOGIN PASSWORD '{verifier.decode()}'")


@contextmanager
def _begin(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=pool.NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
