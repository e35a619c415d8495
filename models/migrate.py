"""Brings a database to the newest revision and lets the system's roles log in."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, pool, text
from sqlalchemy.engine import make_url

_ROOT = Path(__file__).resolve().parent.parent


def alembic_config(migrations_url: str) -> Config:
    """Return alembic's configuration with the URL handed over in memory, never in a file."""
    config = Config()
    config.set_main_option("script_location", str(_ROOT / "migrations"))
    config.attributes["url"] = migrations_url
    return config


def upgrade(migrations_url: str) -> None:
    """Run every missing revision and make the audit partitions of the coming months."""
    command.upgrade(alembic_config(migrations_url), "head")
    _execute(migrations_url, ["SELECT audit.ensure_partitions()"])


def allow_logins(migrations_url: str, app_url: str, compliance_url: str) -> None:
    """Give `opitios_app` and `compliance_ro` the passwords that their URLs carry; an empty URL opens nothing."""
    statements = []
    for url in (make_url(given) for given in (app_url, compliance_url) if given):
        if url.username is None or url.password is None:
            continue
        # ALTER ROLE takes no parameters: both come from our own generator, quoted all the same
        name, password = url.username.replace('"', '""'), str(url.password).replace("'", "''")
        statements.append(f"ALTER ROLE \"{name}\" LOGIN PASSWORD '{password}'")
    _execute(migrations_url, statements)


def _execute(url: str, statements: list[str]) -> None:
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement.replace(":", "\\:")))
    engine.dispose()
